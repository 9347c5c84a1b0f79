/** runtime/data: messages about labels and indices that are out of range: the range of all of them, and the stage that would number them.
 *  Not here: finding the one that is out of range (stages/, bounds.ts). */
import type { FieldSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import { eachBlock } from "./blocks.js"
import type { Table } from "./table.js"

const OUT_OF_RANGE: ReadonlySet<RunError["code"]> = new Set(["data-class", "data-index"])

/** A refusal of one value, with the range of all; anything else as it is. */
export function withRange(caught: unknown, field: FieldSpec, table: Table, rows: Uint32Array): unknown {
  if (!(caught instanceof RunError) || !OUT_OF_RANGE.has(caught.code)) return caught
  const places = locationsOf(field)
  const seen = rangeOf(field, table, rows)
  if (places === undefined || seen === undefined) return caught
  const help = [`here they go from ${seen.least} to ${seen.most}: ${repair(field, places, seen)}`]
  if (caught.help !== undefined) help.unshift(caught.help)
  return new RunError(caught.code, caught.message, { help: help.join("; "), exit: caught.exit })
}

/** How many there are to tell apart. */
function locationsOf({ stages, bounds }: FieldSpec): number | undefined {
  for (const stage of stages) {
    if (stage.kind === "classes") return stage.count
    if (stage.kind === "one_hot") return stage.classes
  }
  return bounds?.find((bound) => bound !== null)?.below
}

interface Range {
  readonly least: number
  readonly most: number
  readonly whole: boolean
}

/** The range of the columns' values, without the value that stands for nothing. */
function rangeOf({ columns, bounds }: FieldSpec, table: Table, rows: Uint32Array): Range | undefined {
  const ignored = new Set(bounds?.map((bound) => bound?.or))
  let [least, most, whole] = [Infinity, -Infinity, true]
  eachBlock({ columns, stages: [] }, table, rows, noCheck, ({ values }) => {
    for (const value of values) {
      if (ignored.has(value)) continue
      least = Math.min(least, value)
      most = Math.max(most, value)
      whole &&= Number.isInteger(value)
    }
  })
  return Number.isFinite(least) && Number.isFinite(most) ? { least, most, whole } : undefined
}
const noCheck = (): void => {}

function repair({ stages, shape }: FieldSpec, places: number, { least, most, whole }: Range): string {
  const encoded = stages.some(({ kind }) => kind === "one_hot")
  const declared = encoded ? "one_hot" : stages.some(({ kind }) => kind === "classes") ? "classes" : undefined
  const single = encoded || shape.length === 0
  if (single && whole && least !== 0 && most - least < places)
    return encoded
      ? `\`|> categories(${places})\` before \`one_hot(${places})\` numbers them from 0`
      : declared
        ? `\`categories(${places})\` in place of \`classes(${places})\` numbers them from 0`
        : `\`|> categories(${places})\` in the field numbers them from 0`
  if (whole && least >= 0)
    return declared
      ? `write \`${declared}(${most + 1})\`, and give the model ${most + 1} outputs`
      : `make room for ${most + 1}`
  return single
    ? `\`|> categories(...)\` as the first stage numbers whatever a column holds`
    : "number them from 0"
}
