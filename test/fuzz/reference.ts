/** test: training in double precision by the interpreter, and how far rounding may lead a device away from it: the same steps are run
 *  again with every value rounded (validate/rounding.ts), through all steps. The exact run keeps all digits, except where a program asks
 *  for f16. */
import { evalGraph } from "../../compiler/ir/graph/eval.js"
import type { Graph } from "../../compiler/ir/graph/types.js"
import type { Manifest, TrainSpec } from "../../runtime/bundle/format.js"
import type { NdArray } from "../../compiler/ops/op.js"
import { spreadOver } from "../../compiler/validate/nearness.js"
import { rounding, SINGLE } from "../../compiler/validate/rounding.js"
import { batchesOf } from "../../runtime/train/batches.js"
import { reported } from "../../runtime/train/metrics.js"
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
  const held = { held: rounding(SINGLE, noise) }
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

function spreadOf(exact: Course, runs: readonly Course[]): Course {
  const most = (kind: keyof Course): Numbers[] =>
    exact[kind].map((at, step) => {
      const widest = (name: string, values: Float64Array): Float64Array =>
        spreadOver(
          values,
          runs.map((run) => run[kind][step]!.get(name)!),
        )
      return new Map([...at].map(([name, values]) => [name, widest(name, values)]))
    })
  return { slots: most("slots"), outputs: most("outputs"), afterwards: [most("afterwards")[0]!] }
}
