/** schedule: how a contraction is cut for one core: items of rows and columns, depth in blocks, and where windows slide.
 *  A window: an operand that depends on an axis `s` of its side and an axis `r` of the depth through `a*s + b*r` alone, as the
 *  input of a convolution does. It is copied once per such sum, not once per pair.
 *  Guarantees: an item holds a constant number of elements at once.
 *  Not here:   which of the ways to cut is best (`choose/products.ts`), loops (`templates/panels.ts`). */
import type { Expr } from "../../ir/kernels/types.js"
import { childrenOf } from "../../ir/kernels/walk.js"
import { bug } from "../../source/bug.js"
import type { PanelsPlan } from "../../ir/groups/types.js"
import { type Dim, isStatic, numel, type Shape } from "../../ir/tensor.js"
import { type Axes, type Contraction, indexAt, operand } from "./contraction.js"
import { nominal } from "../cost/model.js"
import type { SideCut } from "../cost/panels.js"
import type { Exprs } from "../expressions/exprs.js"
import { unravel } from "../expressions/values.js"

/** Axes as the loops see them: one flat axis, or the real ones that are longer than 1. */
export interface Space {
  readonly extents: readonly Dim[]
  real(k: Exprs, at: readonly Expr[]): readonly Expr[]
}
/** packed[a*s + b*r + shift] is the operand at `s` and `r`; `from` 0 is the least sum. */
export interface Window {
  /** Axis of the side's space. */
  readonly side: number
  /** Axis of the depth's space. */
  readonly depth: number
  readonly a: number
  readonly b: number
}
export interface Side {
  readonly which: "row" | "column"
  readonly axes: Axes
  readonly space: Space
  readonly windows: readonly Window[]
  /** It can be loaded from where it lies, side by side along the depth. */
  readonly direct: boolean
  readonly cut: SideCut
}
export interface Panels {
  readonly cx: Contraction
  /** The side whose indices stand in the lanes of vectors, and the other one. */
  readonly wide: Side
  readonly tall: Side
  readonly depth: Space
  /** Indices of the depth's first axis at once. */
  readonly block: number
}

export const LANES = 8
export const TALL = 4

/** A contraction as panels see it, before its sides are cut. */
export interface PanelSides {
  readonly cx: Contraction
  readonly row: UncutSide
  readonly column: UncutSide
  readonly depth: Space
}
export type UncutSide = Omit<Side, "cut">

/** undefined: of a kind that cannot be cut. */
export function panelSides(cx: Contraction): PanelSides | undefined {
  if (cx.type !== "f32") return undefined
  const found = {
    row: windowsOf(cx, "row"),
    column: windowsOf(cx, "column"),
  }
  const slides = found.row.length + found.column.length > 0
  const depth = slides ? axesSpace(cx.extents) : flatSpace(cx.extents)
  if (depth.extents.slice(1).some((d) => !isStatic(d)) || depth.extents.length === 0) return undefined
  const sideOf = (which: "row" | "column"): UncutSide => {
    const axes = which === "row" ? cx.rows : cx.columns
    const windows = found[which].map((w) => ({ ...w, depth: positionOf(cx.extents, w.depth) }))
    const space = windows.length > 0 ? axesSpace(axes.shape) : flatSpace(axes.shape)
    const direct = windows.length === 0 && space.extents.length > 0 && liesDirect(cx, { which, space }, depth)
    return { which, axes, windows, space, direct }
  }
  const [row, column] = [sideOf("row"), sideOf("column")]
  if (row.space.extents.length === 0 || column.space.extents.length === 0) return undefined
  return { cx, row, column, depth }
}

/** The panels of a plan. */
export function panelsFor(cx: Contraction, plan: PanelsPlan): Panels {
  const sides = panelSides(cx) ?? bug("a contraction that cannot be cut has no panels")
  const [wide, tall] = plan.wide === "row" ? [sides.row, sides.column] : [sides.column, sides.row]
  return {
    cx,
    wide: { ...wide, cut: cutOf(wide, plan.wideAt, plan.wideChunk) },
    tall: { ...tall, cut: cutOf(tall, plan.tallAt, plan.tallChunk) },
    depth: sides.depth,
    block: plan.depth,
  }
}
function cutOf({ space }: UncutSide, at: number, chunk: number): SideCut {
  const inside = space.extents
    .slice(at + 1)
    .map((d) => (isStatic(d) ? d : bug("an item is of constant size")))
  return { at, chunk, local: [chunk, ...inside] }
}

const flatSpace = (shape: Shape): Space => {
  const count = numel(shape)
  return count === 1
    ? { extents: [], real: (k) => shape.map(() => k.int(0)) }
    : { extents: [count], real: (k, [at]) => unravel(k, at!, shape) }
}
const axesSpace = (shape: Shape): Space => ({
  extents: shape.filter((d) => d !== 1),
  real: (k, at) => shape.map((d, n) => (d === 1 ? k.int(0) : at[positionOf(shape, n)]!)),
})
/** The index of an axis among those longer than 1. */
const positionOf = (shape: Shape, axis: number): number => shape.slice(0, axis).filter((d) => d !== 1).length

