/** schedule: a sum of products on one core with vectors of four and a cache.   contract group -> kernel body
 *  A workgroup is one item: some rows and columns of the result. Block by block of the depth it copies its part of the
 *  operands into workgroup memory, in the order in which tiles of 4 x 8 sums then read it, side by side. The sums are kept there
 *  too, and everything after them is worked out along the result's last axis at the end.
 *  Guarantees: sums run in a fixed order, whatever the number of items.
 *  Not here:   cutting the contraction (`contraction/panels.ts`), copying operands (`templates/panel-operand.ts`), the layout of sums
 *              (`templates/panel-sums.ts`). */
import { bug } from "../../source/bug.js"
import { MOST_TERMS } from "../../ir/kernels/sums.js"
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { type Dim, divDim, isStatic, mulDim, numel } from "../../ir/tensor.js"
import { tileCount } from "./tile-grid.js"
import { indexAt, storesAt } from "../contraction/contraction.js"
import { largest, nominal } from "../cost/model.js"
import { ceilDiv, type Count, perWorkgroup } from "../kernel/grid.js"
import type { BuiltBody } from "../kernel/kernel-build.js"
import { type Cut, type Item, loop, named, panelOperand, type TilePosition } from "./panel-operand.js"
import { emptied, inParts, type Sums, sumsOf } from "./panel-sums.js"
import { LANES, type Panels, type Side, TALL } from "../contraction/panels.js"
import { valuesThenStores } from "./map.js"
import { unravel } from "../expressions/values.js"

export function buildPanels(p: Panels): BuiltBody & { template: string } {
  const { b } = p.cx
  const { k } = b
  const [wide, tall] = [itemsOf(p, p.wide), itemsOf(p, p.tall)]
  const batches = numel(p.cx.batch.shape)
  const count = tileCount(k, batches, tall, wide)
  const body = perWorkgroup(b, count, 1, (i) => {
    const lets: Stmt[] = []
    const above = k.div(i, wide.expr)
    const single = batches === 1
    const batch = single ? k.int(0) : named(p, "bt", k.div(above, tall.expr), batches, lets)
    const where = {
      wide: cutAt(p, p.wide, k.rem(i, wide.expr), lets),
      tall: cutAt(p, p.tall, single ? above : k.rem(above, tall.expr), lets),
      batch,
    }
    return [...lets, ...itemBody(p, where)]
  })
  const sizes = [p.tall, p.wide].map((s) => s.cut.local.reduce((n, d) => n * d, 1))
  const slides = p.wide.windows.length + p.tall.windows.length > 0
  return { ...b.finish(body), template: `panels ${sizes.join("x")} by ${p.block}${slides ? " windows" : ""}` }
}

interface ItemPosition {
  readonly wide: Cut
  readonly tall: Cut
  readonly batch: Expr
}
type Ref = Expr & { kind: "ref" }
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

/** How many items a side is cut into. */
function itemsOf(p: Panels, { space, cut }: Side): Count {
  const { b } = p.cx
  const before = space.extents.slice(0, cut.at).reduce<Dim>((n, d) => mulDim(n, d), 1)
  const parts = ceilDiv(b, space.extents[cut.at]!, cut.chunk)
  return {
    expr: b.k.mul(b.k.dim(before), parts.expr),
    extent: parts.extent === undefined ? undefined : mulDim(before, parts.extent),
    most: largest(before) * parts.most,
  }
}

