/** runtime/data: from where to where the values of the training rows go. */
import { RunError } from "../../error.js"
import type { Block } from "../blocks.js"
import { notFinite } from "../not-finite.js"
import { columnText, type Table } from "../table.js"
import type { Walk } from "./stage.js"

export interface Range {
  readonly low: readonly number[]
  readonly spread: readonly number[]
}

/** The range of each value of a row, all of which are finite. */
export function rangesOf(table: Table, walk: Walk): Range {
  const low: number[] = []
  const high: number[] = []
  let columnAt: Block["columnAt"] = () => undefined
  walk((block) => {
    const { values, width } = block
    columnAt = block.columnAt
    for (let i = 0, j = 0; i < values.length; i++, j = j + 1 === width ? 0 : j + 1) {
      const value = values[i]!
      if (!Number.isFinite(value)) notFinite(block.where(i), value)
      if (!(value >= low[j]!)) low[j] = value
      if (!(value <= high[j]!)) high[j] = value
    }
  })
  const spread = low.map((least, j) => high[j]! - least)
  const wrong = spread.findIndex((each) => !Number.isFinite(each))
  if (wrong < 0) return { low, spread }
  throw new RunError(
    "data-range",
    `${table.place}${columnText(columnAt(wrong))}: the training rows go from ${low[wrong]} to ${high[wrong]}, which is too far to be scaled`,
    { help: "repair the rows that hold these values" },
  )
}

/** 1 where there is no spread. */
export function inverseOr1(spread: number): number {
  const inverse = 1 / spread
  return Number.isFinite(inverse) ? inverse : 1
}
