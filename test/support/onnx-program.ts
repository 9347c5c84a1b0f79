/** test: the predictions of a program by onnxruntime and by the float64 interpreter, on random values. */
import type { Model, PredictSection } from "../../compiler/ir/model/types.js"
import { evalGraph } from "../../compiler/ir/graph/eval.js"
import type { Graph } from "../../compiler/ir/graph/types.js"
import { lower } from "../../compiler/lower/lower.js"
import type { Opset } from "../../compiler/onnx/translate.js"
import type { NdArray } from "../../compiler/ops/op.js"
import { runPass } from "../../compiler/pass.js"
import { Diagnostics } from "../../compiler/source/diagnostic.js"
import { DEFAULT_TARGET } from "../../compiler/targets/index.js"
import { randomArgs } from "./gradcheck.js"
import { differentiated } from "./lowered.js"
import { runOnnx } from "./onnx.js"

export interface Compared {
  readonly model: string
  /** Why it cannot be said. */
  readonly refused?: readonly string[]
  readonly operators: readonly string[]
  /** Of the largest difference to the largest number of an output, at least 1. */
  readonly error: number
  readonly shapes: readonly (readonly [found: readonly number[], wanted: readonly number[]])[]
}

const DIMS = { B: 3, R: 7 }

/** Every model of a checked program. */
export async function comparePredictions(model: Model, opset: Opset): Promise<readonly Compared[]> {
  const { graphs } = runPass(lower, model, { diagnostics: new Diagnostics(), target: DEFAULT_TARGET })
  const done: Compared[] = []
  for (const predict of model.predicts) {
    const graph = graphs.find(({ name }) => name === `predict.${predict.model}`)!
    done.push(await compared(predict, graph, model, opset))
  }
  return done
}

async function compared(
  predict: PredictSection,
  graph: Graph,
  { slots }: Model,
  opset: Opset,
): Promise<Compared> {
  const feeds = predict.section.inputs.filter(({ source }) => source.kind === "feed")
  const given = [...feeds, ...slots]
  // Places are below 2 in all programs that are made at random; variances are not negative.
  const ranges = given.map(({ name, type }): readonly [number, number] =>
    type.dtype === "i32" ? [0, 2] : name.endsWith("running_var") ? [0.5, 2] : [-1, 1],
  )
  const arrays = randomArgs(
    given.map(({ type }) => type),
    DIMS,
    ranges,
  )
  const values = Object.fromEntries(given.map(({ name }, i) => [name, rounded(arrays[i]!)]))
  const read = Object.fromEntries(given.map(({ name }) => [name, values[`${name}/average`] ?? values[name]!]))
  const result = await runOnnx({ predict, slots, opset, values: read, dims: DIMS })
  const none = { model: predict.model, operators: [], error: 0, shapes: [] }
  if ("refused" in result) return { ...none, refused: result.refused }
  const wanted = evalGraph(differentiated(graph), { inputs: values, state: values, dims: DIMS }).outputs
  const names = Object.keys(wanted)
  return {
    model: predict.model,
    operators: result.operators,
    error: Math.max(...names.map((name) => difference(result.outputs[name]!, wanted[name]!))),
    shapes: names.map((name) => [result.outputs[name]!.shape, wanted[name]!.shape]),
  }
}

const rounded = ({ shape, data }: NdArray): NdArray => ({ shape, data: Float64Array.from(data, Math.fround) })

function difference(found: NdArray, wanted: NdArray): number {
  const size = wanted.data.reduce((most, v) => Math.max(most, Math.abs(v)), 1)
  return wanted.data.reduce((most, v, i) => {
    if (Object.is(v, found.data[i])) return most
    const off = Math.abs(v - found.data[i]!) / size
    return Number.isNaN(off) ? Infinity : Math.max(most, off)
  }, 0)
}