/** Where item number `i` of a side stands. */
function cutAt(p: Panels, { space, cut }: Side, i: Expr, lets: Stmt[]): Cut {
  const { b } = p.cx
  const { k } = b
  const extent = space.extents[cut.at]!
  const parts = ceilDiv(b, extent, cut.chunk)
  const shape = space.extents.slice(0, cut.at)
  const before = unravel(k, k.div(i, parts.expr), shape).map((e, n) => named(p, "at", e, shape[n], lets))
  const part = named(p, "part", cut.at === 0 ? i : k.rem(i, parts.expr), parts.extent, lets)
  return { before, start: k.mul(part, k.int(cut.chunk)), count: countFrom(p, part, extent, cut.chunk) }
}
/** Indices that part number `part` of `extent` has. */
function countFrom(p: Panels, part: Expr, extent: Dim, chunk: number): Expr {
  const { k } = p.cx.b
  if (divDim(extent, chunk) !== undefined) return k.int(chunk)
  if (isStatic(extent) && extent <= chunk) return k.int(extent)
  return k.op("min", k.int(chunk), k.sub(k.dim(extent), k.mul(part, k.int(chunk))))
}

function itemBody(p: Panels, where: ItemPosition): Stmt[] {
  const { cx } = p
  const { b } = cx
  const { k } = b
  const wide = panelOperand(p, p.wide)
  const tall = panelOperand(p, p.tall)
  const depth = p.depth.extents[0]!
  const blocks = ceilDiv(b, depth, p.block)
  const once = blocks.extent === 1
  // Few terms go on from the sum so far; of many, each block is a sum of its own.
  const goesOn = !once && b.most(numel(cx.extents)) <= MOST_TERMS
  const sums = sumsOf(p, once ? TALL : rowsOf(p))
  const rows = k.div(k.add(rowsIn(p, where), k.int(TALL - 1)), k.int(TALL))
  const rowTiles = (body: (row: Expr) => readonly Stmt[]): Stmt[] =>
    loop(p, "rt", rows, Math.ceil(rowsOf(p) / TALL), body)
  /** The tile of sums for a block of the depth. `row`: of the tile's first sum. */
  const tile = (items: Items, rt: Expr, outer: readonly Expr[], ct: Expr, row: Expr): Stmt[] => {
    const at = {
      wide: (offset: number): TilePosition => ({ item: items.wide, tile: ct, outer, offset }),
      tall: (offset: number): TilePosition => ({ item: items.tall, tile: rt, outer: [], offset }),
    }
    const acc = range(TALL).map(() => range(LANES / 4).map((): Ref => ref(p, b.name("acc"))))
    const first = (m: number, n: number): Expr => sums.at(k.add(row, k.int(m)), outer, ct, 4 * n)
    const vars = acc.flatMap((list, m) =>
      list.map((a, n): Stmt => {
        const init = goesOn ? k.shared(sums.name, first(m, n), cx.type, 4) : k.splat(k.constant(0, cx.type))
        return { kind: "var", name: a.name, type: cx.type, width: 4, init }
      }),
    )
    const add = (d: readonly Expr[]): Stmt[] => {
      const lets: Stmt[] = []
      const held = (value: Expr): Expr => {
        const name = b.name("v")
        lets.push({ kind: "let", name, value })
        return k.ref(name, cx.type, 4)
      }
      const columns = range(LANES / 4).map((n) => held(wide.read(at.wide(4 * n), d, 4)))
      const rowValues = range(TALL).map((m) => held(k.splat(tall.read(at.tall(m), d, 1))))
      const sets = rowValues.flatMap((r, m) =>
        columns.map((c, n): Stmt => {
          const a = acc[m]![n]!
          return { kind: "set", name: a.name, value: k.op("add", a, k.op("mul", r, c)) }
        }),
      )
      return [...lets, ...sets]
    }
    const keep = acc.flatMap((list, m) =>
      list.map((a, n): Stmt => {
        const index = first(m, n)
        const value = once || goesOn ? a : k.op("add", k.shared(sums.name, index, cx.type, 4), a)
        return { kind: "store-shared", name: sums.name, index, value }
      }),
    )
    return [...vars, ...products(p, items.wide.depth, add), ...keep]
  }
  const itemsAt = (part: Expr): Items => {
    const start = k.mul(part, k.int(p.block))
    const cut: Cut = { before: [], start, count: countFrom(p, part, depth, p.block) }
    return {
      wide: { side: where.wide, depth: cut, batch: where.batch },
      tall: { side: where.tall, depth: cut, batch: where.batch },
    }
  }
  const packed = (items: Items): readonly Stmt[] => [...wide.pack(items.wide), ...tall.pack(items.tall)]
  if (once) {
    // Four rows at a time, from sums to stores: their sums stay in the nearest cache.
    const items = itemsAt(k.int(0))
    const tiles = rowTiles((rt) => [
      ...columnTiles(p, where, (outer, ct) => tile(items, rt, outer, ct, k.int(0))),
      ...outputs(p, where, sums, rowsOfTile(p, where, rt)),
    ])
    return [...packed(items), ...tiles]
  }
  const block = (part: Expr): Stmt[] => {
    const items = itemsAt(part)
    const tiles = columnTiles(p, where, (outer, ct) =>
      rowTiles((rt) => tile(items, rt, outer, ct, k.mul(rt, k.int(TALL)))),
    )
    return [...packed(items), ...tiles]
  }
  const all: Rows = { first: k.int(0), count: rowsIn(p, where), most: mostRows(p) }
  const most = Math.ceil(b.most(depth) / p.block)
  const adding = inParts(p, sums, { expr: blocks.expr, extent: blocks.extent, most }, block)
  return [...emptied(p, sums), ...adding, ...outputs(p, where, sums, all)]
}

