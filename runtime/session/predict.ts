/** runtime/session: predictions of the models of a bundle, from arrays in the shapes of their inputs, or from raw rows in the form of a train
 *  section's data.
 *  Not here: the batches (train/predict.ts), the meaning of an output (train/prediction.ts). */
import type { FieldSpec, WindowsSpec } from "../bundle/format.js"
import { fieldValues } from "../data/apply.js"
import { allRows } from "../data/split.js"
import type { Table, Uses } from "../data/table.js"
import { usesOf } from "../data/uses.js"
import { windowed } from "../data/windows.js"
import { RunError } from "../error.js"
import type { Tensor } from "../exec/values.js"
import { checkFeeds, runProgram, unreadInputs, unreadRows, type Feeds } from "../train/predict.js"
import { feedOf, meaningsOf } from "../train/predict-feed.js"
import { predictionOf, type Prediction } from "../train/prediction.js"
import { predictSpec, type Opened } from "./opened.js"

/** The outputs for inputs already in the shape of the model, rows one after another. `rows`: how many, where no input says. */
export async function predict(
  { loaded, state }: Opened,
  model: string,
  inputs: Feeds,
  rows?: number,
): Promise<Record<string, Tensor>> {
  const spec = predictSpec(loaded.bundle.manifest, model)
  await state.ensureInitialised()
  const program = loaded.program(spec.program, null)
  const unread = unreadInputs(spec, program)
  const feeds = Object.fromEntries(
    Object.entries(inputs).filter(([given]) => !unread.some((each) => each.name === given)),
  )
  const batch = unreadRows(unread, inputs) ?? rows
  checkFeeds(program, feeds)
  return runProgram(program, feeds, batch ? { batch } : {})
}

/** For raw rows, in terms of the fields that the outputs were trained to give. */
export async function predictTable(
  opened: Opened,
  model: string,
  given: Table,
): Promise<Record<string, Prediction>> {
  const { loaded, state, data } = opened
  const spec = predictSpec(loaded.bundle.manifest, model)
  const meanings = meaningsOf(spec, state.position?.train ?? null, data.specs)
  const table = windowsOf(opened, model, given)
  const outputs = await predictRows(opened, model, table)
  const where = (row: number): string => table.where(row)
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]): [string, Prediction] => {
      const meant = meanings.get(name)
      return [name, meant ? predictionOf(tensor, meant, where) : tensor]
    }),
  )
}

/** For raw rows, as the model gives them. */
export const predictTableRaw = (
  opened: Opened,
  model: string,
  table: Table,
): Promise<Record<string, Tensor>> => predictRows(opened, model, windowsOf(opened, model, table))

/** `table`: each row of it is one input of the model. */
function predictRows(opened: Opened, model: string, table: Table): Promise<Record<string, Tensor>> {
  const rows = allRows(table.rows)
  const feeds = fieldsOf(opened, model).map(
    ([name, field]) => [name, fieldValues(field, table, rows)] as const,
  )
  return predict(opened, model, Object.fromEntries(feeds), feeds.length === 0 ? table.rows : undefined)
}

/** The columns of a table that `predictTable` reads. */
export function usesOfModel(opened: Opened, model: string): Uses {
  const windows = windowsSpec(opened, model)
  return usesOf(
    fieldsOf(opened, model).map(([, field]) => field),
    windows && { windows },
  )
}

/** The columns of a raw row of the model. */
export const columnsOf = (opened: Opened, model: string): readonly string[] => [
  ...new Set(fieldsOf(opened, model).flatMap(([, field]) => field.columns)),
]

/** How rows make windows, where the model is fed with them: as many rows as its inputs take. */
export function windowsSpec(opened: Opened, model: string): WindowsSpec | undefined {
  const fields = fieldsOf(opened, model).map(([, field]) => field)
  const length = Math.max(0, ...fields.map(({ window }) => window?.to ?? 0))
  const spec = opened.data.specs.find((set) => set.windows && fields.some((f) => set.fields.includes(f)))
  return length === 0 || !spec?.windows ? undefined : { ...spec.windows, length }
}

/** The rows of a table that the rows of `predictTable` are for: of a window, its last one. */
export function rowsPredicted(opened: Opened, model: string, table: Table): Uint32Array {
  const spec = windowsSpec(opened, model)
  if (!spec) return allRows(table.rows)
  const { windows } = windowed(table, spec)
  return windows.starts.map((start) => windows.places[start + spec.length - 1]!)
}

function windowsOf(opened: Opened, model: string, table: Table): Table {
  const windows = windowsSpec(opened, model)
  return windows ? windowed(table, windows) : table
}

/** By input: the field that it was fed from. An input that nothing reads needs none. */
function fieldsOf(
  { loaded, state, data }: Opened,
  model: string,
): readonly (readonly [input: string, field: FieldSpec])[] {
  const spec = predictSpec(loaded.bundle.manifest, model)
  const unread = unreadInputs(spec, loaded.program(spec.program, null))
  return feedOf(spec, state.position?.train ?? null, data.specs).flatMap(({ name, field }) => {
    if (field) return [[name, field] as const]
    if (unread.some((each) => each.name === name)) return []
    throw new RunError("unknown-name", `input "${name}" of ${model} was not fed from a data field`, {
      help: "give it as an array instead",
    })
  })
}
