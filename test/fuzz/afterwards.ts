/** test: what evaluation and prediction give once a program has been trained: by the interpreter, and by the device. */
import { evalGraph, type EvalInputs } from "../../compiler/ir/graph/eval.js"
import type { Graph } from "../../compiler/ir/graph/types.js"
import { evalShape } from "../../compiler/ir/tensor.js"
import type { NdArray } from "../../compiler/ops/op.js"
import { programsOf } from "../../runtime/bundle/builds.js"
import type { Manifest, PredictSpec, TrainSpec } from "../../runtime/bundle/format.js"
import type { Metric, Trainer } from "../../runtime/node.js"
import { evalShape as sizesOf, product } from "../../runtime/exec/size.js"
import { reported } from "../../runtime/train/metrics.js"
import type { Numbers } from "./reference.js"
import type { TrainingData } from "./training-data.js"

export interface Trained {
  readonly manifest: Manifest
  readonly section: TrainSpec
  readonly data: TrainingData
}
/** How far the run is. */
type At = Pick<Required<NonNullable<EvalInputs["scalars"]>>, "step" | "epoch" | "seed">
type Arrays = Readonly<Record<string, NdArray>>
type How = Pick<EvalInputs, "held">
type Run = (program: string, given: Omit<EvalInputs, "state">) => Arrays

export function interpreted(graphs: readonly Graph[], of: Trained, at: At, slots: Arrays, how: How): Numbers {
  const out = new Map<string, Float64Array>()
  const run: Run = (name, given) => {
    const graph = graphs.find((g) => g.name === name)!
    const state = Object.fromEntries(graph.state.map((s) => [s.name, slots[s.name]!]))
    const unread = graph.inputs.map((i): [string, NdArray] => {
      const shape = evalShape(i.type.shape, { B: 1, R: 1, ...given.dims })
      return [i.name, { shape, data: new Float64Array(product(shape)) }]
    })
    const inputs = { ...Object.fromEntries(unread), ...given.inputs }
    return evalGraph(graph, { ...given, ...how, inputs, state }).outputs
  }
  for (const [name, { data }] of Object.entries(evaluation(of, at, run))) out.set(`evaluate ${name}`, data)
  for (const predict of predictsOf(of)) {
    for (const [name, { data }] of Object.entries(prediction(of, predict, run)))
      out.set(`${predict.program} ${name}`, data)
  }
  return out
}

export async function onDevice(of: Trained, trainer: Trainer): Promise<Numbers> {
  const out = new Map<string, Float64Array>()
  const { section } = of
  if (section.evaluate !== null && section.data !== null) {
    const metrics = await trainer.evaluate({ train: section.name, part: "train" })
    for (const [name, value] of Object.entries(metrics)) out.set(`evaluate ${name}`, flat(value))
  }
  for (const predict of predictsOf(of)) {
    const given = Object.entries(feeds(of, predict).inputs).map(([name, { data }]) => [name, data] as const)
    const results = await trainer.predict(predict.model, Object.fromEntries(given))
    for (const [name, { values }] of Object.entries(results))
      out.set(`${predict.program} ${name}`, Float64Array.from(values))
  }
  return out
}
const flat = (metric: Metric): Float64Array =>
  Float64Array.from(typeof metric === "number" ? [metric] : metric.flatMap((row) => [...flat(row)]))