interface Items {
  readonly wide: Item
  readonly tall: Item
}
const ref = (p: Panels, name: string): Ref => ({ kind: "ref", name, type: p.cx.type, width: 4 })

/** Loops over the tiles of columns of an item: indices of the axes before the last, and the number of the tile along that. */
function columnTiles(
  p: Panels,
  where: ItemPosition,
  body: (outer: readonly Expr[], tile: Expr) => readonly Stmt[],
): readonly Stmt[] {
  const { k } = p.cx.b
  const { local } = p.wide.cut
  const extentOf = (n: number): Expr => (n === 0 ? where.wide.count : k.int(local[n]!))
  const go = (n: number, outer: readonly Expr[]): readonly Stmt[] => {
    if (n < local.length - 1) return loop(p, "c", extentOf(n), local[n]!, (i) => go(n + 1, [...outer, i]))
    const tiles = k.div(k.add(extentOf(n), k.int(LANES - 1)), k.int(LANES))
    return loop(p, "ct", tiles, Math.ceil(local[n]! / LANES), (tile) => body(outer, tile))
  }
  return go(0, [])
}

/** Loops over a block of the depth, the longest innermost: only there do sums stay in registers from iteration to iteration. Iterations are not
 *  written out: an engine does so itself where it helps, and loads of several iterations at once would push sums out of registers. */
function products(p: Panels, cut: Cut, add: (depth: readonly Expr[]) => Stmt[]): readonly Stmt[] {
  const { k } = p.cx.b
  const lengths = p.depth.extents.map((d, n) => (n === 0 ? p.block : nominal(d)))
  const longest = lengths.lastIndexOf(Math.max(...lengths))
  const order = [...range(lengths.length).filter((n) => n !== longest), longest]
  const go = (n: number, at: readonly (Expr | undefined)[]): readonly Stmt[] => {
    const axis = order[n]
    if (axis === undefined) return add(at.map((e) => e ?? bug("an index per axis")))
    const end = axis === 0 ? cut.count : k.dim(p.depth.extents[axis]!)
    const most = axis === 0 ? p.block : p.depth.extents[axis]!
    return loop(p, "k", end, most, (i) => go(n + 1, at.with(axis, i)))
  }
  return go(
    0,
    lengths.map(() => undefined),
  )
}

/** The most indices that an item takes of an axis. */
const fullest = ({ space, cut }: Side, n: number): number => {
  const extent = space.extents[cut.at + n]!
  return isStatic(extent) ? Math.min(cut.local[n]!, extent) : cut.local[n]!
}
/** The rows of an item, the last tile's filled up; those that it has at most. */
const rowsOf = (p: Panels): number => p.tall.cut.local.reduce((n, d) => n * d, 1)
const mostRows = (p: Panels): number => p.tall.cut.local.reduce((n, _, axis) => n * fullest(p.tall, axis), 1)
const rowsIn = (p: Panels, where: ItemPosition): Expr => {
  const { k } = p.cx.b
  return p.tall.cut.local.slice(1).reduce<Expr>((n, d) => k.mul(n, k.int(d)), where.tall.count)
}

