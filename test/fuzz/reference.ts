/** test: training in double precision by the interpreter, and how far rounding may lead a device away from it.
 *  How:  the same steps are run again with every value rounded to f32 and moved by a few of its last digits at random. Where these
 *        runs differ from the exact one, so may a device: by what conditioning makes of rounding, through all steps, with a choice
 *        that goes the other way where it nearly does, and with what f32 cannot hold. What no rounding moves has to be exact. */
import { evalGraph, type EvalInputs } from "../../compiler/ir/graph/eval.js"
import type { Graph, Node } from "../../compiler/ir/graph/types.js"
import type { Manifest, TrainSpec } from "../../runtime/bundle/format.js"
import { opDef } from "../../compiler/ops/index.js"
import type { NdArray } from "../../compiler/ops/op.js"
import { batchesOf } from "../../runtime/train/batches.js"
import { reported } from "../../runtime/train/metrics.js"
import { fromHalf, toHalf } from "../../runtime/exec/values.js"
import { type Random, random } from "../support/random.js"
import { interpreted } from "./afterwards.js"
import type { TrainingData } from "./training-data.js"

/** Numbers by name: outputs of a step, and slots after it. */
export type Numbers = ReadonlyMap<string, Float64Array>
export interface Course {
  /** Before the first update, and after each. */
  readonly slots: readonly Numbers[]
  /** Of the steps from these slots. */
  readonly outputs: readonly Numbers[]
  /** What evaluation and prediction give after the last update; empty where that is not asked for. */
  readonly afterwards: readonly [Numbers]
}

export interface Reference {
  readonly course: Course
  /** The largest difference that rounding makes in so many runs, worked out when it is first asked for. */
  readonly spread: (runs: number) => Course
}

/** How far values are moved, in the last digits of f32. */
const DIGITS = 2 ** -22
const HALF_DIGIT = 2 ** -11

/** `graphs`: differentiated, and where precision is mixed with all casts to f16. */
export function referenceOf(
  graphs: readonly Graph[],
  manifest: Manifest,
  section: TrainSpec,
  data: TrainingData,
  steps: number,
  wholly: boolean,
): Reference {
  const run = (noise: Random | null): Course =>
    courseOf(graphs, manifest, section, data, steps, wholly, noise)
  const course = run(null)
  const noisy: Course[] = []
  const known = new Map<number, Course>()
  const spread = (runs: number): Course => {
    while (noisy.length < runs) noisy.push(run(random(noisy.length + 1)))
    if (!known.has(runs)) known.set(runs, spreadOf(course, noisy.slice(0, runs)))
    return known.get(runs)!
  }
  return { course, spread }
}

function courseOf(
  graphs: readonly Graph[],
  manifest: Manifest,
  section: TrainSpec,
  data: TrainingData,
  steps: number,
  wholly: boolean,
  noise: Random | null,
): Course {
  const graph = (name: string): Graph => graphs.find((g) => g.name === name)!
  const { seed, batch, dropLast } = section
  const batches = batchesOf(data.rows, batch, dropLast)
  const step = graph(section.step)
  const held = holding(noise)
  const init = graphs.find((g) => g.name === "init")
  const start = { step: 0, epoch: 0, seed, start: 0 }
  const dims = { B: 1, R: Math.max(1, data.rows) }
  const zeros = Object.fromEntries(
    graphs
      .flatMap((g) => g.state)
      .map(({ name, type }): [string, NdArray] => {
        const shape = type.shape as readonly number[]
        return [name, { shape, data: new Float64Array(shape.reduce((n, d) => n * d, 1)) }]
      }),
  )
  const drawn = init ? evalGraph(init, { state: zeros, dims, scalars: start, ...held }).updates : {}
  let slots: Readonly<Record<string, NdArray>> = { ...zeros, ...drawn }
  const course = { slots: [numbers(slots)], outputs: [] as Numbers[] }
  const at = { step: steps, epoch: batches.at(steps).epoch, seed }
  for (let n = 0; n <= steps; n++) {
    const { B, epoch, start: from } = batches.at(n)
    const { outputs, updates } = evalGraph(step, {
      inputs: data.inputs,
      state: Object.fromEntries(step.state.map((s) => [s.name, slots[s.name]!])),
      dims: { B, R: Math.max(1, data.rows) },
      scalars: { step: n, epoch, seed, start: from },
      ...held,
    })
    course.outputs.push(reportsOf(outputs))
    if (n === steps) break
    slots = { ...slots, ...updates }
    course.slots.push(numbers(slots))
  }
  const afterwards = wholly ? interpreted(graphs, { manifest, section, data }, at, slots, held) : new Map()
  return { ...course, afterwards: [afterwards] }
}
const numbers = (values: Readonly<Record<string, NdArray>>): Numbers =>
  new Map(Object.entries(values).map(([name, { data }]) => [name, data]))