/** Loss and metrics over the training rows, batch by batch as the runtime takes them. */
function evaluation({ manifest, section, data }: Trained, at: At, run: Run): Arrays {
  const { evaluate, overall, totals = [] } = section
  if (evaluate === null || section.data === null) return {}
  const { maxBatch } = programsOf(manifest).find((p) => p.name === evaluate)!
  const joined: Record<string, NdArray> = {}
  for (let start = 0; start < data.rows; start += maxBatch) {
    const B = Math.min(maxBatch, data.rows - start)
    const given = { inputs: data.inputs, dims: { B, R: data.rows }, scalars: { ...at, start } }
    for (const [name, part] of Object.entries(run(evaluate, given))) {
      const how = totals.find((t) => t.name === name)?.reduce
      const values = how === undefined ? part.data.map((v) => (v * B) / data.rows) : part.data
      const before = joined[name]?.data
      const join = (v: number, i: number): number => {
        if (before === undefined) return v
        if (how === "max" || how === "min") return Math[how](before[i]!, v)
        return before[i]! + v
      }
      joined[name] = { shape: part.shape, data: values.map(join) }
    }
  }
  const late = overall ? run(overall, { inputs: joined, dims: { B: data.rows, R: 1 }, scalars: at }) : {}
  const all = { ...without(joined, new Set(totals.map((t) => t.name))), ...late }
  const numbers = Object.entries(all).filter(([, { shape }]) => shape.length === 0)
  const named = reported(Object.fromEntries(numbers.map(([name, { data: values }]) => [name, values[0]!])))
  return {
    ...without(all, new Set(numbers.map(([name]) => name))),
    ...Object.fromEntries(
      Object.entries(named).map(([name, v]) => [name, { shape: [], data: Float64Array.of(v) }]),
    ),
  }
}
/** In chunks of the largest batch; of what has no row for each row, that of the last. */
function prediction(of: Trained, predict: PredictSpec, run: Run): Arrays {
  const { rows, inputs } = feeds(of, predict)
  const { maxBatch, outputs } = programsOf(of.manifest).find((p) => p.name === predict.program)!
  const joined: Record<string, NdArray> = {}
  for (let from = 0; from < rows; from += maxBatch) {
    const B = Math.min(maxBatch, rows - from)
    const part = ({ shape: [first, ...rest], data }: NdArray): NdArray => {
      const width = product(rest)
      return first === rows
        ? { shape: [B, ...rest], data: data.slice(from * width, (from + B) * width) }
        : { shape: [first!, ...rest], data }
    }
    const given = Object.fromEntries(
      Object.entries(inputs).map(([name, x]) => [name, x.shape.length === 0 ? x : part(x)]),
    )
    for (const [name, x] of Object.entries(run(predict.program, { inputs: given, dims: { B, R: 1 } }))) {
      const before = outputs.find((o) => o.name === name)!.shape[0] === "B" ? (joined[name]?.data ?? []) : []
      joined[name] = { shape: x.shape, data: Float64Array.of(...before, ...x.data) }
    }
  }
  return joined
}
const without = (all: Arrays, names: ReadonlySet<string>): Arrays =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !names.has(name)))

const predictsOf = ({ manifest, section }: Trained): readonly PredictSpec[] =>
  manifest.predicts.filter((p) => p.feeds.some((feed) => feed.train === section.name))

/** The rows that a model was trained on; numbers of no meaning for what is no field, zeros for what the program does not read. */
function feeds(
  { manifest, section, data }: Trained,
  { program, inputs: declared, feeds: given }: PredictSpec,
): { readonly rows: number; readonly inputs: Arrays } {
  const rows = data.rows || 1
  const { inputs } = given.find((feed) => feed.train === section.name)!
  const read = programsOf(manifest).find((p) => p.name === program)!.inputs
  const unread = declared.filter(({ name }) => !read.some((each) => each.name === name))
  const values = [...read, ...unread].map(({ name, shape: symbolic, ...rest }): [string, NdArray] => {
    const field = inputs.find((i) => i.name === name)?.field
    if (typeof field === "string") return [name, data.inputs[field]!]
    const shape = sizesOf(symbolic, { B: rows, R: 1 })
    const number = (i: number): number =>
      "dtype" in rest && rest.dtype === "f32" ? ((i * 7) % 11) / 8 - 0.625 : 0
    return [name, { shape, data: Float64Array.from({ length: product(shape) }, (_, i) => number(i)) }]
  })
  return { rows, inputs: Object.fromEntries(values) }
}
