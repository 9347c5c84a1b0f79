/** schedule: the sums of an item of a contraction, in workgroup memory, and how the blocks of its depth add to them.
 *  Guarantees: none of them takes more than MOST_TERMS blocks.
 *  Not here:   the sum over a block (`templates/panels.ts`), which stays in variables (`kernel/short-sums.ts`). */
import { MOST_TERMS } from "../../ir/kernels/sums.js"
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { FEW_TERMS } from "../cost/model.js"
import type { Count } from "../kernel/grid.js"
import { loop } from "./panel-operand.js"
import { LANES, type Panels, TALL } from "../contraction/panels.js"

/** The sums of an item: rows, then columns with the last axis filled up to whole tiles. */
export interface Sums {
  readonly name: string
  readonly size: number
  at(row: Expr, outer: readonly Expr[], tile: Expr, offset: number): Expr
  /** The sum at an index of the last axis. */
  along(row: Expr, outer: readonly Expr[], linear: Expr): Expr
}
export function sumsOf(p: Panels, rows: number): Sums {
  const { b } = p.cx
  const { k } = b
  const { local } = p.wide.cut
  const width = Math.ceil(local.at(-1)! / LANES) * LANES
  const columns = local.slice(0, -1).reduce((n, d) => n * d, width)
  const { name, size } = sheet(p, "sums", Math.ceil(rows / TALL) * TALL * columns)
  const along = (row: Expr, outer: readonly Expr[], linear: Expr): Expr => {
    const flat = outer.reduce<Expr>((sum, e, n) => k.add(k.mul(sum, k.int(local[n]!)), e), k.int(0))
    return k.add(k.mul(row, k.int(columns)), k.add(k.mul(flat, k.int(width)), linear))
  }
  return {
    name,
    size,
    along,
    at: (row, outer, tile, offset) => along(row, outer, k.add(k.mul(tile, k.int(LANES)), k.int(offset))),
  }
}
type Sheet = Pick<Sums, "name" | "size">

/** A loop that adds `count` terms to the sums; where they may be many, partial sums are added up first.
 *  Where there is one part at run time, nothing is added up. */
export function inParts(
  p: Panels,
  into: Sheet,
  { expr, extent, most }: Count,
  add: (i: Expr) => readonly Stmt[],
): readonly Stmt[] {
  const { b } = p.cx
  const { k } = b
  if (most <= MOST_TERMS) return loop(p, "db", expr, extent, add)
  const whole = sheet(p, "whole", into.size)
  const few = k.int(FEW_TERMS)
  const parts = k.div(k.add(expr, k.int(FEW_TERMS - 1)), few)
  const several = k.op("gt", parts, k.int(1))
  const ifSeveral = (...then: Stmt[][]): Stmt => ({ kind: "when", cond: several, then: then.flat() })
  const count = { expr: parts, extent: undefined, most: Math.ceil(most / FEW_TERMS) }
  return [
    ifSeveral(emptied(p, whole)),
    ...inParts(p, whole, count, (part) => {
      const first = k.mul(part, few)
      const rest = k.op("min", few, k.sub(expr, first))
      const terms = loop(p, "db", rest, FEW_TERMS, (i) => add(k.add(first, i)))
      return [...terms, ifSeveral(added(p, into, whole), emptied(p, into))]
    }),
    ifSeveral(added(p, whole, into)),
  ]
}
const sheet = (p: Panels, wanted: string, size: number): Sheet => {
  const name = p.cx.b.name(wanted)
  p.cx.b.shared.push({ name, type: p.cx.type, length: size, width: 1 })
  return { name, size }
}
const eachFour = (p: Panels, { name, size }: Sheet, value: (index: Expr) => Expr): Stmt[] =>
  loop(p, "z", p.cx.b.k.int(size / 4), size / 4, (i) => {
    const index = p.cx.b.k.mul(i, p.cx.b.k.int(4))
    return [{ kind: "store-shared", name, index, value: value(index) }]
  })
export const emptied = (p: Panels, sums: Sheet): Stmt[] =>
  eachFour(p, sums, () => p.cx.b.k.splat(p.cx.b.k.constant(0, p.cx.type)))
const added = (p: Panels, from: Sheet, to: Sheet): Stmt[] => {
  const { k } = p.cx.b
  const at = (s: Sheet, index: Expr): Expr => k.shared(s.name, index, p.cx.type, 4)
  return eachFour(p, to, (index) => k.op("add", at(to, index), at(from, index)))
}