/** Scalars, under the names that the runtime reports. */
function reportsOf(outputs: Readonly<Record<string, NdArray>>): Numbers {
  const scalars = Object.entries(outputs).filter(([, { shape }]) => shape.length === 0)
  const named = reported(Object.fromEntries(scalars.map(([name, { data }]) => [name, data[0]!])))
  return new Map(Object.entries(named).map(([name, value]) => [name, Float64Array.of(value)]))
}

/** An operation of other arguments. */
type Again = (args: readonly NdArray[]) => NdArray

/** The exact run keeps all digits, except where a program asks for f16. */
const holding = (noise: Random | null): Required<Pick<EvalInputs, "held">> => ({
  held: (node, value, args, again) => {
    if (node.type.dtype === "f16") {
      // Devices keep more digits while a half stays in registers: what is too small for it, or too large, is there.
      if (noise !== null && noise() < 0.5) return { shape: value.shape, data: value.data.map(Math.fround) }
      const half = (v: number): number =>
        fromHalf(toHalf(noise === null ? v : v * (1 + HALF_DIGIT * (2 * noise() - 1))))
      return { shape: value.shape, data: value.data.map(half) }
    }
    return noise === null ? value : moved(node, value, args, again, noise)
  },
})

/** Operations whose result is the nearest f32 to what they are made of, or one of their operands. */
const CORRECT = new Set([
  "add",
  "sub",
  "mul",
  "neg",
  "abs",
  "where",
  "maximum",
  "minimum",
  "max",
  "min",
  "cast",
  "constant",
  "sqrt",
])

/** Beside contractions. */
const SUMS = new Set([
  "sum",
  "cumsum",
  "recurrence",
  "window_sum",
  "window_sum_grad",
  "window_put",
  "put_along",
])

/** WGSL bounds the error of sines and cosines by a number, not by a share of them; drivers keep far within it. */
const TURNED = 2 ** -21

function moved(node: Node, value: NdArray, args: readonly NdArray[], again: Again, noise: Random): NdArray {
  if (node.type.dtype !== "f32") return value
  const { kind } = opDef(node.op).traits
  const isSum = kind === "contraction" || SUMS.has(node.op)
  const isExact = kind === "view" || kind === "gather" || CORRECT.has(node.op) || node.op === "random_uniform"
  const turns = node.op === "sin" || node.op === "cos" || node.op === "tan"
  const terms = kind === "reduce" || isSum ? Math.max(...args.map((a) => a.data.length)) : 0
  const digits = DIGITS * (1 + terms / Math.max(1, value.data.length) / 64)
  // What terms lose on the way does not shrink where they cancel.
  const sizes = isSum ? again(args.map(magnitudes)).data : value.data
  const exactSums = isSum && args.every((a) => a.data.every((v) => Number.isInteger(v * GRID)))
  return {
    shape: value.shape,
    data: value.data.map((v, i) => {
      const near = Math.fround(v)
      if (isExact && near === v) return v
      if (isSum && (sizes[i] === 0 || (exactSums && sizes[i]! * GRID ** 2 < 2 ** 24))) return v
      const far = Math.fround(
        v + digits * sizes[i]! * (2 * noise() - 1) + (turns ? TURNED * (2 * noise() - 1) : 0),
      )
      // Drivers flush what is subnormal, or not.
      return Math.abs(far) < 1.2e-38 && noise() < 0.5 ? 0 : far
    }),
  }
}
/** Multiples of 1/GRID, and products of two of them, are added up without rounding while sums are small. */
const GRID = 64
const magnitudes = ({ shape, data }: NdArray): NdArray => ({ shape, data: data.map(Math.abs) })

function spreadOf(exact: Course, runs: readonly Course[]): Course {
  const most = (kind: keyof Course): Numbers[] =>
    exact[kind].map((at, step) => {
      return new Map(
        [...at].map(([name, values]) => [
          name,
          values.map((v, i) =>
            runs.reduce((n, r) => {
              const off = Math.abs(r[kind][step]!.get(name)![i]! - v)
              return off <= n || Number.isNaN(n) ? n : off
            }, 0),
          ),
        ]),
      )
    })
  return { slots: most("slots"), outputs: most("outputs"), afterwards: [most("afterwards")[0]!] }
}
