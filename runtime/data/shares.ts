/** runtime/data: the parts that the rows of a data set are dealt out to, and how much each is to get. */

export type Part = "train" | "val" | "test"

export const PART_NAMES: Readonly<Record<Part, string>> = {
  train: "training",
  val: "validation",
  test: "test",
}

export interface Share {
  readonly part: Part
  /** The share of all rows. */
  readonly share: number
  /** For messages. */
  readonly name: string
}

/** For each row the number of its share, or NOWHERE. */
export type Dealt = Int32Array
export const NOWHERE = -1

/** Whether shares make up all rows. */
export const isComplete = (shares: readonly Share[]): boolean =>
  Math.abs(shares.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9
