/** runtime/train: which fields turn raw rows into the inputs of a model: those of the train section that its parameters come from.
 *  Not here:   which fields a section gives it (the compiler says so in the bundle), applying them (data/apply.ts). */
import type { DataSpec, FieldSpec, PredictSpec } from "../bundle/format.js"
import { RunError } from "../error.js"

/** By input; undefined where an input comes from no field. `train`: the section of the checkpoint or of the run, null: not known. */
export function feedOf(
  { model, feeds }: PredictSpec,
  train: string | null,
  data: readonly DataSpec[],
): readonly { readonly name: string; readonly field: FieldSpec | undefined }[] {
  const fieldsOf = ({ inputs }: PredictSpec["feeds"][number]) =>
    inputs.map((input) => ({
      name: input.name,
      field: data.find(({ name }) => name === input.data)?.fields.find(({ name }) => name === input.field),
    }))
  const own = feeds.find((feed) => feed.train === train)
  const candidates = (own ? [own] : feeds).map(fieldsOf)
  const [first = []] = candidates
  const formOf = (feed: typeof first): string =>
    JSON.stringify(feed.map(({ field }) => field && [field.columns, field.stages]))
  if (candidates.every((each) => formOf(each) === formOf(first))) return first
  const sections = feeds.map((feed) => `"${feed.train}"`).join(", ")
  throw new RunError(
    "unknown-name",
    `the train sections ${sections} prepare the inputs of ${model} in different ways, and its parameters come from none of them`,
    { help: "load a checkpoint of one of these sections, or give the inputs as arrays" },
  )
}
