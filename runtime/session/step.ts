/** runtime/session: one step of a train section over rows that the caller has, such as those of a camera, and the place in the run that it leads to.
 *  Not here: the step on the device (train/stepper.ts). */
import type { DataSpec, TrainSpec } from "../bundle/format.js"
import type { Position } from "../checkpoint/checkpoint.js"
import { tableOfColumns, type ColumnArrays } from "../data/columns.js"
import { partsOf, type TableRows } from "../data/load.js"
import { tableOfRecords, type Row } from "../data/records.js"
import { usesOf } from "../data/uses.js"
import { cellsOf } from "../data/where.js"
import { RunError } from "../error.js"
import type { Metrics } from "../train/evaluate.js"
import { Stepper } from "../train/stepper.js"
import { trainSpec, type Opened } from "./opened.js"
import type { StepOptions } from "./options.js"
import { START } from "./trained-state.js"

/** Raw rows with the columns of the data of the section: objects, whose values may be lists and typed arrays, or for each column an array of
 *  the values of all rows, one after another. */
export type Batch = readonly Row[] | ColumnArrays

export interface StepResult {
  /** Updates made, this one among them. */
  readonly step: number
  /** Rows of the batch that took part. */
  readonly rows: number
  /** `loss` and the reports of these rows, before the update. */
  readonly metrics: Metrics
}

export async function step(opened: Opened, batch: Batch, options: StepOptions): Promise<StepResult> {
  const { loaded, data, state } = opened
  const spec = trainSpec(loaded.bundle.manifest, options.train)
  const set = data.specs.find(({ name }) => name === spec.data)
  if (!set)
    throw new RunError(
      "unknown-name",
      `train section "${spec.name}" has no data that a batch could stand for`,
      {
        help: "`train({ steps: 1, keepParameters: true })` makes a step of it",
      },
    )
  if (spec.beside)
    throw new RunError(
      "bad-option",
      `train section "${spec.name}" takes rows of several data sets, and a batch holds rows of one`,
      { help: "`train({ steps: 1, keepParameters: true })` makes a step of it" },
    )
  const rows = rowsOf(set, batch)
  const known = state.position?.train === spec.name ? state.position : startOf(spec, rows, data.foldOf(spec))
  await state.ensureInitialised(known.seed)
  const metrics = await stepperOf(opened, spec, set).step(rows, known)
  const position = { ...known, step: known.step + 1 }
  state.reached(position)
  return { step: position.step, rows: rows.rows.length, metrics }
}

function stepperOf({ loaded, state, steppers }: Opened, spec: TrainSpec, set: DataSpec): Stepper {
  const stepper = steppers.get(spec.name) ?? new Stepper(loaded, spec, set, state.slots)
  steppers.set(spec.name, stepper)
  return stepper
}

/** Those that the section would train on if they were in its data set: `where` and windows hold for them. */
function rowsOf(set: DataSpec, batch: Batch): TableRows {
  const { fields, where, windows } = set
  const asked = [windows?.order, windows?.group, ...(where ? cellsOf(where).map(({ column }) => column) : [])]
  const names = [
    ...new Set([...fields.flatMap(({ columns }) => columns), ...asked.flatMap((name) => name ?? [])]),
  ]
  const table = isRows(batch)
    ? tableOfRecords(
        "the batch",
        names,
        batch,
        usesOf(fields, { ...(where && { where }), ...(windows && { windows }) }),
      )
    : tableOfColumns("the batch", names, fields, columnsIn(batch))
  if (table.rows === 0) throw new RunError("data-empty", "the batch holds no rows")
  const apart = { val: null, test: null }
  return partsOf(table, apart, { split: null, ...(windows && { windows }), ...(where && { where }) }).train
}

const isRows = (batch: Batch): batch is readonly Row[] => Array.isArray(batch)

function columnsIn(batch: unknown): ColumnArrays {
  if (typeof batch === "object" && batch !== null && !ArrayBuffer.isView(batch)) return batch as ColumnArrays
  throw new RunError(
    "bad-option",
    "`step` takes the rows of a batch as a list of objects, or an array for each column",
  )
}

/** Before the first step of a section. */
const startOf = (spec: TrainSpec, { rows }: TableRows, fold: number | null): Position => ({
  ...START,
  train: spec.name,
  epoch: 0,
  seed: spec.seed,
  batch: rows.length,
  rows: rows.length,
  fold,
})
