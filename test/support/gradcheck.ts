/** Compares symbolic gradients with central differences, both in double precision, of any order. */
import { autodiff } from "../../compiler/autodiff/backward.js"
import { GraphBuild } from "../../compiler/ir/graph/build.js"
import { evalGraph } from "../../compiler/ir/graph/eval.js"
import { assertGraph } from "../../compiler/ir/graph/verify.js"
import type { Graph } from "../../compiler/ir/graph/types.js"
import type { DimValues, TensorType } from "../../compiler/ir/tensor.js"
import type { NdArray, Value } from "../../compiler/ops/op.js"
import { runPass } from "../../compiler/pass.js"
import { Diagnostics } from "../../compiler/source/diagnostic.js"
import type { Diagnostic } from "../../compiler/source/diagnostic.js"
import { DEFAULT_TARGET } from "../../compiler/targets/index.js"
import { close } from "./close.js"
import { random, randomArray } from "./random.js"

export interface GradCheck {
  readonly types: readonly TensorType[]
  readonly build: (g: GraphBuild, args: readonly Value[]) => Value
  readonly values: readonly NdArray[]
  readonly dims: DimValues
  readonly order: 1 | 2
  readonly what: string
}

const isFloat = (t: TensorType): boolean => t.dtype === "f32" || t.dtype === "f16"

/** Truncation of a central difference is of the order of STEP^2, rounding of 1e-16 / STEP. */
const STEP = 1e-5
const TOLERANCE = 1e-6

/** Checks every float argument; gives the diagnostics of autodiff (then nothing was compared). */
export function gradcheck(check: GradCheck): readonly Diagnostic[] {
  const { graph, wrt } = lossGraph(check)
  assertGraph(graph)
  const diagnostics = new Diagnostics()
  const expanded = runPass(autodiff, graph, { diagnostics, target: DEFAULT_TARGET })
  assertGraph(expanded)
  if (diagnostics.hasErrors) return diagnostics.all

  const run = (values: readonly NdArray[]): Readonly<Record<string, NdArray>> =>
    evalGraph(expanded, {
      inputs: { ...weights(expanded, check), ...Object.fromEntries(values.map((v, i) => [`a${i}`, v])) },
      dims: check.dims,
    }).outputs
  const found = run(check.values)
  const loss = (values: readonly NdArray[]): number => run(values).loss!.data[0]!
  for (const i of wrt) {
    const numeric = differences(loss, check.values, i)
    close(found[`d${i}`]!, numeric, TOLERANCE, `${check.what}: gradient ${check.order} of argument ${i}`)
  }
  return []
}

/** loss = a random weighting of the result (order 1) or of its first gradients (order 2), so that every element matters. */
function lossGraph({ types, build, order }: GradCheck): { graph: Graph; wrt: readonly number[] } {
  const g = new GraphBuild("gradcheck")
  const args = types.map((t, i) => g.input(`a${i}`, t))
  const wrt = types.flatMap((t, i) => (isFloat(t) ? [i] : []))
  let loss = weighted(g, [build(g, args)], "w")
  if (order === 2)
    loss = weighted(
      g,
      wrt.map((i) => g.apply("grad", [loss, args[i]!])),
      "v",
    )
  g.output("loss", loss)
  for (const i of wrt) g.output(`d${i}`, g.apply("grad", [loss, args[i]!]))
  return { graph: g.finish(), wrt }
}

function weighted(g: GraphBuild, values: readonly Value[], name: string): Value {
  return values
    .map((value, i) => {
      const product = g.apply("mul", [value, g.input(`${name}${i}`, value.type)])
      const axes = value.type.shape.map((_, axis) => axis)
      return axes.length === 0 ? product : g.apply("sum", [product], { axes })
    })
    .map((term) => (term.type.dtype === "f32" ? term : g.apply("cast", [term], { dtype: "f32" })))
    .reduce((a, b) => g.binary("add", a, b))
}
function weights(graph: Graph, { dims, what }: GradCheck): Record<string, NdArray> {
  const next = random(what.length)
  const extra = graph.inputs.filter((i) => !i.name.startsWith("a"))
  return Object.fromEntries(extra.map((i) => [i.name, randomArray(i.type, dims, next)]))
}

function differences(
  loss: (values: readonly NdArray[]) => number,
  values: readonly NdArray[],
  at: number,
): NdArray {
  const x = values[at]!
  const moved = (element: number, by: number): readonly NdArray[] =>
    values.map((v, i) => {
      if (i !== at) return v
      const data = v.data.slice()
      data[element]! += by
      return { shape: v.shape, data }
    })
  const data = x.data.map((_, e) => (loss(moved(e, STEP)) - loss(moved(e, -STEP))) / (2 * STEP))
  return { shape: x.shape, data }
}

/** Random arguments of these types. */
export const randomArgs = (
  types: readonly TensorType[],
  dims: DimValues,
  ranges: readonly (readonly [number, number] | undefined)[] = [],
  seed = 1,
): NdArray[] => {
  const next = random(seed)
  return types.map((t, i) => randomArray(t, dims, next, ranges[i]))
}
