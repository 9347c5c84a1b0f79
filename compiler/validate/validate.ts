/** validate: translation validation. Compiles a program, evaluates the output of every pass on random values and compares it with
 *  the values before: graphs in double precision, kernels by their evaluator, for each kind of device.
 *  Guarantees: the first pass after which something differs is named, with values and the place in the source.
 *  Not here:   devices (cli/), the passes before autodiff as far as only gradients depend on them. */
import { compile, type CompileHost, type Compiled } from "../driver/compile.js"
import type { CompileOptions } from "../driver/compilation.js"
import { type State, valueOf } from "../driver/levels.js"
import type { DriverContext, DriverPass } from "../driver/passes.js"
import { printGraph } from "../ir/graph/text.js"
import type { Graph } from "../ir/graph/types.js"
import { type DeviceArray, evalKernels } from "../ir/kernels/eval.js"
import { printKernelProgram } from "../ir/kernels/text.js"
import type { KernelProgram } from "../ir/kernels/types.js"
import type { RowBounds } from "../ir/model/index-bounds.js"
import { type DimValues, type DType, evalDim } from "../ir/tensor.js"
import type { NdArray } from "../ops/op.js"
import { bug } from "../source/bug.js"
import type { SourceFile } from "../source/source.js"
import { DEFAULT_TARGET, type TargetProfile, WEBGPU_VARIANTS } from "../targets/index.js"
import {
  evaluated,
  mismatches,
  type Mismatch,
  type Results,
  resultsOf,
  spreading,
  type SpreadOf,
} from "./expected.js"
import type { Allowed } from "./nearness.js"
import { DOUBLE, SINGLE } from "./rounding.js"
import { boundsOf, firstValues, SCALARS, type Values, valuesFor } from "./values.js"

/** Where a stage computes something else than the one before it. */
export interface Difference {
  /** The pass, or the device. */
  readonly stage: string
  readonly target: string
  readonly program: string
  /** An output, or the new value of a slot: `@name`. */
  readonly result: string
  readonly element: number
  readonly is: number
  readonly expected: number
  /** `m.nn:3:5`, where the program says so. */
  readonly at: string
}
export interface Validated extends Compiled {
  /** The first one; undefined where all stages agree. */
  readonly difference: Difference | undefined
  /** The expected results of the programs, for callers that run them on a device. */
  readonly expected: readonly Expected[]
}
/** The expected results of one program for its inputs. */
export interface Expected {
  readonly graph: Graph
  readonly values: Values
  readonly results: Results
  /** How far rounding may lead a device away from them. */
  readonly onDevices: SpreadOf
}

/** Compiles and compares. `seed`: of the random values. */
export function validate(
  main: SourceFile,
  host: CompileHost,
  options: Partial<CompileOptions> & { readonly seed?: number } = {},
): Validated {
  const { seed = 1, ...rest } = options
  const watch = new Watch(seed)
  const compiled = compile(main, host, {
    target: DEFAULT_TARGET,
    variants: WEBGPU_VARIANTS,
    verify: true,
    ...rest,
    hooks: { ...rest.hooks, after: (...seen) => watch.after(...seen) },
  })
  return { ...compiled, difference: watch.difference, expected: watch.expected }
}

/** Rows of a batch and of the data set, at most. */
const ROWS: DimValues = { B: 3, R: 5 }

class Watch {
  difference: Difference | undefined
  private bounds: ReadonlyMap<string, RowBounds> = new Map()
  private slots: ReadonlyMap<string, NdArray> = new Map()
  /** Texts of programs that were evaluated: passes leave much as it was, and devices have much in common. */
  private readonly seen = new Set<string>()
  private readonly byProgram = new Map<string, Expected>()

  constructor(private readonly seed: number) {}

  get expected(): readonly Expected[] {
    return [...this.byProgram.values()]
  }

  after(pass: DriverPass, input: State, output: State, cx: DriverContext): void {
    if (this.difference !== undefined) return
    if (pass.from === "model") {
      this.bounds = boundsOf(valueOf(input, "model"))
      this.slots = firstValues(
        valueOf(output, "graphs").find((g) => g.name === "init"),
        this.seed,
      )
    }
    if (pass.to === "graphs") for (const graph of valueOf(output, "graphs")) this.graph(pass, graph, cx)
    if (pass.to === "kernels")
      for (const { graph, program } of valueOf(output, "kernels"))
        this.kernels(pass, graph, program, cx.target)
  }

