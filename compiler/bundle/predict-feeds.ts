/** bundle: where the inputs of a model come from, so that raw rows can be turned into them at prediction, and the fields that its outputs predict.
 *  The call in a train section says it: an argument that is a field of its data is that field, whatever the input is called. An
 *  argument that is computed there is taken to be the field of the input's name, if the section's data has one that fits.
 *  Not here:   which section counts (runtime/train/predict-feed.ts). */
import type { PredictFeed, PredictTarget } from "../../runtime/bundle/format.js"
import { fieldPlace, sectionData } from "../ir/model/section-data.js"
import { type CallStmt, usesIn } from "../ir/model/statements.js"
import type {
  DataSet,
  Model,
  ModelStmt,
  ModelValue,
  PredictSection,
  Section,
  TrainSection,
} from "../ir/model/types.js"
import { sameShape, type TensorType } from "../ir/tensor.js"

export function feedsOf(predict: PredictSection, model: Model): PredictFeed[] {
  const feeds = model.trains.flatMap((train): PredictFeed[] => {
    const set = sectionData(model, train)
    // A change of a field that only training makes, such as augmentation, is no part of a prediction.
    const fields = fieldsOfCall(train.evaluate, predict) ?? fieldsOfCall(train.step, predict)
    if (!fields) return []
    const inputs = inputsOf(predict, (i) => place(set, fields[i], i))
    const targets = set ? targetsOf(train, predict, set) : []
    return [{ train: train.name, inputs, ...(targets.length > 0 && { targets }) }]
  })
  if (feeds.length > 0) return feeds
  const sets = model.data.filter((set) => inputs(predict).some((i) => fieldNamed(set, i) !== undefined))
  const [only] = sets.length === 1 ? sets : []
  return [{ train: null, inputs: inputsOf(predict, (i) => place(only, undefined, i)) }]

  function place(
    set: DataSet | undefined,
    field: string | undefined,
    i: number,
  ): { readonly data: string | null; readonly field: string | null } {
    const name = field ?? (set && fieldNamed(set, inputs(predict)[i]!))
    return set && name !== undefined ? fieldPlace(set.name, name) : { data: null, field: null }
  }
}

const targetsOf = (
  { targets }: TrainSection,
  { model }: PredictSection,
  { name }: DataSet,
): PredictTarget[] =>
  targets
    .filter((target) => target.model === model)
    .map(({ output, field, as }) => ({ output, ...fieldPlace(name, field), as }))

interface Input {
  readonly id: ModelValue
  readonly name: string
  readonly type: TensorType
}

const inputs = ({ section }: PredictSection): readonly Input[] =>
  section.inputs.filter((i) => i.source.kind === "feed")

const inputsOf = (
  predict: PredictSection,
  placeOf: (i: number) => Omit<PredictFeed["inputs"][number], "name">,
): PredictFeed["inputs"] => inputs(predict).map(({ name }, i) => ({ name, ...placeOf(i) }))

const fieldNamed = (set: DataSet, { name, type }: Input): string | undefined =>
  set.fields.find(
    (f) => f.name === name && f.type.dtype === type.dtype && sameShape(f.type.shape, type.shape.slice(1)),
  )?.name

/** The fields that a call of the model is given, undefined for computed arguments: of the first call that gets fields alone, else of
 *  the first. Undefined when there is no call. */
function fieldsOfCall(
  section: Section,
  predict: PredictSection,
): readonly (string | undefined)[] | undefined {
  const fields = new Map<ModelValue, string>()
  for (const { id, source } of section.inputs) if (source.kind === "data") fields.set(id, source.field)
  const all = inputs(predict)
  const uses = usesIn(
    predict.section.body,
    predict.section.results.map(({ value }) => value),
  )
  const read = all.filter(({ id }) => uses.has(id))
  const calls = callsIn(section.body, predict.model).map(({ args }) => {
    // Arguments that nothing reads may be left out of a call.
    const given = args.length === all.length ? all : args.length === read.length ? read : []
    return all.map((input) => fields.get(args[given.indexOf(input)]!))
  })
  return calls.find((call) => call.every((field) => field !== undefined)) ?? calls[0]
}

function callsIn(body: readonly ModelStmt[], model: string): CallStmt[] {
  return body.flatMap((s) =>
    s.kind === "call" ? [...(s.callee === model ? [s] : []), ...callsIn(s.body, model)] : [],
  )
}
