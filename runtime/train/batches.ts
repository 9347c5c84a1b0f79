/** runtime/train: which rows a step takes. The device permutes the rows itself (from seed and epoch); here is only where in
 *  the epoch a batch starts and how many rows it has. */
import { RunError } from "../error.js"

export interface Batch {
  readonly B: number
  readonly epoch: number
  /** Place in the epoch of its first row. */
  readonly start: number
  /** Rows that the batches before it have, of all epochs. */
  readonly before: number
}

export interface Batches {
  readonly rows: number
  readonly size: number
  readonly perEpoch: number
  at(step: number): Batch
}

/** `batch` null: all rows at once. A program without data has one step per epoch. */
export function batchesOf(rows: number, batch: number | null, dropLast: boolean): Batches {
  const size = batch === null ? Math.max(1, rows) : rows === 0 ? batch : Math.min(batch, rows)
  const exact = rows === 0 ? 1 : rows / (batch ?? rows)
  const perEpoch = dropLast ? Math.floor(exact) : Math.ceil(exact)
  if (perEpoch === 0)
    throw new RunError(
      "bad-option",
      `batch ${batch} with drop_last leaves no step: there are only ${rows} rows`,
      {
        help: `use a batch of at most ${rows} rows`,
      },
    )
  const taken = rows === 0 ? size : Math.min(rows, perEpoch * size)
  return {
    rows,
    size,
    perEpoch,
    at(step) {
      const start = (step % perEpoch) * size
      const epoch = Math.floor(step / perEpoch)
      return {
        B: rows === 0 ? size : Math.min(size, rows - start),
        epoch,
        start,
        before: epoch * taken + start,
      }
    },
  }
}
