/** schedule: a sum of products for GPUs: a workgroup computes a block of outputs, a tile per invocation, from slices of both
 *  operands that it copies into workgroup memory together.   contract group -> kernel body
 *  Elementwise operations on an operand are computed once per element of a slice, while it is copied (`templates/block-slice.ts`).
 *  Split: groups of lanes share the indices of a slice; their sums are added in order at the end.
 *  Guarantees: sums run in a fixed order; all lanes reach every barrier.
 *  Not here:   sizes of blocks (`cost/block.ts`), stores (`templates/tile-grid.ts`). */
import type { BlockPlan } from "../../ir/groups/types.js"
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { divDim, numel } from "../../ir/tensor.js"
import { type Slice, sliceOf } from "./block-slice.js"
import type { Contraction } from "../contraction/contraction.js"
import { storeSum, type TilePosition, tilesOf } from "./tile-grid.js"
import { BLOCK_LANES } from "../cost/block.js"
import { ceilDiv, perWorkgroup } from "../kernel/grid.js"
import type { BuiltBody } from "../kernel/kernel-build.js"

export function buildBlock(cx: Contraction, block: BlockPlan): BuiltBody & { template: string } {
  const { b } = cx
  const { count, locate } = tilesOf(cx, block.rows, block.columns)
  const body = perWorkgroup(b, count, BLOCK_LANES, (i, lane) => {
    const { at, lets } = locate(i)
    return [...lets, ...blockBody(cx, block, at, lane)]
  })
  const { rows, columns, tileRows, tileColumns, depth, split } = block
  const how = split === 1 ? "" : `, split over ${split}`
  const template = `contract block ${rows}x${columns} by ${tileRows}x${tileColumns}, ${depth} deep${how}`
  return { ...b.finish(body), template }
}

type Ref = Expr & { kind: "ref" }

/** A lane's tile in the block, and its share of the indices of a slice. */
interface LanePosition {
  readonly row: Expr
  readonly column: Expr
  readonly share: Expr
}

function blockBody(cx: Contraction, block: BlockPlan, at: TilePosition, lane: Expr): Stmt[] {
  const { b } = cx
  const { k } = b
  const { tileRows, tileColumns, split } = block
  const across = block.columns / tileColumns
  const down = block.rows / tileRows
  const lets: Stmt[] = []
  const linear = (name: string, value: Expr, range: number): Expr => {
    const v = b.variable(name, range)
    lets.push({ kind: "let", name: v.name, value })
    return v
  }
  const within: LanePosition = {
    column: linear("lc", k.rem(lane, k.int(across)), across),
    row: linear("lr", k.rem(k.div(lane, k.int(across)), k.int(down)), down),
    share: split === 1 ? k.int(0) : linear("ls", k.div(lane, k.int(across * down)), split),
  }
  const parts = split === 1 ? 0 : block.rows * block.columns * split
  const tall = sliceOf(cx, "row", block.rows, block.depth, parts, at, lane)
  const wide = sliceOf(cx, "column", block.columns, block.depth, 0, at, lane)
  const sums = range(tileRows).map((m) =>
    range(tileColumns / 4).map((n): Ref => {
      return { kind: "ref", name: b.name(`acc_${m}_${n}`), type: cx.type, width: 4 }
    }),
  )
  const zero = k.splat(k.constant(0, cx.type))
  const vars = sums.flat().map((s): Stmt => {
    return { kind: "var", name: s.name, type: cx.type, width: 4, init: zero }
  })
  const depth = numel(cx.extents)
  const slices = ceilDiv(b, depth, block.depth)
  const slice = slices.extent === 1 ? k.int(0) : b.variable("slice", slices.extent)
  const start = k.mul(slice, k.int(block.depth))
  const filled =
    divDim(depth, block.depth) !== undefined
      ? k.int(block.depth)
      : k.op("min", k.int(block.depth), k.sub(k.dim(depth), start))
  const work: Stmt[] = [
    ...tall.copy(start),
    ...wide.copy(start),
    { kind: "barrier" },
    addSlice(cx, block, within, filled, tall, wide, sums),
  ]
  // Nobody writes to where a slice was before all have done with it.
  const around: Stmt[] =
    slice.kind === "ref"
      ? [
          {
            kind: "for",
            name: slice.name,
            extent: slices.expr,
            on: "serial",
            body: [...work, { kind: "barrier" }],
          },
        ]
      : split === 1
        ? work
        : [...work, { kind: "barrier" }]
  const stores =
    split === 1
      ? storeTile(cx, block, at, within, sums)
      : storeSplit(cx, block, at, within, lane, sums, tall.name)
  return [...lets, ...tall.lets, ...wide.lets, ...vars, ...around, ...stores]
}

