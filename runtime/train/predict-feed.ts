/** runtime/train: which fields turn raw rows into the inputs of a model, and which its outputs stand for: those of the train section that its
 *  parameters come from.
 *  Not here:   which fields a section gives it (the compiler says so in the bundle), applying them (data/apply.ts). */
import type { DataSpec, FieldSpec, PredictFeed, PredictSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import type { MeantOutput } from "./prediction.js"

/** By input; undefined where an input comes from no field. `train`: the section of the checkpoint or of the run, null: not known. */
export function feedOf(
  predict: PredictSpec,
  train: string | null,
  data: readonly DataSpec[],
): readonly { readonly name: string; readonly field: FieldSpec | undefined }[] {
  return agreed(
    predict,
    train,
    ({ inputs }) => inputs.map(({ name, ...place }) => ({ name, field: fieldAt(data, place) })),
    (feed) => feed.map(({ field }) => field && [field.columns, field.stages]),
    `prepare the inputs of ${predict.model} in different ways`,
    "load a checkpoint of one of these sections, or give the inputs as arrays",
  )
}

/** By output; outputs that stand for no field are left out. */
export function meaningsOf(
  predict: PredictSpec,
  train: string | null,
  data: readonly DataSpec[],
): ReadonlyMap<string, MeantOutput> {
  return agreed(
    predict,
    train,
    ({ targets = [] }) =>
      new Map(
        targets.flatMap(({ output, as, ...place }): [string, MeantOutput][] => {
          const field = fieldAt(data, place)
          return field ? [[output, { as, field }]] : []
        }),
      ),
    (meanings) => [...meanings].map(([output, { as, field }]) => [output, as, field.shape, field.stages]),
    `train ${predict.model} for different targets`,
    "load a checkpoint of one of these sections, or ask for what the model gives: `--raw`",
  )
}

interface Place {
  readonly data: string | null
  readonly field: string | null
}

const fieldAt = (data: readonly DataSpec[], place: Place): FieldSpec | undefined =>
  data.find(({ name }) => name === place.data)?.fields.find(({ name }) => name === place.field)

/** The answer of the section that trained the parameters, or of all sections if they agree. */
function agreed<T>(
  { feeds }: PredictSpec,
  train: string | null,
  said: (feed: PredictFeed) => T,
  formOf: (said: T) => unknown,
  differ: string,
  help: string,
): T {
  const own = feeds.find((feed) => feed.train === train)
  const candidates = (own ? [own] : feeds).map(said)
  const forms = new Set(candidates.map((each) => JSON.stringify(formOf(each))))
  if (forms.size === 1) return candidates[0]!
  const sections = feeds.map((feed) => `"${feed.train}"`).join(", ")
  throw new RunError(
    "unknown-name",
    `the train sections ${sections} ${differ}, and its parameters come from none of them`,
    { help },
  )
}
