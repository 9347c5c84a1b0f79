/** schedule: a sum of products, a tile of outputs per invocation held in registers.   contract group -> kernel body
 *  Rows and columns (`contraction/contraction.ts`) beyond the last are computed at the last one and not stored.
 *  Split: the lanes of a workgroup share one tile, each summing a part; the parts are added in lane order.
 *  Guarantees: sums run in a fixed order; the loops over the reduction are never unrolled (compile time).
 *  Not here:   sizes of tiles (`choose/products.ts`). */
import { bug } from "../../source/bug.js"
import type { TilePlan } from "../../ir/groups/types.js"
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { type Dim, divDim, numel, type Shape } from "../../ir/tensor.js"
import { type Contraction, operand, outputIndex, storesAt } from "../contraction/contraction.js"
import { columnAt, storeSum, type TilePosition, tilesOf } from "./tile-grid.js"
import type { Exprs } from "../expressions/exprs.js"
import { perInvocation, perWorkgroup } from "../kernel/grid.js"
import type { BuiltBody } from "../kernel/kernel-build.js"
import { valuesThenStores } from "./map.js"
import { serialWalk, stridedWalk, type Walk } from "../kernel/walk.js"

export function buildTile(of: Contraction, tile: TilePlan): BuiltBody & { template: string } {
  const cx: Tiled = { ...of, tile, vector: tile.vector }
  const { b } = cx
  const { count, locate } = tilesOf(cx, tile.rows, tile.columns)
  const body = tile.split
    ? perWorkgroup(b, count, tile.lanes, (i, lane) => {
        const { at, lets } = locate(i)
        return [...lets, ...splitTile(cx, at, lane)]
      })
    : perInvocation(b, count, tile.lanes, (i) => {
        const { at, lets } = locate(i)
        return [...lets, ...(tile.staged ? stagedTile(cx, at) : registerTile(cx, at))]
      })
  const size = `${tile.rows}x${tile.columns}${cx.vector ? " vec4" : ""}`
  const taps = tile.taps === 1 ? "" : ` by ${tile.taps}`
  const how = tile.split ? ` split over ${tile.lanes}` : tile.staged ? " staged" : ""
  return { ...b.finish(body), template: `contract ${size}${taps}${how}` }
}

type Ref = Expr & { kind: "ref" }

/** A contraction and the tile of it that an invocation computes. */
interface Tiled extends Contraction {
  readonly vector: boolean
  readonly tile: TilePlan
}

interface TileShape {
  readonly rowCount: Dim
  readonly groupCount: Dim
  readonly groups: number
  readonly row: (n: number) => Expr
  readonly group: (n: number) => Expr
}
function tileShape(cx: Tiled, at: TilePosition): TileShape {
  const { k } = cx.b
  const { tile, vector } = cx
  const columns = numel(cx.columns.shape)
  const groupCount = vector ? (divDim(columns, 4) ?? bug("columns come in fours")) : columns
  const groups = vector ? tile.columns / 4 : tile.columns
  return {
    rowCount: numel(cx.rows.shape),
    groupCount,
    groups,
    row: (n) => k.add(k.mul(at.row, k.int(tile.rows)), k.int(n)),
    group: (n) => k.add(k.mul(at.column, k.int(groups)), k.int(n)),
  }
}
const clamped = (k: Exprs, e: Expr, count: Dim, by: number): Expr =>
  divDim(count, by) !== undefined ? e : k.op("min", e, k.sub(k.dim(count), k.int(1)))
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

/** The indices of the reduction that one iteration adds, and the walk over iterations. */
function iterations(
  cx: Tiled,
  walkOver: (extents: Shape) => Walk,
): { walk: Walk; indices: (readonly Expr[])[] } {
  const { k } = cx.b
  const { taps } = cx.tile
  if (taps === 1) {
    const walk = walkOver(cx.extents)
    return { walk, indices: [walk.r] }
  }
  const count = divDim(cx.extents.at(-1)!, taps) ?? bug("iterations take equally many indices")
  const walk = walkOver([...cx.extents.slice(0, -1), count])
  const first = k.mul(walk.r.at(-1)!, k.int(taps))
  return { walk, indices: range(taps).map((t) => [...walk.r.slice(0, -1), k.add(first, k.int(t))]) }
}

