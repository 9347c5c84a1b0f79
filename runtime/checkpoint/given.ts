/** runtime/checkpoint: a file of weights that a caller gives (`--init`) -> slots. It is a checkpoint of nnc, matched by full names, or a file of
 *  another tool, for one model. Of a checkpoint only trained values are taken: averages in place of their parameters, no optimizer, no step. */
import { type AnyManifest, slotsOf } from "../bundle/builds.js"
import type { WeightsSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import type { StoredTensor, TensorFile } from "./safetensors.js"
import { AS_THEY_ARE, isLearned, takeWeights, type TakenWeights, type Tensors } from "./weights.js"

export interface GivenWeights extends TensorFile {
  readonly place: string
  /** Which model they are for; left out: by their names. */
  readonly model?: string
}

export function takeGiven(given: GivenWeights, manifest: AnyManifest): TakenWeights {
  const { place, model } = given
  const { predicts, weights = [] } = manifest
  const slots = slotsOf(manifest)
  const tensors = learnedIn(given.tensors)
  const declared = (name: string): WeightsSpec | undefined => weights.find(({ of }) => of === name)
  const forModel = (name: string): TakenWeights => {
    const whole = [...tensors.keys()].some((key) => key.startsWith(`${name}.`))
    const names = declared(name) ?? (whole ? { ...AS_THEY_ARE, prefix: `${name}.` } : AS_THEY_ARE)
    return takeWeights(place, tensors, slots, name, names)
  }
  if (model !== undefined) {
    if (predicts.some((each) => each.model === model)) return forModel(model)
    throw new RunError("unknown-name", `there is no model "${model}" to give ${place} to`, {
      help: `models are ${predicts.map((each) => each.model).join(", ")}`,
    })
  }
  const learned = slots.filter(isLearned)
  if (learned.some(({ name }) => tensors.has(name)))
    return takeWeights(place, tensors, slots, "", AS_THEY_ARE)
  const [only, ...others] = weights.filter(({ of }) => predicts.some((each) => each.model === of))
  if (only !== undefined && others.length === 0) return forModel(only.of)
  const fitting = predicts.filter((each) =>
    learned.some(
      ({ name }) => name.startsWith(`${each.model}.`) && tensors.has(name.slice(each.model.length + 1)),
    ),
  )
  if (fitting.length > 1)
    throw new RunError("weights-mismatch", `the names in ${place} are those of several models`, {
      help: `say which: \`--init ${fitting[0]!.model}=${place}\``,
    })
  return fitting[0] ? forModel(fitting[0].model) : takeWeights(place, tensors, slots, "", AS_THEY_ARE)
}

const AVERAGE = "/average"

function learnedIn(tensors: Tensors): Tensors {
  const own = [...tensors].filter(([name]) => !name.includes("/"))
  return new Map(
    own.map(([name, tensor]): [string, StoredTensor] => [name, tensors.get(name + AVERAGE) ?? tensor]),
  )
}
