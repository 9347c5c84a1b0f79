/** driver: the largest B and R of each program, for which memory is laid out. */
import { programName } from "../bundle/encode.js"
import type { Model } from "../ir/model/types.js"
import type { DimValues } from "../ir/tensor.js"

export interface DataRows {
  readonly trainRows: number
  /** The rows of the largest part that is held back; null: there is none. */
  readonly heldRows: number | null
}

/** Evaluation and prediction go through their rows in pieces of this size, or of the training batch when that is larger, or when
 *  memory is short (`budget memory`). */
const EVALUATION_ROWS = 256
/** A program over all rows at once has no buffer with that many elements: it only knows their number. */
const ANY_ROWS = 2 ** 31 - 1

/** Sizes by program name; `data` holds the rows of each data set by name. */
export function batchSizes(
  model: Model,
  data: ReadonlyMap<string, DataRows>,
): (program: string) => DimValues {
  const sizes = new Map<string, DimValues>()
  const atOnce = model.trains.some((t) => t.settings.budget !== null) ? 1 : EVALUATION_ROWS
  let largest = 1
  for (const train of model.trains) {
    const rows = train.data === null ? undefined : data.get(train.data)
    const trainRows = rows?.trainRows ?? 1
    const R = Math.max(trainRows, rows?.heldRows ?? 1)
    const batch = Math.max(1, Math.min(train.settings.batch ?? trainRows, trainRows))
    sizes.set(programName(train.name, "step"), { B: batch, R })
    sizes.set(programName(train.name, "evaluate"), { B: Math.min(R, Math.max(batch, atOnce)), R })
    sizes.set(programName(train.name, "overall"), { B: ANY_ROWS, R })
    largest = Math.max(largest, Math.min(R, Math.max(batch, atOnce)))
  }
  const others = { B: model.trains.some((t) => t.data !== null) ? largest : atOnce, R: 1 }
  return (program) =>
    sizes.get(program) ?? (program === "init" || program === "start" ? { B: 1, R: 1 } : others)
}