/** Rows of an item. */
interface Rows {
  readonly first: Expr
  readonly count: Expr
  readonly most: number
}
function rowsOfTile(p: Panels, where: ItemPosition, rt: Expr): Rows {
  const { k } = p.cx.b
  const first = k.mul(rt, k.int(TALL))
  const { at, chunk, local } = p.tall.cut
  const inside = local.slice(1).reduce((n, d) => n * d, 1)
  const whole =
    inside % TALL === 0 || (chunk % TALL === 0 && divDim(p.tall.space.extents[at]!, TALL) !== undefined)
  const count = whole ? k.int(TALL) : k.op("min", k.int(TALL), k.sub(rowsIn(p, where), first))
  return { first, count, most: TALL }
}

/** Everything after the sums of `rows`, along the side that has the last axis of the result. */
function outputs(
  p: Panels,
  where: ItemPosition,
  sums: Sums,
  { first: firstRow, count: rows, most }: Rows,
): readonly Stmt[] {
  const { cx } = p
  const { b } = cx
  const { k } = b
  const { local, at: cutAxis } = p.wide.cut
  const rowRange = numel(p.tall.axes.shape)
  const rowStart = [...where.tall.before, where.tall.start].reduce<Expr>(
    (sum, e, n) => k.add(k.mul(sum, k.dim(n === 0 ? 1 : p.tall.space.extents[n]!)), e),
    k.int(0),
  )
  const itemRow = p.tall.cut.local.slice(1).reduce<Expr>((n, d) => k.mul(n, k.int(d)), rowStart)
  const rowBase = k.add(itemRow, firstRow)
  const outerLoops = (
    body: (outer: readonly Expr[], end: Expr, size: number) => readonly Stmt[],
  ): readonly Stmt[] => {
    const extentOf = (n: number): Expr => (n === 0 ? where.wide.count : k.int(local[n]!))
    const go = (n: number, outer: readonly Expr[]): readonly Stmt[] =>
      n === local.length - 1
        ? body(outer, extentOf(n), fullest(p.wide, n))
        : loop(p, "c", extentOf(n), local[n]!, (i) => go(n + 1, [...outer, i]))
    return go(0, [])
  }
  /** The axes of the wide side, given the indices in the item; names of known range where an index is a sum. */
  const columnAxes = (outer: readonly Expr[], last: Expr, lets: Stmt[]): readonly Expr[] => {
    const inside = [...outer, last].map((e, n) =>
      n === 0 && n < local.length - 1
        ? named(p, "column", k.add(where.wide.start, e), p.wide.space.extents[cutAxis], lets)
        : e,
    )
    return p.wide.space.real(k, [...where.wide.before, ...inside])
  }
  const single = local.length === 1
  const lastExtent = p.wide.space.extents.at(-1)!
  const store = (row: Expr, columns: readonly Expr[], value: Expr, j: Ref | undefined): Stmt[] => {
    const done = b.name("sum")
    const own = k.ref(j === undefined ? done : b.name("each"), cx.type)
    const [rowAxes, columnAxis] = [p.tall.axes, p.wide.axes]
    const rowIndex = unravel(k, row, rowAxes.shape)
    const swapped = p.wide.which === "row"
    const index = swapped
      ? indexAt(cx, columns, rowIndex, where.batch)
      : indexAt(cx, rowIndex, columns, where.batch)
    if (columnAxis.axes.length !== columns.length) bug("an index per axis")
    const stores = storesAt(cx, index, own, (e) =>
      j === undefined ? e : b.widen(e, j.name, new Map([[own, k.ref(done, cx.type, 4)]])),
    )
    const pending = stores.flatMap((s) =>
      j === undefined
        ? [{ buffer: s.buffer, index: s.offset, value: s.value }]
        : b.wideStores(s.buffer, s.offset, j.name, s.value),
    )
    return [{ kind: "let", name: done, value }, ...valuesThenStores(b, pending)]
  }
  /** Vectors along `end` indices, then the remainder one by one. */
  const inFours = (
    end: Expr,
    size: number,
    four: (quad: Expr) => readonly Stmt[],
    one: (where: Expr) => readonly Stmt[],
  ): readonly Stmt[] => {
    const fours = loop(p, "q", k.div(end, k.int(4)), Math.floor(size / 4), four)
    const rest = k.rem(end, k.int(4))
    if (rest.kind === "const" && rest.value === 0) return fours
    const tail = loop(p, "e", rest, 4, (i) => one(k.add(k.mul(k.div(end, k.int(4)), k.int(4)), i)))
    return size < 4 ? tail : [...fours, ...tail]
  }
  if (p.wide.which === "row") {
    return outerLoops((outer, end, size) =>
      loop(p, "column", end, size, (last) =>
        inFours(
          rows,
          most,
          (quad) => {
            const lets: Stmt[] = []
            const j = b.variable("j", 4)
            const first = named(p, "row", k.add(rowBase, k.mul(quad, k.int(4))), rowRange, lets)
            const axes = columnAxes(outer, lastIndex(last, lets), lets)
            const values = range(4).map((n) =>
              k.shared(sums.name, sums.along(k.add(k.mul(quad, k.int(4)), k.int(n)), outer, last), cx.type),
            )
            const [x, y, z, w] = values
            return [...lets, ...store(k.add(first, j), axes, k.vec([x!, y!, z!, w!]), j)]
          },
          (i) => {
            const lets: Stmt[] = []
            const row = named(p, "row", k.add(rowBase, i), rowRange, lets)
            const axes = columnAxes(outer, lastIndex(last, lets), lets)
            return [
              ...lets,
              ...store(row, axes, k.shared(sums.name, sums.along(i, outer, last), cx.type), undefined),
            ]
          },
        ),
      ),
    )
  }
  return loop(p, "row", rows, most, (i) => {
    const rowLets: Stmt[] = []
    const row = named(p, "row", k.add(rowBase, i), rowRange, rowLets)
    const columns = outerLoops((outer, end, size) =>
      inFours(
        end,
        size,
        (quad) => {
          const lets: Stmt[] = []
          const j = b.variable("j", 4)
          const axes = columnAxes(outer, k.add(fourIndex(quad, lets), j), lets)
          const where = sums.along(i, outer, k.mul(quad, k.int(4)))
          return [...lets, ...store(row, axes, k.shared(sums.name, where, cx.type, 4), j)]
        },
        (last) => {
          const lets: Stmt[] = []
          const axes = columnAxes(outer, lastIndex(last, lets), lets)
          const value = k.shared(sums.name, sums.along(i, outer, last), cx.type)
          return [...lets, ...store(row, axes, value, undefined)]
        },
      ),
    )
    return [...rowLets, ...columns]
  })

  /** An index of the last axis; the cut may start behind its first. */
  function lastIndex(last: Expr, lets: Stmt[]): Expr {
    return single ? named(p, "column", k.add(where.wide.start, last), lastExtent, lets) : last
  }
  function fourIndex(quad: Expr, lets: Stmt[]): Expr {
    if (!single) return k.mul(quad, k.int(4))
    const aligned = p.wide.cut.chunk % 4 === 0
    if (!aligned) return named(p, "column", k.add(where.wide.start, k.mul(quad, k.int(4))), lastExtent, lets)
    const all = divDim(lastExtent, 4) ?? (isStatic(lastExtent) ? Math.floor(lastExtent / 4) : undefined)
    return k.mul(named(p, "quad", k.add(k.div(where.wide.start, k.int(4)), quad), all, lets), k.int(4))
  }
}
