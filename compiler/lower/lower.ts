/** lower: inlines modules and joins sections into flat graphs.   Model -> Lowered
 *  Assumes:    the program checked without errors.
 *  Guarantees: `init` gives every slot its first value, `start` those anew that start from others, `finite` says which are not finite; every train section has a `step` and an `evaluate` (and an `overall`,
 *              when something is computed from all rows at once), every model a `predict.NAME`; unused nodes are gone; `grad` nodes stand wherever a gradient is wanted.
 *  Not here:   expanding `grad` (autodiff/), sharing equal nodes (optimize/). */
import { GraphBuild } from "../ir/graph/build.js"
import type { Graph } from "../ir/graph/types.js"
import type { Model, PredictSection } from "../ir/model/types.js"
import type { Pass } from "../pass.js"
import { withSums } from "./accumulate.js"
import { lowerFinite } from "./finite.js"
import { flatten } from "./flatten.js"
import { lowerInit, lowerStart } from "./init.js"
import { GraphInputs } from "./inputs.js"
import { prune } from "./prune.js"
import { SlotValues } from "./slots.js"
import { averagesIn, lowerEvaluate, lowerStep } from "./train.js"

export interface Lowered {
  /** `init`, `start` where something needs it and, where there is training, `finite`, then `step`, `evaluate` and `overall` of each train section, then the predictions. */
  readonly graphs: readonly Graph[]
}

export const lower: Pass<Model, Lowered> = {
  name: "graph",
  summary: "flatten the model into one graph per program",
  run: (checked) => {
    const model = withSums(checked)
    return {
      graphs: [
        lowerInit(model),
        ...[lowerStart(model)].filter((graph) => graph !== undefined),
        ...(model.trains.length > 0 ? [lowerFinite(model)] : []),
        ...model.trains.flatMap((train) => [lowerStep(model, train), ...lowerEvaluate(model, train)]),
        ...model.predicts.map((predict) => lowerPredict(model, predict)),
      ],
    }
  },
}

function lowerPredict(model: Model, predict: PredictSection): Graph {
  const g = new GraphBuild(`predict.${predict.model}`)
  const inputs = new GraphInputs(g, false, { ...predict.origin, by: "lower" })
  const slots = new SlotValues(g, model.slots, averagesIn(model.trains))
  const results = flatten(g, predict.section, slots, (i) => inputs.of(i))
  for (const [name, value] of results) g.output(name, value)
  const feeds = new Set(predict.section.inputs.map((i) => i.name))
  const pruned = prune(g.finish())
  // An input the model never reads is still part of its signature.
  return {
    ...pruned,
    inputs: g.finish().inputs.filter((i) => feeds.has(i.name) || pruned.inputs.includes(i)),
  }
}