/** Whether indices next to each other along the last axis are so in memory too: not where windows move in larger steps. */
export const liesTogether = (side: UncutSide): boolean =>
  side.windows.every((w) => w.side !== side.space.extents.length - 1 || w.a === 1)
export const suitsVectors = (side: UncutSide): boolean =>
  nominal(side.space.extents.at(-1)!) >= LANES - 1 && liesTogether(side)
/** The value of the operand where the axes of its side and of the depth have these indices. */
export function valueAt(
  { cx, depth }: Pick<Panels, "cx" | "depth">,
  side: Pick<Side, "which" | "space">,
  at: readonly Expr[],
  inner: readonly Expr[],
  batch: Expr,
): Expr {
  const { k } = cx.b
  const own = side.space.real(k, at)
  const zeros = (n: number): Expr[] => Array.from({ length: n }, () => k.int(0))
  const index =
    side.which === "row"
      ? indexAt(cx, own, zeros(cx.columns.axes.length), batch)
      : indexAt(cx, zeros(cx.rows.axes.length), own, batch)
  return operand(cx, side.which, index, depth.real(k, inner))
}

/** Whether the operand is one load, whose index moves by constants along the depth and by one along its last axis. */
function liesDirect(cx: Contraction, side: Pick<Side, "which" | "space">, depth: Space): boolean {
  const b = cx.b.fork()
  const row = b.variable("row", side.space.extents[0])
  const inner = depth.extents.map((d) => b.variable("d", d))
  const e = valueAt({ cx: { ...cx, b }, depth }, side, [row], inner, b.variable("batch"))
  if (e.kind !== "load") return false
  const { terms } = b.k.form(e.index)
  const coefOf = (v: Expr): Dim | undefined => terms.find((t) => t.atom === v)?.coef
  const plain = inner.every((v) => {
    const coef = coefOf(v)
    const inside = terms.some((t) => t.atom !== v && b.k.namesIn(t.atom).has(v.name))
    return coef !== undefined && isStatic(coef) && !inside
  })
  return plain && coefOf(inner.at(-1)!) === 1
}

/** Wider steps than these are no windows but indices of a tensor laid out flat. */
const WIDEST = 8

function windowsOf(cx: Contraction, which: "row" | "column"): Window[] {
  const { k } = cx.b
  const axes = which === "row" ? cx.rows : cx.columns
  const longAxes = (shape: Shape): number => shape.filter((d) => d !== 1).length
  if (longAxes(axes.shape) + longAxes(cx.extents) < 3) return []
  const side = axes.shape.map((_, n) => k.ref(`side ${n}`, "i32"))
  const inner = cx.extents.map((d, n) => (d === 1 ? k.int(0) : k.ref(`depth ${n}`, "i32")))
  const batch = k.ref("batch", "i32")
  const value = (s: readonly Expr[], r: readonly Expr[]): Expr => {
    const zeros = (a: Axes): Expr[] => a.shape.map(() => k.int(0))
    const index =
      which === "row" ? indexAt(cx, s, zeros(cx.columns), batch) : indexAt(cx, zeros(cx.rows), s, batch)
    return operand(cx, which, index, r)
  }
  const whole = value(side, inner)
  const out: Window[] = []
  for (const [i, s] of side.entries()) {
    for (const [j, r] of inner.entries()) {
      const [taps, windows] = [cx.extents[j]!, axes.shape[i]!]
      if (r.kind !== "ref" || !isStatic(taps) || !isStatic(windows)) continue
      if (out.some((w) => w.depth === j)) continue
      const steps = stepsIn(k, whole, s, r)
      if (steps === undefined) continue
      const { a, b } = steps
      // Windows that do not overlap are no fewer indices than pairs.
      if (Math.abs(b) > WIDEST || (a !== 1 && (b !== 1 || a >= taps))) continue
      const moved = a === 1 ? k.add(s, k.mul(r, k.int(b))) : k.int(0)
      const tap = a === 1 ? k.int(0) : k.add(k.mul(s, k.int(a)), r)
      if (value(side.with(i, moved), inner.with(j, tap)) !== whole) continue
      out.push({ side: i, depth: j, a, b })
      break
    }
  }
  return out
}

/** The smallest steps in which `s` and `r` move an index together, by the first index in `e` that both move. */
function stepsIn(k: Exprs, e: Expr, s: Expr, r: Expr): { a: number; b: number } | undefined {
  const seen = new Set<Expr>()
  const find = (x: Expr): { a: number; b: number } | undefined => {
    if (seen.has(x)) return undefined
    seen.add(x)
    if (x.kind === "op" && x.type === "i32" && x.width === 1) {
      const { terms } = k.form(x)
      const [a, b] = [s, r].map((v) => terms.find((t) => t.atom === v)?.coef)
      if (a !== undefined && b !== undefined && isStatic(a) && isStatic(b)) {
        const by = gcd(Math.abs(a), Math.abs(b)) * Math.sign(a)
        return { a: a / by, b: b / by }
      }
    }
    for (const part of childrenOf(x)) {
      const found = find(part)
      if (found !== undefined) return found
    }
    return undefined
  }
  return find(e)
}
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
