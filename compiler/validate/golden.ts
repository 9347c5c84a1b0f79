/** validate: the golden losses of a bundle: the first steps of every section, by the interpreter in double precision.
 *  Guarantees: bounded work; a section that takes more is left out, and the bundle says why. */
import { programsOf } from "../../runtime/bundle/builds.js"
import { fieldsRead, type Manifest, type TrainSpec } from "../../runtime/bundle/format.js"
import { drawnInputs, type GoldenSpec } from "../../runtime/bundle/golden.js"
import { evalGraph, type EvalInputs } from "../ir/graph/eval.js"
import type { Graph } from "../ir/graph/types.js"
import { type DimValues, evalShape } from "../ir/tensor.js"
import { intAttr } from "../ops/attrs.js"
import type { NdArray } from "../ops/op.js"
import { workOf } from "../schedule/index.js"

const STEPS = 3
const MOST_ROWS = 8
/** Multiplications and the like of all steps: a second or two. */
const MOST_WORK = 5e6

/** `graphs`: those that the devices' passes start from. */
export function goldenLosses(manifest: Manifest, graphs: readonly Graph[]): readonly GoldenSpec[] {
  return manifest.trains.map((train) => golden(manifest, train, graphs))
}

function golden(manifest: Manifest, train: TrainSpec, graphs: readonly Graph[]): GoldenSpec {
  const init = graphs.find((g) => g.name === "init")
  const step = graphs.find((g) => g.name === train.step)
  const most = programOf(manifest, train.step)?.maxBatch ?? 1
  const rows = train.data === null ? most : Math.min(MOST_ROWS, most)
  const spec = { train: train.name, rows, tolerance: step?.mixed ? 3e-2 : 1e-3 }
  if (step === undefined) return { ...spec, losses: [], skipped: "it has no step" }
  const dims = { B: rows, R: train.data === null ? 0 : rows }
  const work = (init ? work1(init, dims) : 0) + STEPS * work1(step, dims)
  if (work > MOST_WORK)
    return { ...spec, losses: [], skipped: `${STEPS} steps of ${rows} rows are too much for the interpreter` }
  const inputs = Object.fromEntries(
    fieldsRead(manifest.data, train)
      .flatMap((field) => drawnInputs(field, rows))
      .map(({ name, shape, values }): [string, NdArray] => [name, { shape, data: values }]),
  )
  const call = (graph: Graph, state: EvalInputs["state"], at: DimValues, k: number) =>
    evalGraph(graph, {
      inputs: Object.fromEntries(
        graph.inputs.flatMap((i) =>
          i.source.kind === "data" ? [[i.name, inputs[i.source.field]!] as const] : [],
        ),
      ),
      ...(state && { state }),
      dims: at,
      scalars: { step: k, epoch: k, seed: train.seed, start: 0 },
    })
  let state: Readonly<Record<string, NdArray>> = zeros([...(init?.state ?? []), ...step.state])
  if (init) state = { ...state, ...call(init, state, { B: 1, R: dims.R }, 0).updates }
  const losses: number[] = []
  for (let k = 0; k < STEPS; k++) {
    const { outputs, updates } = call(step, state, dims, k)
    losses.push(outputs["loss"]!.data[0]!)
    state = { ...state, ...updates }
  }
  return losses.every(Number.isFinite)
    ? { ...spec, losses }
    : { ...spec, losses: [], skipped: "drawn rows give a loss that is not finite" }
}

/** The single form, of whichever device the bundle is for. */
const programOf = (manifest: Manifest, name: string) => programsOf(manifest).find((p) => p.name === name)

/** The operations of a graph, every iteration of its loops included. */
function work1(graph: Graph, dims: DimValues): number {
  return graph.nodes.reduce(
    (sum, n) => (n.regions ?? []).reduce((s, r) => s + intAttr(n.attrs, "iterations") * work1(r, dims), sum),
    workOf(graph, dims),
  )
}

function zeros(slots: Graph["state"]): Record<string, NdArray> {
  return Object.fromEntries(
    slots.map(({ name, type }) => {
      const shape = evalShape(type.shape, { B: 1, R: 1 })
      return [name, { shape, data: new Float64Array(shape.reduce((n, d) => n * d, 1)) }]
    }),
  )
}