/** Adds the indices of a slice to the sums of a tile. */
function addSlice(
  cx: Contraction,
  { tileRows, tileColumns, split, columns }: BlockPlan,
  at: LanePosition,
  filled: Expr,
  tall: Slice,
  wide: Slice,
  sums: readonly (readonly Ref[])[],
): Stmt {
  const { b } = cx
  const { k } = b
  const mine = b.variable("d")
  const linear = split === 1 ? mine : k.add(k.mul(mine, k.int(split)), at.share)
  const count = k.div(k.add(k.sub(filled, at.share), k.int(split - 1)), k.int(split))
  const lets: Stmt[] = []
  const named = (wanted: string, value: Expr): Expr => {
    const name = b.name(wanted)
    lets.push({ kind: "let", name, value })
    return k.ref(name, cx.type, 4)
  }
  const rows = range(tileRows / 4).map((n) =>
    named("a", tall.read(linear, k.add(k.mul(at.row, k.int(tileRows)), k.int(4 * n)))),
  )
  // Neighbouring lanes read neighbouring vectors: no two of them the same bank of memory.
  const right = range(tileColumns / 4).map((n) =>
    named(
      "c",
      wide.read(linear, k.add(k.int((columns / (tileColumns / 4)) * n), k.mul(at.column, k.int(4)))),
    ),
  )
  const add = range(tileRows).flatMap((m) => {
    const own = k.splat(k.lane(rows[Math.floor(m / 4)]!, m % 4))
    return right.map((c, n): Stmt => {
      const sum = sums[m]![n]!
      return { kind: "set", name: sum.name, value: k.op("add", sum, k.op("mul", own, c)) }
    })
  })
  return { kind: "for", name: mine.name, extent: count, on: "serial", body: [...lets, ...add] }
}

function storeTile(
  cx: Contraction,
  block: BlockPlan,
  at: TilePosition,
  within: LanePosition,
  sums: readonly (readonly Ref[])[],
): Stmt[] {
  const { k } = cx.b
  const { tileRows, tileColumns, columns } = block
  const step = columns / tileColumns
  return sums.flatMap((row, m) =>
    row.flatMap((sum, n) => {
      const inBlock = k.add(k.mul(within.row, k.int(tileRows)), k.int(m))
      return storeFour(cx, block, at, inBlock, k.add(k.int(step * n), within.column), sum)
    }),
  )
}

/** Every group of lanes puts its sums down where a slice was; then each lane adds up and stores four outputs, or some do when there are fewer. */
function storeSplit(
  cx: Contraction,
  block: BlockPlan,
  at: TilePosition,
  within: LanePosition,
  lane: Expr,
  sums: readonly (readonly Ref[])[],
  part: string,
): Stmt[] {
  const { b } = cx
  const { k } = b
  const { rows, columns, tileRows, tileColumns, split } = block
  const outputs = rows * columns
  const step = columns / tileColumns
  const put = sums.flatMap((row, m) =>
    row.map((value, n): Stmt => {
      const inBlock = k.add(k.mul(within.row, k.int(tileRows)), k.int(m))
      const group = k.add(k.int(step * n), within.column)
      const first = k.add(k.mul(inBlock, k.int(columns)), k.mul(group, k.int(4)))
      const index = k.add(k.mul(within.share, k.int(outputs)), first)
      return { kind: "store-shared", name: part, index, value }
    }),
  )
  const fours = outputs / 4
  const share = b.variable("from", split)
  const total = b.name("total")
  const own = k.ref(total, cx.type, 4)
  const index = k.add(k.mul(share, k.int(outputs)), k.mul(lane, k.int(4)))
  const next = k.op("add", own, k.shared(part, index, cx.type, 4))
  const add: Stmt[] = [
    { kind: "var", name: total, type: cx.type, width: 4, init: k.splat(k.constant(0, cx.type)) },
    {
      kind: "for",
      name: share.name,
      extent: k.int(split),
      on: "serial",
      body: [{ kind: "set", name: total, value: next }],
    },
  ]
  const row = k.div(lane, k.int(columns / 4))
  const store = [...add, ...storeFour(cx, block, at, row, k.rem(lane, k.int(columns / 4)), own)]
  const all: Stmt[] =
    fours >= BLOCK_LANES ? store : [{ kind: "when", cond: k.asIs("lt", lane, k.int(fours)), then: store }]
  return [...put, { kind: "barrier" }, ...all]
}

/** Stores four sums of one row of a block, of its columns from `4 * group` on. */
function storeFour(
  cx: Contraction,
  block: BlockPlan,
  at: TilePosition,
  inBlock: Expr,
  group: Expr,
  sum: Expr,
): Stmt[] {
  const { k } = cx.b
  const row = k.add(k.mul(at.row, k.int(block.rows)), inBlock)
  const linear = { batch: at.batch, row, rowsBy: block.rows }
  const { shape } = cx.columns
  if (shape.length > 0 && divDim(shape.at(-1)!, 4) !== undefined) {
    const groupsBy = block.columns / 4
    const own = k.add(k.mul(at.column, k.int(groupsBy)), group)
    return storeSum(cx, { ...linear, group: own, groupsBy, vector: true }, sum)
  }
  const first = k.add(k.mul(at.column, k.int(block.columns)), k.mul(group, k.int(4)))
  return range(4).flatMap((n) => {
    const column = k.add(first, k.int(n))
    return storeSum(cx, { ...linear, group: column, groupsBy: block.columns, vector: false }, k.lane(sum, n))
  })
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
