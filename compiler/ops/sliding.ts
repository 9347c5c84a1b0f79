/** ops: the geometry of windows that slide over spatial axes, shared by convolution and pooling.
 *  Tap `t` of window `o` lies at position o * stride + t * dilation - padding_low along its axis. Going the other way, the window
 *  that sees position `i` with tap `t` is (i + padding_low - t * dilation) / stride, if that is a whole number in range.
 *  Not here: the computation on the elements (contract.ts, window.ts). */
import type { Attrs } from "../ir/graph/types.js"
import type { Expr } from "../ir/kernels/types.js"
import { intsAttr } from "./attrs.js"
import { indices } from "./ndarray.js"
import type { AttrSpec, ExprBuilder } from "./op.js"

/** One spatial axis. */
export interface Sliding {
  readonly stride: number
  readonly low: number
  readonly high: number
  readonly dilation: number
}

/** Attributes of every sliding op. */
export const SLIDING_ATTRS = {
  strides: { doc: "step between windows, per spatial axis", kind: "ints" },
  padding_low: { doc: "indices outside before the first element, per spatial axis", kind: "ints" },
  padding_high: { doc: "indices outside after the last element, per spatial axis", kind: "ints" },
  dilation: { doc: "step between taps of a window, per spatial axis", kind: "ints" },
} as const satisfies Record<string, AttrSpec>

/** Only these attributes, to hand on to another sliding op. */
export const slidingAttrs = (attrs: Attrs): Attrs =>
  Object.fromEntries(Object.keys(SLIDING_ATTRS).map((name) => [name, intsAttr(attrs, name)]))

export function slidingAxes(attrs: Attrs): Sliding[] {
  const low = intsAttr(attrs, "padding_low")
  const high = intsAttr(attrs, "padding_high")
  const dilation = intsAttr(attrs, "dilation")
  return intsAttr(attrs, "strides").map((stride, axis) => ({
    stride,
    low: low[axis]!,
    high: high[axis]!,
    dilation: dilation[axis]!,
  }))
}

/** Whether every attribute has one value for each of `axes` axes, in its range. */
export function slidingAttrsFit(attrs: Attrs, axes: number): boolean {
  const atLeast = { strides: 1, padding_low: 0, padding_high: 0, dilation: 1 }
  return Object.entries(atLeast).every(([name, least]) => {
    const values = intsAttr(attrs, name)
    return values.length === axes && values.every((v) => v >= least)
  })
}
export const printSliding = (attrs: Attrs): string =>
  Object.keys(SLIDING_ATTRS)
    .map((name) => `${name} [${intsAttr(attrs, name).join(", ")}]`)
    .join(", ")

/** How many windows of `taps` taps fit along an axis of `size` elements; below 1 where not even one does. */
export const windowCount = (size: number, taps: number, s: Sliding): number =>
  Math.floor((size + s.low + s.high - (taps - 1) * s.dilation - 1) / s.stride) + 1

/** Every (window, tap, position) along all spatial axes together, positions inside only, as the interpreter walks over them. */
export function* taps(
  sizes: readonly number[],
  window: readonly number[],
  axes: readonly Sliding[],
): Generator<{ out: readonly number[]; tap: readonly number[]; position: readonly number[] }> {
  const counts = axes.map((s, a) => windowCount(sizes[a]!, window[a]!, s))
  for (const out of indices(counts))
    for (const tap of indices(window)) {
      const position = axes.map((s, a) => out[a]! * s.stride + tap[a]! * s.dilation - s.low)
      if (position.every((p, a) => p >= 0 && p < sizes[a]!)) yield { out, tap, position }
    }
}

/** Where an expression stands along each spatial axis, and the conditions under which that is inside. */
export interface Position {
  readonly index: readonly Expr[]
  readonly inside: readonly Expr[]
}

/** The position that tap `tap` of window `out` sees. */
export function seen(
  k: ExprBuilder,
  axes: readonly Sliding[],
  sizes: readonly number[],
  window: readonly number[],
  out: readonly Expr[],
  tap: readonly Expr[],
): Position {
  const inside: Expr[] = []
  const index = axes.map((s, a) => {
    const forward = k.add(k.mul(out[a]!, k.int(s.stride)), k.mul(tap[a]!, k.int(s.dilation)))
    const at = k.sub(forward, k.int(s.low))
    const last =
      (windowCount(sizes[a]!, window[a]!, s) - 1) * s.stride + (window[a]! - 1) * s.dilation - s.low
    if (s.low > 0) inside.push(k.op("ge", at, k.int(0)))
    if (last >= sizes[a]!) inside.push(k.op("lt", at, k.int(sizes[a]!)))
    return at
  })
  return { index, inside }
}

/** The window that sees `position` with tap `tap`. */
export function seer(
  k: ExprBuilder,
  axes: readonly Sliding[],
  sizes: readonly number[],
  window: readonly number[],
  position: readonly Expr[],
  tap: readonly Expr[],
): Position {
  const inside: Expr[] = []
  const index = axes.map((s, a) => {
    const count = windowCount(sizes[a]!, window[a]!, s)
    const ahead = k.sub(k.add(position[a]!, k.int(s.low)), k.mul(tap[a]!, k.int(s.dilation)))
    if (s.low < (window[a]! - 1) * s.dilation) inside.push(k.op("ge", ahead, k.int(0)))
    if (sizes[a]! - 1 + s.low >= count * s.stride) inside.push(k.op("lt", ahead, k.int(count * s.stride)))
    if (s.stride === 1) return ahead
    inside.push(k.op("eq", k.rem(ahead, k.int(s.stride)), k.int(0)))
    return k.div(ahead, k.int(s.stride))
  })
  return { index, inside }
}

/** How many windows see one position, at most. */
export const seers = (taps: number, s: Sliding): number =>
  s.dilation === 1 ? Math.ceil(taps / s.stride) : taps

/** The window that sees `position` with tap `visit`; without dilation the one `visit` before the last that sees it, so that no visit
 *  is spent on taps which fall between windows. */
export function coverer(
  k: ExprBuilder,
  axes: readonly Sliding[],
  sizes: readonly number[],
  window: readonly number[],
  position: readonly Expr[],
  visit: readonly Expr[],
): Position {
  const along = axes.map((s, a): Position => {
    const taps = window[a]!
    const size = sizes[a]!
    if (s.dilation !== 1 || s.stride === 1) return seer(k, [s], [size], [taps], [position[a]!], [visit[a]!])
    const inside: Expr[] = []
    const from = k.add(position[a]!, k.int(s.low))
    const index = k.sub(k.div(from, k.int(s.stride)), visit[a]!)
    const tap = k.add(k.rem(from, k.int(s.stride)), k.mul(visit[a]!, k.int(s.stride)))
    const count = windowCount(size, taps, s)
    if (taps % s.stride !== 0) inside.push(k.op("lt", tap, k.int(taps)))
    if (Math.floor(s.low / s.stride) < seers(taps, s) - 1) inside.push(k.op("ge", index, k.int(0)))
    if (Math.floor((size - 1 + s.low) / s.stride) >= count) inside.push(k.op("lt", index, k.int(count)))
    return { index: [index], inside }
  })
  return { index: along.flatMap((x) => x.index), inside: along.flatMap((x) => x.inside) }
}

/** `value` where all of `inside` holds, else `otherwise`. */
export const guarded = (k: ExprBuilder, at: Position, value: Expr, otherwise: Expr): Expr =>
  at.inside.length === 0 ? value : k.guard(k.and(...at.inside), value, otherwise)
