/** schedule: the outputs of a contraction in tiles: the number of tiles, the tile of each number, and the stores of
 *  a tile's sums. The last tiles may reach beyond the outputs; nothing is stored there.
 *  Not here:   the sums (`templates/tile.ts`, `templates/block.ts`). */
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { type Dim, divDim, mulDim, numel } from "../../ir/tensor.js"
import { type Contraction, outputIndex, storesAt } from "../contraction/contraction.js"
import { largest } from "../cost/model.js"
import type { Exprs } from "../expressions/exprs.js"
import { ceilDiv, type Count } from "../kernel/grid.js"
import type { KernelBuild } from "../kernel/kernel-build.js"
import { valuesThenStores } from "./map.js"

/** Numbers of a tile along rows, columns and batch. */
export interface TilePosition {
  readonly row: Expr
  readonly column: Expr
  readonly batch: Expr
}
export interface Tiles {
  readonly count: Count
  /** The tile of number `i`, and the statements that find it. */
  readonly locate: (i: Expr) => { readonly at: TilePosition; readonly lets: readonly Stmt[] }
}

/** So many tiles down and across in each of so many products. */
export function tileCount(k: Exprs, batches: Dim, down: Count, across: Count): Count {
  const extent =
    down.extent === undefined || across.extent === undefined
      ? undefined
      : mulDim(mulDim(batches, down.extent), across.extent)
  return {
    expr: k.mul(k.mul(k.dim(batches), down.expr), across.expr),
    extent,
    most: down.most * across.most * largest(batches),
  }
}

/** Tiles of `height` rows and `width` columns, those of one row of tiles one after another. */
export function tilesOf({ b, rows, columns, batch }: Contraction, height: number, width: number): Tiles {
  const { k } = b
  const rowTiles = ceilDiv(b, numel(rows.shape), height)
  const columnTiles = ceilDiv(b, numel(columns.shape), width)
  const batches = numel(batch.shape)
  return {
    count: tileCount(k, batches, rowTiles, columnTiles),
    locate: (i) => {
      const lets: Stmt[] = []
      const offset = (name: string, value: Expr, range: Dim | undefined): Expr => {
        if (value.kind === "const" || value.kind === "ref") return value
        const v = b.variable(name, range)
        lets.push({ kind: "let", name: v.name, value })
        return v
      }
      const above = k.div(i, columnTiles.expr)
      const column = offset("ct", k.rem(i, columnTiles.expr), columnTiles.extent)
      const outermost = batches === 1
      const row = offset("rt", outermost ? above : k.rem(above, rowTiles.expr), rowTiles.extent)
      const which = offset("bt", outermost ? k.int(0) : k.div(above, rowTiles.expr), batches)
      return { at: { row, column, batch: which }, lets }
    },
  }
}

/** A column group: one column, or four in a vector (variable `j`). Clamped to the last one. */
export const columnAt = (k: Exprs, group: Expr, j: Expr | undefined): Expr =>
  j === undefined ? group : k.add(k.mul(group, k.int(4)), j)

/** An output of a tile, or four in a vector. `rowsBy`, `groupsBy`: the size of the tiles in rows and column groups. */
export interface TileOutput {
  readonly batch: Expr
  readonly row: Expr
  readonly rowsBy: number
  readonly group: Expr
  readonly groupsBy: number
  readonly vector: boolean
}

/** Stores the sum of one column group of one row, if it exists. */
export function storeSum(
  cx: Contraction,
  { batch, row, rowsBy, group, groupsBy, vector }: TileOutput,
  sum: Expr,
): Stmt[] {
  const { b } = cx
  const { k } = b
  const done = b.name("sum")
  const own: Stmt = { kind: "let", name: done, value: sum }
  const j = vector ? b.variable("j", 4) : undefined
  const columns = numel(cx.columns.shape)
  const inRows = within(b, "row", row, numel(cx.rows.shape), rowsBy)
  const inColumns = within(b, "column", group, vector ? divDim(columns, 4)! : columns, groupsBy)
  const index = outputIndex(cx, inRows.offset, columnAt(k, inColumns.offset, j), batch)
  const stores = storesAt(
    cx,
    index,
    vector ? k.ref(b.name("each"), cx.type) : k.ref(done, cx.type),
    (e, own) => (j === undefined ? e : b.widen(e, j.name, new Map([[own, k.ref(done, cx.type, 4)]]))),
  )
  const pending = stores.flatMap(({ buffer, offset, value }) =>
    j === undefined ? [{ buffer, index: offset, value }] : b.wideStores(buffer, offset, j.name, value),
  )
  const conditions = [...inRows.conditions, ...inColumns.conditions]
  const body = [...inRows.lets, ...inColumns.lets, own, ...valuesThenStores(b, pending)]
  return conditions.length === 0 ? body : [{ kind: "when", cond: k.and(...conditions), then: body }]
}

/** An index that tiles of `by` may carry beyond `count`: under `conditions` it is below, and its new name says so. The name also
 *  keeps the tile's own sum apart from divisions, which could write one index in two ways. */
function within(
  b: KernelBuild,
  name: string,
  offset: Expr,
  count: Dim,
  by: number,
): { offset: Expr; conditions: readonly Expr[]; lets: readonly Stmt[] } {
  const exact = divDim(count, by) !== undefined
  if (exact && (offset.kind === "const" || offset.kind === "ref")) return { offset, conditions: [], lets: [] }
  const inside = b.variable(name, count)
  return {
    offset: inside,
    conditions: exact ? [] : [b.k.op("lt", offset, b.k.dim(count))],
    lets: [{ kind: "let", name: inside.name, value: offset }],
  }
}
