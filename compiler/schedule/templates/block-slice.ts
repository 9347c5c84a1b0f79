/** schedule: one operand of a block, copied into workgroup memory slice by slice: [index of the depth][row or column of the block],
 *  in vectors of four along the latter, so that all who read do so in vectors.
 *  Where the operand is contiguous along the depth, as PyTorch's weights are, a lane reads four vectors along the depth and turns the
 *  four by four numbers over in registers; else it reads vectors as they are written. Either way the lanes of a subgroup use whole
 *  sectors of memory, and eight neighbouring lanes write neighbouring vectors, so no padding is needed against conflicts of banks.
 *  Guarantees: an index beyond the last row, column or index of the depth reads the last one.
 *  Not here:   the computation on a slice (`templates/block.ts`). */
import type { Expr, Stmt } from "../../ir/kernels/types.js"
import { type Dim, divDim, isStatic, numel } from "../../ir/tensor.js"
import { bug } from "../../source/bug.js"
import { type Contraction, operand, outputIndex } from "../contraction/contraction.js"
import type { TilePosition } from "./tile-grid.js"
import { BLOCK_LANES } from "../cost/block.js"
import { unravel } from "../expressions/values.js"
import { isScattered } from "../expressions/vectorize.js"

export interface Slice {
  /** The workgroup array. */
  readonly name: string
  /** The values of the lane that `copy` needs. */
  readonly lets: readonly Stmt[]
  /** Copies the indices of the depth from `start` on. */
  readonly copy: (start: Expr) => readonly Stmt[]
  /** Four numbers at an index of the slice, from a row or column of the block on. */
  readonly read: (linear: Expr, from: Expr) => Expr
}

type Which = "row" | "column"

/** `size`: rows or columns of the block; `deep`: indices of the depth in a slice; `least`: numbers that the array has room for. */
export function sliceOf(
  cx: Contraction,
  which: Which,
  size: number,
  deep: number,
  least: number,
  at: TilePosition,
  lane: Expr,
): Slice {
  const { b } = cx
  const { k } = b
  const name = b.name(which === "row" ? "tall" : "wide")
  b.shared.push({ name, type: cx.type, length: Math.max(size * deep, least), width: 4 })
  const lets: Stmt[] = []
  const linear = (wanted: string, value: Expr, range: Dim | undefined): Expr => {
    if (value.kind === "const" || value.kind === "ref") return value
    const v = b.variable(wanted, range)
    lets.push({ kind: "let", name: v.name, value })
    return v
  }
  const fours = size / 4
  const quad = linear("quad", k.rem(lane, k.int(fours)), fours)
  const above = linear("above", k.div(lane, k.int(fours)), BLOCK_LANES / fours)
  const first = k.add(k.mul(which === "row" ? at.row : at.column, k.int(fours)), quad)
  const count = countOf(cx, which)
  const quads = divDim(count, 4)
  const inside = quads === undefined ? first : clamped(cx, "sq", first, quads, fours, lets)
  const four = (n: Expr): Expr => {
    const own = k.add(k.mul(inside, k.int(4)), n)
    return quads === undefined ? k.op("min", own, k.sub(k.dim(count), k.int(1))) : own
  }
  const side: Side = { which, size, batch: at.batch, four }
  const put = (inSlice: Expr, value: Expr): Stmt => {
    const index = k.add(k.mul(inSlice, k.int(size)), k.mul(quad, k.int(4)))
    return { kind: "store-shared", name, index, value }
  }
  return {
    name,
    lets,
    copy: (start) =>
      (readsTransposed(cx, which) ? copyTransposed : copyAlong)(cx, side, deep, above, start, put),
    read: (linear, from) => k.shared(name, k.add(k.mul(linear, k.int(size)), from), cx.type, 4),
  }
}

/** Four rows or columns of the output; a block has `size` of them. */
interface Side {
  readonly which: Which
  readonly size: number
  readonly batch: Expr
  /** The one of this number, which may be the variable of a vector. */
  readonly four: (n: Expr) => Expr
}
type Put = (inSlice: Expr, value: Expr) => Stmt