/** The accumulators of a tile, and the statements that add the indices of one iteration to them. */
function accumulate(
  cx: Tiled,
  at: TilePosition,
  indices: readonly (readonly Expr[])[],
): { vars: Stmt[]; sums: Ref[][]; add: Stmt[] } {
  const { b, tile, vector } = cx
  const { k } = b
  const t = tileShape(cx, at)
  const j = vector ? b.variable("j", 4) : undefined
  const width = vector ? 4 : 1
  const zero = k.constant(0, cx.type)
  const left = range(tile.rows).map((n) =>
    indices.map((r) =>
      operand(cx, "row", outputIndex(cx, clamped(k, t.row(n), t.rowCount, tile.rows), k.int(0), at.batch), r),
    ),
  )
  const right = range(t.groups).map((n) => {
    const column = columnAt(k, clamped(k, t.group(n), t.groupCount, t.groups), j)
    return indices.map((r) => {
      const value = operand(cx, "column", outputIndex(cx, k.int(0), column, at.batch), r)
      return j === undefined ? value : b.widen(value, j.name)
    })
  })
  const sums = left.map((_, m) =>
    range(t.groups).map((n): Ref => ({ kind: "ref", name: b.name(`acc_${m}_${n}`), type: cx.type, width })),
  )
  const vars = sums.flat().map((s): Stmt => {
    return { kind: "var", name: s.name, type: cx.type, width, init: vector ? k.splat(zero) : zero }
  })
  const named = (wanted: string, values: readonly Expr[], into: Stmt[]): Expr[] => {
    const names = new Map<Expr, Expr>()
    return values.map((value) => {
      const known = names.get(value)
      if (known !== undefined) return known
      const name = b.name(wanted)
      into.push({ kind: "let", name, value })
      const made = k.ref(name, cx.type, width)
      names.set(value, made)
      return made
    })
  }
  const add: Stmt[] = []
  const splat = (a: Expr): Expr => (vector ? k.splat(a) : a)
  const next = (sum: Ref, as: readonly Expr[], cs: readonly Expr[]): Stmt => {
    const value = as.reduce<Expr>((e, a, n) => k.op("add", e, k.op("mul", a, cs[n]!)), sum)
    return { kind: "set", name: sum.name, value }
  }
  const ofIteration = <T>(all: readonly T[], n: number): T[] =>
    all.slice(n * indices.length, (n + 1) * indices.length)
  if (indices.length === 1) {
    // All loads before the first sum: adapters on the CPU keep more sums in registers that way.
    const as = named("a", left.flat().map(splat), add)
    const cs = named("c", right.flat(), add)
    add.push(...sums.flatMap((row, m) => row.map((sum, n) => next(sum, [as[m]!], [cs[n]!]))))
  } else {
    // A sliding operand is loaded once for all columns, and each row's own just before it is used.
    const cs = named("c", right.flat(), add)
    sums.forEach((row, m) => {
      const as = named("a", left[m]!.map(splat), add)
      add.push(...row.map((sum, n) => next(sum, as, ofIteration(cs, n))))
    })
  }
  return { vars, sums, add }
}

function registerTile(cx: Tiled, at: TilePosition): Stmt[] {
  const { b, tile } = cx
  const { walk, indices } = iterations(cx, (extents) => serialWalk(b, extents))
  const { vars, sums, add } = accumulate(cx, at, indices)
  const t = tileShape(cx, at)
  const out: Stmt[] = [...vars, ...walk.around(add)]
  for (const m of range(tile.rows)) {
    for (const n of range(t.groups)) out.push(...storeGroup(cx, at, t.row(m), t.group(n), t, sums[m]![n]!))
  }
  return out
}

/** The sums of a tile are put aside in an array of the lane, and stored by a loop over them: the code after the sums is there
 *  once, not once per sum, and takes no registers from the loop before it. */
