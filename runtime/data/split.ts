/** runtime/data: which rows are for training, which for validation and which for the test.
 *  The rows are put into a random order that depends on the seed and their number alone (Fisher-Yates over splitmix32) and dealt out in
 *  that order: the first round(train * rows) are for training, and so on; where the shares make up 1, the last part takes the rest.
 *  Every part keeps the order of the file. `folds` are equal parts, one of which validates while the others train.
 *  With `stratify` every class is dealt out by itself, with `group` all rows of a group go to one part (split-classes.ts).
 *  Rows that follow one another and overlap (windows over a text or over time) are not permuted: parts follow one another, and a part
 *  leaves out the first rows that share something, or a time, with the part before. */
import type { SplitSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import { isComplete, NOWHERE, PART_NAMES, type Dealt, type Part, type Share } from "./shares.js"
import { dealGroups, dealStrata } from "./split-classes.js"
import type { Table } from "./table.js"

export type SplitRows = Readonly<Record<Part, Uint32Array>>

export type Splittable = Pick<Table, "rows" | "overlap" | "span" | "texts" | "where">

export function splitRows(table: Splittable, split: SplitSpec): SplitRows {
  const shares = sharesOf(split)
  const { rows, overlap } = table
  const span =
    table.span ?? (overlap === undefined ? undefined : (row: number) => [row, row + overlap] as const)
  const order = allRows(rows)
  if (span === undefined) permute(order, split.seed)
  else order.sort((a, b) => span(a)[0] - span(b)[0] || a - b)
  const dealt =
    split.group !== undefined
      ? dealGroups(table, { ...split, group: split.group }, shares, (list) => permute(list, split.seed))
      : split.stratify !== undefined
        ? dealStrata(table, split.stratify, shares, order)
        : dealRows(order, shares, span)
  requireRows(table, split, shares, dealt)
  const of = (part: Part): Uint32Array => allRows(rows).filter((row) => shares[dealt[row]!]?.part === part)
  return { train: of("train"), val: of("val"), test: of("test") }
}

/** The shares, in the order in which rows are dealt out. */
function sharesOf({ train, val = 0, test, folds, fold = 1 }: SplitSpec): readonly Share[] {
  const first =
    folds === undefined
      ? [
          { part: "train" as const, share: train, name: "train" },
          { part: "val" as const, share: val, name: "val" },
        ]
      : Array.from({ length: folds }, (_, i) => ({
          part: i + 1 === fold ? ("val" as const) : ("train" as const),
          share: train / folds,
          name: `fold ${i + 1}`,
        }))
  return [...first, { part: "test" as const, share: test, name: "test" }].filter(({ share }) => share > 0)
}

/** `span`: when a row begins and ends, of rows in order of their beginnings; a part begins after the one before has ended. */
function dealRows(order: Uint32Array, shares: readonly Share[], span: Table["span"]): Dealt {
  const dealt: Dealt = new Int32Array(order.length).fill(NOWHERE)
  const complete = isComplete(shares)
  let end = 0
  let sum = 0
  let over = -Infinity
  shares.forEach(({ part, share }, i) => {
    sum += share
    let from = end
    if (span && i > 0 && shares[i - 1]!.part !== part)
      while (from < order.length && span(order[from]!)[0] <= over) from++
    const to = complete
      ? i === shares.length - 1
        ? order.length
        : Math.round(sum * order.length)
      : Math.min(order.length, from + Math.round(share * order.length))
    for (const row of order.subarray(from, to)) {
      dealt[row] = i
      if (span) over = Math.max(over, span(row)[1])
    }
    end = Math.max(from, to)
  })
  return dealt
}

function requireRows(table: Splittable, split: SplitSpec, shares: readonly Share[], dealt: Dealt): void {
  const counts = shares.map(() => 0)
  for (const at of dealt) if (at !== NOWHERE) counts[at]!++
  const empty = shares.findIndex((_, i) => counts[i] === 0)
  if (empty < 0) return
  const { name, part } = shares[empty]!
  const asked =
    split.folds === undefined
      ? shares.map((each) => `${each.name} ${each.share}`).join(", ")
      : `${split.folds} folds${split.test > 0 ? `, test ${split.test}` : ""}`
  const groups =
    split.group === undefined
      ? ""
      : ` in ${table.texts(split.group).distinct.length} groups of "${split.group}"`
  const what = split.folds !== undefined && part !== "test" ? `${name} empty` : `no ${PART_NAMES[part]} rows`
  const found = shares.map((each, i) => `${each.name}: ${counts[i]}`).join(", ")
  throw new RunError(
    "data-split",
    `a split of ${table.rows} ${table.rows === 1 ? "row" : "rows"}${groups} into ${asked} leaves ${what} (${found})`,
    {
      help:
        split.folds === undefined
          ? `give that part a larger share, or leave it out${table.span || table.overlap !== undefined ? "; a part leaves out what overlaps the part before" : ""}`
          : `use fewer folds${groups === "" ? "" : ", at most one for each group"}`,
    },
  )
}

function permute(order: Uint32Array, seed: number): void {
  const random = splitmix32(seed)
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor((random() / 2 ** 32) * (i + 1))
    const swapped = order[i]!
    order[i] = order[j]!
    order[j] = swapped
  }
}

export const allRows = (rows: number): Uint32Array => rowsBetween(0, rows)

/** The rows from `first` up to but not including `end`. */
export function rowsBetween(first: number, end: number): Uint32Array {
  const rows = new Uint32Array(end - first)
  for (let i = 0; i < rows.length; i++) rows[i] = first + i
  return rows
}

/** A 32-bit generator of full period (the finaliser of MurmurHash3 over a Weyl sequence). */
function splitmix32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
}