  private graph(pass: DriverPass, graph: Graph, { target, sizes }: DriverContext): void {
    const known = this.byProgram.get(graph.name)
    if (this.isSeen(printGraph(graph))) return
    const values = known?.values ?? this.valuesOf(graph, sizes(graph.name))
    const results = evaluated(graph, values)
    if (known) {
      const spread = spreading(known.graph, known.values, known.results, DOUBLE)
      this.compare(pass.name, graph, mismatches(known.results, results, spread, IN_DOUBLE), target)
    }
    const onDevices = spreading(graph, values, results, SINGLE)
    this.byProgram.set(graph.name, { graph, values, results, onDevices })
  }

  private kernels(pass: DriverPass, graph: Graph, program: KernelProgram, target: TargetProfile): void {
    const known = this.byProgram.get(graph.name) ?? bug(`no values for ${graph.name}`)
    if (this.isSeen(printKernelProgram(program))) return
    const given = [...graph.inputs.filter((i) => i.source.kind !== "scalar"), ...graph.state]
    const { inputs, state, dims } = known.values
    const buffers = new Map(
      given.map((v): [string, DeviceArray] => [
        "source" in v && v.source.kind === "data" ? v.source.field : v.name,
        deviceArray(
          (("role" in v ? state : inputs)[v.name] ?? bug(`no value of ${v.name}`)).data,
          v.type.dtype,
        ),
      ]),
    )
    // Slots of other programs, which lie among those of this one where many steps run as one kernel.
    for (const { name, role, dtype, elements } of program.buffers)
      if (role === "slot" && !buffers.has(name))
        buffers.set(name, deviceArray(new Float64Array(evalDim(elements, dims)), dtype))
    const outputs = evalKernels(program, { dims, scalars: SCALARS, buffers })
    const results = new Map(
      resultsOf(graph).map(({ name }) => [
        name,
        (name.startsWith("@") ? buffers.get(name.slice(1)) : outputs.get(name)) ?? bug(`no result ${name}`),
      ]),
    )
    this.compare(pass.name, graph, wrongOnDevice(known, results), target)
  }

  private isSeen(text: string): boolean {
    const before = this.seen.size
    return this.seen.add(text).size === before
  }

  private valuesOf(graph: Graph, largest: DimValues): Values {
    const dims = { B: Math.min(ROWS.B, largest.B), R: Math.min(ROWS.R, largest.R) }
    return valuesFor(graph, dims, this.slots, this.bounds, this.seed)
  }

  private compare(stage: string, graph: Graph, found: readonly Mismatch[], target: TargetProfile): void {
    const [first] = found
    if (first !== undefined) this.difference ??= differenceAt(stage, graph, first, target.name)
  }
}

/** Passes compute sums in another order, and with other numbers on the way. */
const IN_DOUBLE: Allowed = { relative: 1e-9, absolute: 1e-9 }
const ON_DEVICE: Allowed = { relative: 2e-6, absolute: 1e-6 }

/** The results of a device that rounding does not explain. */
export const wrongOnDevice = ({ results, onDevices }: Expected, now: Results): Mismatch[] =>
  mismatches(results, now, onDevices, ON_DEVICE)

/** With the place in the source that the result comes from. */
export function differenceAt(stage: string, graph: Graph, found: Mismatch, target: string): Difference {
  const { name: result, element, is, expected } = found
  const id = resultsOf(graph).find((r) => r.name === result)?.value
  const source = [...graph.nodes, ...graph.state, ...graph.inputs].find((v) => v.id === id)
  return { stage, target, program: graph.name, result, element, is, expected, at: source?.origin.at ?? "" }
}

/** Numbers as the kernels' evaluator holds them. */
export const deviceArray = (data: ArrayLike<number>, dtype: DType): DeviceArray =>
  dtype === "i32"
    ? Int32Array.from(data)
    : dtype === "f32" || dtype === "f16"
      ? Float32Array.from(data)
      : Uint32Array.from(data)
