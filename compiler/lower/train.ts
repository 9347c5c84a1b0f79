/** lower: the programs of a train section: `step` (forward, gradients, optimizer, new values), `evaluate`, and `overall` where
 *  something is computed from all rows at once.
 *  Guarantees: gradients are `grad` nodes by the values at the start of the step, so that several objectives see the same
 *              parameters; `evaluate` changes nothing and visits the rows in order.
 *  Not here:   averaging over several batches (accumulate.ts), the rules of gradients (autodiff/). */
import { GraphBuild } from "../ir/graph/build.js"
import type { Graph } from "../ir/graph/types.js"
import { sectionData } from "../ir/model/section-data.js"
import type { Model, ModelInput, Objective, Section, TrainSection } from "../ir/model/types.js"
import type { Value } from "../ops/op.js"
import { bug } from "../source/bug.js"
import { accumulation, type Accumulation } from "./accumulate.js"
import { clip } from "./clip.js"
import { flatten } from "./flatten.js"
import { GraphInputs } from "./inputs.js"
import { prune } from "./prune.js"
import { cutAtRowTotals } from "./row-totals.js"
import { type Scaling, scalingIn, scalingSection } from "./scaling.js"
import { SlotValues } from "./slots.js"

/** `step` for the section without a name, `NAME.step` for the others. */
export const graphName = (train: TrainSection, graph: "step" | "evaluate" | "overall"): string =>
  train.name === "train" ? graph : `${train.name}.${graph}`

export function lowerStep(model: Model, train: TrainSection): Graph {
  const g = new GraphBuild(graphName(train, "step"), train.scaling !== null)
  const inputs = new GraphInputs(
    g,
    train.settings.shuffle,
    { ...train.origin, by: "lower" },
    sectionData(model, train),
  )
  const slots = new SlotValues(g, model.slots)
  const results = flatten(g, train.step, slots, (i) => inputs.of(i))
  const accumulated = train.settings.accumulate > 1 ? accumulation(g, slots, inputs, train) : undefined
  const scaling = scalingIn(g, slots, train)
  const found = train.objectives.map((o) => gradientsOf(g, o, results, slots, accumulated, scaling))
  const gradients = found.map((list, k) => clip(g, list, train.settings, train.objectives[k]!.origin))
  const scalars = (input: ModelInput): Value => {
    if (input.source.kind === "step") return result(results, input.source.result)
    return accumulated && isStep(input) ? accumulated.step : inputs.of(input)
  }
  train.objectives.forEach((objective, k) => {
    objective.updates.forEach(({ param, section }, i) => {
      const gradient = gradients[k]?.[i] ?? bug(`${param} has no gradient`)
      slots.write(param, updated(g, section, slots, slots.read(param), gradient, scalars))
    })
  })
  for (const { param, slot, section } of [...train.averages, ...train.follows]) {
    const given = (input: ModelInput): Value =>
      input.source.kind !== "feed" ? scalars(input) : slots.read(input.name === "p" ? param : slot)
    slots.write(slot, result(flatten(g, section, slots, given), "average"))
  }
  scaling?.settle(found.flat(), (scale, overflow) =>
    updated(g, scalingSection(train), slots, scale, overflow, scalars),
  )
  accumulated?.settle()
  addOutputs(g, train, results, isNumber)
  slots.finish()
  return prune(g.finish())
}

/** The slots of averages, by the parameters whose reads they replace. */
export const averagesIn = (trains: readonly TrainSection[]): ReadonlyMap<string, string> =>
  new Map(trains.flatMap((t) => t.averages.map((a) => [a.param, a.slot] as const)))

/** `evaluate`, and after it `overall` where there is one. */
export function lowerEvaluate(model: Model, train: TrainSection): readonly Graph[] {
  const g = new GraphBuild(graphName(train, "evaluate"))
  const inputs = new GraphInputs(g, false, { ...train.origin, by: "lower" }, sectionData(model, train))
  const slots = new SlotValues(g, model.slots, averagesIn([train]))
  const results = flatten(g, train.evaluate, slots, (i) => inputs.of(i))
  addOutputs(g, train, results)
  return cutAtRowTotals(g.finish(), graphName(train, "overall"))
}

/** The gradient of an objective by each parameter it moves. */
function gradientsOf(
  g: GraphBuild,
  objective: Objective,
  results: ReadonlyMap<string, Value>,
  slots: SlotValues,
  accumulated: Accumulation | undefined,
  scaling: Scaling | undefined,
): readonly Value[] {
  const found = result(results, objective.loss)
  const loss = scaling?.scaled(found) ?? found
  g.at({ ...objective.origin, by: "lower" })
  const params = objective.updates.map(({ param }) => param)
  const gradients = params.map((param) => {
    const gradient = g.apply("grad", [loss, slots.initial(param)])
    return scaling?.unscaled(gradient) ?? gradient
  })
  return accumulated?.add(params, gradients) ?? gradients
}

/** The new value that the optimizer gives one parameter. */
function updated(
  g: GraphBuild,
  section: Section,
  slots: SlotValues,
  p: Value,
  gradient: Value,
  scalars: (input: ModelInput) => Value,
): Value {
  const given = (input: ModelInput): Value => {
    if (input.source.kind !== "feed") return scalars(input)
    if (input.name === "p") return p
    return input.name === "g" ? gradient : bug(`an optimizer has no input ${input.name}`)
  }
  return result(flatten(g, section, slots, given), "p")
}

const isStep = ({ source }: ModelInput): boolean => source.kind === "scalar" && source.scalar === "step"

/** A training step reports numbers only. */
const isNumber = ({ type }: Value): boolean => type.shape.length === 0

function addOutputs(
  g: GraphBuild,
  train: TrainSection,
  results: ReadonlyMap<string, Value>,
  isReported: (value: Value) => boolean = () => true,
): void {
  train.objectives.forEach((objective, k) =>
    g.output(k === 0 ? "loss" : `loss.${k}`, result(results, objective.loss)),
  )
  for (const report of train.reports) {
    const value = result(results, report)
    if (isReported(value)) g.output(report, value)
  }
}

const result = (results: ReadonlyMap<string, Value>, name: string): Value =>
  results.get(name) ?? bug(`the section has no result ${name}`)
