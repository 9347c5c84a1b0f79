/** runtime/data: deals rows out by the values of a column.
 *  Guarantees: `dealStrata` gives every part of every class its share, rounded down or up, and the rounding errors are made up for in the
 *              classes that follow; `dealGroups` never parts a group.
 *  Not here:   the random order (split.ts). */
import { RunError } from "../error.js"
import { isComplete, NOWHERE, type Dealt, type Share } from "./shares.js"
import type { Table, Texts } from "./table.js"

type Keyed = Pick<Table, "rows" | "texts" | "where">

/** `order`: of all rows; those of each class are dealt out in it. */
export function dealStrata(
  table: Keyed,
  column: string,
  shares: readonly Share[],
  order: Uint32Array,
): Dealt {
  const classes = classesOf(table, column)
  const dealt: Dealt = new Int32Array(table.rows).fill(NOWHERE)
  const parts = exhaustive(shares)
  const members: number[][] = classes.distinct.map(() => [])
  for (const row of order) members[classes.codes[row]!]!.push(row)
  const owed = parts.map(() => 0)
  for (const rows of members) {
    const counts = shared(rows.length, parts, owed)
    let next = 0
    counts.forEach((count, i) => {
      for (const row of rows.slice(next, next + count)) dealt[row] = i < shares.length ? i : NOWHERE
      next += count
    })
  }
  return dealt
}

/** How many of `count` rows each part gets: its share of them, rounded; `owed` says by how much each got too little before. */
function shared(count: number, parts: readonly number[], owed: number[]): readonly number[] {
  const exact = parts.map((share) => share * count)
  const counts = exact.map((each) => Math.floor(each + TINY))
  const left = count - counts.reduce((a, b) => a + b, 0)
  const mayGetOne = exact.flatMap((each, i) => (each - counts[i]! > TINY ? [i] : []))
  const due = (i: number): number => exact[i]! - counts[i]! + owed[i]!
  const first = mayGetOne.toSorted((a, b) => due(b) - due(a) || a - b).slice(0, left)
  for (const i of first) counts[i]!++
  exact.forEach((each, i) => (owed[i]! += each - counts[i]!))
  return counts
}

const TINY = 1e-9

/** The shares, and after them that of the rows that belong to no part, if there are some. */
function exhaustive(shares: readonly Share[]): readonly number[] {
  const given = shares.map(({ share }) => share)
  return isComplete(shares) ? given : [...given, 1 - given.reduce((a, b) => a + b, 0)]
}

/** Groups come in a random order, and each goes to the part that lacks most of the group's rows, or rows of its classes.
 *  The last groups go to parts that have none. */
export function dealGroups(
  table: Keyed,
  { group, stratify }: { readonly group: string; readonly stratify?: string },
  shares: readonly Share[],
  permute: (list: Uint32Array) => void,
): Dealt {
  const groups = keysOf(table, group)
  const classes = stratify === undefined ? undefined : classesOf(table, stratify)
  const count = classes?.distinct.length ?? 1
  const classOf = (row: number): number => classes?.codes[row] ?? 0
  const parts = exhaustive(shares)
  const all = new Float64Array(count)
  const has = groups.distinct.map(() => new Map<number, number>())
  for (let row = 0; row < table.rows; row++) {
    const c = classOf(row)
    const own = has[groups.codes[row]!]!
    own.set(c, (own.get(c) ?? 0) + 1)
    all[c]!++
  }
  const lacks = parts.map((share) => all.map((rows) => rows * share))
  const order = Uint32Array.from(groups.distinct, (_, i) => i)
  permute(order)
  const placeOf = new Int32Array(order.length)
  const empty = new Set(shares.keys())
  order.forEach((g, i) => {
    const own = [...has[g]!]
    const lack = (part: number): number => own.reduce((sum, [c, rows]) => sum + rows * lacks[part]![c]!, 0)
    const open = order.length - i <= empty.size ? [...empty] : [...parts.keys()]
    const place = open.reduce((best, part) => (lack(part) > lack(best) ? part : best))
    for (const [c, rows] of own) lacks[place]![c]! -= rows
    empty.delete(place)
    placeOf[g] = place < shares.length ? place : NOWHERE
  })
  return Int32Array.from({ length: table.rows }, (_, row) => placeOf[groups.codes[row]!]!)
}

/** The values of a column, one in each row and none of them empty. */
export function keysOf(table: Keyed, column: string): Texts {
  const keys = table.texts(column)
  if (keys.width !== 1)
    throw new RunError(
      "data-split",
      `rows are told apart by one value each, and a row of "${column}" has ${keys.width}`,
    )
  const none = keys.distinct.indexOf("")
  const at = none < 0 ? -1 : keys.codes.indexOf(none)
  if (at >= 0)
    throw new RunError(
      "data-split",
      `${table.where(at, column)} is empty, and rows are split by that column`,
      {
        help: "drop the row, or fill the cell",
      },
    )
  return keys
}

function classesOf(table: Keyed, column: string): Texts {
  const keys = keysOf(table, column)
  const counts = new Uint32Array(keys.distinct.length)
  for (const code of keys.codes) counts[code]!++
  const alone = counts.indexOf(1)
  if (alone < 0) return keys
  const all = counts.filter((count) => count === 1).length
  const which = JSON.stringify(keys.distinct[alone]!.slice(0, 40))
  throw new RunError(
    "data-split",
    `the class ${which} of "${column}" has 1 row, which cannot be in several parts${all > 1 ? `; ${all} of ${counts.length} classes are so` : ""}`,
    {
      help:
        2 * all > counts.length
          ? "`stratify` takes a column of few different values, such as the label"
          : "drop such rows, or split without `stratify`",
    },
  )
}