/** Vectors along the rows or columns. A lane has every so many indices of the slice. */
function copyAlong(cx: Contraction, side: Side, deep: number, above: Expr, start: Expr, put: Put): Stmt[] {
  const { b } = cx
  const { k } = b
  const atOnce = (4 * BLOCK_LANES) / side.size
  const rounds = Math.ceil(deep / atOnce)
  const n = rounds === 1 ? k.int(0) : b.variable("n", rounds)
  const lets: Stmt[] = []
  const inSlice = k.add(k.mul(n, k.int(atOnce)), above)
  const depth = clamped(cx, "dp", k.add(start, inSlice), numel(cx.extents), deep, lets)
  const j = b.variable("j", 4)
  const value = b.widen(valueAt(cx, side, side.four(j), depth), j.name)
  const work = [...lets, put(inSlice, value)]
  const guarded: Stmt[] =
    deep % atOnce === 0 ? work : [{ kind: "when", cond: k.asIs("lt", inSlice, k.int(deep)), then: work }]
  return n.kind === "ref"
    ? [{ kind: "for", name: n.name, extent: k.int(rounds), on: "serial", body: guarded }]
    : guarded
}

/** Vectors along the depth, transposed four by four. */
function copyTransposed(
  cx: Contraction,
  side: Side,
  deep: number,
  above: Expr,
  start: Expr,
  put: Put,
): Stmt[] {
  const { b } = cx
  const { k } = b
  const atOnce = (16 * BLOCK_LANES) / side.size
  const rounds = Math.ceil(deep / atOnce)
  const n = rounds === 1 ? k.int(0) : b.variable("n", rounds)
  const lets: Stmt[] = []
  const inSlice = k.add(k.mul(n, k.int(atOnce / 4)), above)
  const quads = divDim(numel(cx.extents), 4) ?? bug("vectors along the depth are whole")
  const depth = clamped(cx, "dq", k.add(k.div(start, k.int(4)), inSlice), quads, deep / 4, lets)
  const j = b.variable("j", 4)
  const columns = [0, 1, 2, 3].map((i) => {
    const value = b.widen(valueAt(cx, side, side.four(k.int(i)), k.add(k.mul(depth, k.int(4)), j)), j.name)
    const name = b.name("along")
    lets.push({ kind: "let", name, value })
    return k.ref(name, cx.type, 4)
  })
  const stores = [0, 1, 2, 3].map((i) => {
    const [x, y, z, w] = columns.map((c) => k.lane(c, i))
    return put(k.add(k.mul(inSlice, k.int(4)), k.int(i)), k.vec([x!, y!, z!, w!]))
  })
  const work = [...lets, ...stores]
  const guarded: Stmt[] =
    deep % atOnce === 0 ? work : [{ kind: "when", cond: k.asIs("lt", inSlice, k.int(deep / 4)), then: work }]
  return n.kind === "ref"
    ? [{ kind: "for", name: n.name, extent: k.int(rounds), on: "serial", body: guarded }]
    : guarded
}

/** A let of a known range: `linear`, or the last one where pieces of `by` may reach beyond `count`. */
function clamped(cx: Contraction, name: string, linear: Expr, count: Dim, by: number, lets: Stmt[]): Expr {
  const { b } = cx
  const { k } = b
  const inside = divDim(count, by) !== undefined ? linear : k.op("min", linear, k.sub(k.dim(count), k.int(1)))
  if (inside.kind === "const" || inside.kind === "ref") return inside
  const v = b.variable(name, count)
  lets.push({ kind: "let", name: v.name, value: inside })
  return v
}
const countOf = (cx: Contraction, which: Which): Dim => numel((which === "row" ? cx.rows : cx.columns).shape)

function valueAt(
  cx: Contraction,
  { which, batch }: Pick<Side, "which" | "batch">,
  linear: Expr,
  depth: Expr,
): Expr {
  const { k } = cx.b
  const zero = k.int(0)
  const index = which === "row" ? outputIndex(cx, linear, zero, batch) : outputIndex(cx, zero, linear, batch)
  return operand(cx, which, index, unravel(k, depth, cx.extents))
}

/** Whether vectors can be read along the depth only. */
function readsTransposed(given: Contraction, which: Which): boolean {
  const b = given.b.fork()
  const cx = { ...given, b }
  const { k } = b
  const count = countOf(cx, which)
  const j = b.variable("j", 4)
  const quads = (d: Dim): Dim | undefined => divDim(d, 4) ?? (isStatic(d) ? Math.ceil(d / 4) : undefined)
  const four = (d: Dim): Expr => k.add(k.mul(b.variable("quad", quads(d)), k.int(4)), j)
  const depth = numel(cx.extents)
  const side = { which, batch: b.variable("batch") }
  const scattered = (linear: Expr, at: Expr): boolean =>
    isScattered(b.widen(valueAt(cx, side, linear, at), j.name))
  if (divDim(depth, 4) === undefined) return false
  return scattered(four(count), b.variable("d", depth)) && !scattered(b.variable("place", count), four(depth))
}