function stagedTile(cx: Tiled, at: TilePosition): Stmt[] {
  const { b, tile, vector } = cx
  const { k } = b
  const { walk, indices } = iterations(cx, (extents) => serialWalk(b, extents))
  const { vars, sums, add } = accumulate(cx, at, indices)
  const t = tileShape(cx, at)
  const stage = b.name("stage")
  const width = vector ? 4 : 1
  b.shared.push({ name: stage, type: cx.type, length: tile.rows * tile.columns, width, own: true })
  const offset = (n: Expr): Expr => k.mul(n, k.int(width))
  const put = sums.flat().map((value, n): Stmt => {
    return { kind: "store-shared", name: stage, index: offset(k.int(n)), value }
  })
  const m = b.variable("m", tile.rows)
  const n = b.variable("n", t.groups)
  const sum = k.shared(stage, offset(k.add(k.mul(m, k.int(t.groups)), n)), cx.type, width)
  const store = storeGroup(cx, at, k.add(t.row(0), m), k.add(t.group(0), n), t, sum)
  const loop = (variable: Ref, count: number, body: readonly Stmt[]): Stmt => {
    return { kind: "for", name: variable.name, extent: k.int(count), on: "serial", body }
  }
  return [...vars, ...walk.around(add), ...put, loop(m, tile.rows, [loop(n, t.groups, store)])]
}

const storeGroup = (cx: Tiled, at: TilePosition, row: Expr, group: Expr, t: TileShape, sum: Expr): Stmt[] => {
  const { vector, tile } = cx
  return storeSum(cx, { batch: at.batch, row, rowsBy: tile.rows, group, groupsBy: t.groups, vector }, sum)
}

/** The lanes of a workgroup sum parts of one tile; then each lane adds up and stores one output. */
function splitTile(cx: Tiled, at: TilePosition, lane: Expr): Stmt[] {
  const { b, tile, vector } = cx
  const { k } = b
  const { lanes } = tile
  const { walk, indices } = iterations(cx, (extents) => stridedWalk(b, extents, lane, lanes))
  const { vars, sums, add } = accumulate(cx, at, indices)
  const outputs = tile.rows * tile.columns
  const part = b.name("part")
  b.shared.push({ name: part, type: cx.type, length: outputs * lanes, width: 1 })
  const flat = sums.flat().flatMap((s) => (vector ? range(4).map((n) => k.lane(s, n)) : [s]))
  const put = flat.map((value, n): Stmt => {
    return { kind: "store-shared", name: part, index: k.add(k.int(n * lanes), lane), value }
  })
  const total = b.name("total")
  const from = b.variable("from", lanes)
  const own = k.ref(total, cx.type)
  const next = k.shared(part, k.add(k.mul(lane, k.int(lanes)), from), cx.type)
  const row = k.add(k.mul(at.row, k.int(tile.rows)), k.div(lane, k.int(tile.columns)))
  const column = k.add(k.mul(at.column, k.int(tile.columns)), k.rem(lane, k.int(tile.columns)))
  const done = b.name("sum")
  // Stores lie within; names of that range let indices of reshaped results be simplified.
  const inRow = b.variable("row", numel(cx.rows.shape))
  const inColumn = b.variable("column", numel(cx.columns.shape))
  const index = outputIndex(cx, inRow, inColumn, at.batch)
  const stores = storesAt(cx, index, k.ref(done, cx.type), (e) => e)
  const inside = [
    ...(outputs < lanes ? [k.op("lt", lane, k.int(outputs))] : []),
    k.asIs("lt", row, k.dim(numel(cx.rows.shape))),
    k.asIs("lt", column, k.dim(numel(cx.columns.shape))),
  ]
  return [
    ...vars,
    ...walk.around(add),
    ...put,
    { kind: "barrier" },
    {
      kind: "when",
      cond: k.and(...inside),
      then: [
        { kind: "let", name: inRow.name, value: row },
        { kind: "let", name: inColumn.name, value: column },
        { kind: "var", name: total, type: cx.type, width: 1, init: k.constant(0, cx.type) },
        {
          kind: "for",
          name: from.name,
          extent: k.int(lanes),
          on: "serial",
          body: [{ kind: "set", name: total, value: k.op("add", own, next) }],
        },
        { kind: "let", name: done, value: own },
        ...valuesThenStores(
          b,
          stores.map((s) => ({ buffer: s.buffer, index: s.offset, value: s.value })),
        ),
      ],
    },
  ]
}
