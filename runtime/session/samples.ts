/** runtime/session: some rows that a train section does not train on, with the predictions of its model and the true values.
 *  Not here:   the meaning of a prediction (train/prediction.ts). */
import { fieldValues } from "../data/apply.js"
import { loadTables, type TableRows } from "../data/load.js"
import type { Part } from "../data/shares.js"
import { classNames, undoOf, type ClassName } from "../data/undo.js"
import { usesOf } from "../data/uses.js"
import { product } from "../exec/size.js"
import type { Numbers } from "../exec/values.js"
import { feedOf, meaningsOf } from "../train/predict-feed.js"
import { predictionOf, type MeantOutput, type Prediction } from "../train/prediction.js"
import { trainSpec, type Opened } from "./opened.js"
import type { SampleOptions } from "./options.js"
import { predict } from "./predict.js"

/** Values of a field, row after row. */
export interface SampledField {
  readonly name: string
  /** The shape of one row. */
  readonly shape: readonly number[]
  readonly values: Numbers
}
export interface SampledOutput {
  readonly name: string
  readonly prediction: Prediction
  /** The rows' own values of the target: names of classes, or values in their own unit. */
  readonly truth?: readonly ClassName[]
}
export interface Samples {
  readonly part: Part
  readonly rows: number
  readonly model: string
  readonly inputs: readonly SampledField[]
  readonly outputs: readonly SampledOutput[]
}

/** Rows that the section does not train on, or where there are none that it does, from all over them; undefined where no model is fed with
 *  fields of its data alone. */
export async function takeSamples(
  opened: Opened,
  { train, count }: SampleOptions,
): Promise<Samples | undefined> {
  const { loaded, data } = opened
  const { manifest } = loaded.bundle
  const spec = trainSpec(manifest, train)
  const found = manifest.predicts.flatMap((model) => {
    const inputs = model.feeds.find((feed) => feed.train === spec.name)?.inputs ?? []
    const set = data.specs.find(({ name }) => inputs.length > 0 && inputs.every((i) => i.data === name))
    return set && inputs.every(({ field }) => field !== null) ? [{ model, set }] : []
  })
  // Predictions of the leading set's rows say most.
  const { model, set } = found.find((each) => each.set.name === spec.data) ?? found[0] ?? {}
  if (!set || !model) return undefined
  const fed = feedOf(model, spec.name, data.specs).flatMap(({ name, field }) =>
    field ? [{ name, field }] : [],
  )
  const meanings = meaningsOf(model, spec.name, data.specs)
  const tables = await loadTables(set, data.openFile, usesOf(set.fields, set))
  const part = tables.val ? "val" : tables.test ? "test" : "train"
  const { table, rows } = tables[part]!
  const taken = Math.min(count, rows.length)
  const from = {
    table,
    rows: Uint32Array.from({ length: taken }, (_, i) => rows[Math.floor((i * rows.length) / taken)]!),
  }
  const inputs = fed.map(({ name, field }) => ({
    name,
    shape: field.shape,
    values: fieldValues(field, from.table, from.rows),
  }))
  const feeds = Object.fromEntries(inputs.map(({ name, values }) => [name, values]))
  const outputs = await predict(opened, model.model, feeds)
  return {
    part,
    rows: taken,
    model: model.model,
    inputs,
    outputs: Object.entries(outputs).map(([name, tensor]) => {
      const meant = meanings.get(name)
      if (!meant) return { name, prediction: tensor }
      const prediction = predictionOf(tensor, meant, (row) => `sample ${row}`)
      return { name, prediction, truth: truthOf(meant, from) }
    }),
  }
}

function truthOf({ as, field }: MeantOutput, { table, rows }: TableRows): readonly ClassName[] {
  const own = Float64Array.from(fieldValues(field, table, rows))
  if (as.kind === "value") return [...(undoOf(field)?.(own, product(field.shape)) ?? own)]
  const names = classNames(field, as.kind === "binary" ? 2 : as.count)
  return Array.from(own, (value) => names[Math.round(value)] ?? value)
}
