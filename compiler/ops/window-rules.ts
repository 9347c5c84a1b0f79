/** ops: attributes, constraints and positions of windows, which the pooling ops share.
 *  Not here: the ops (window.ts); the geometry of one axis, which convolution uses too (sliding.ts). */
import type { Attrs } from "../ir/graph/types.js"
import type { Expr } from "../ir/kernels/types.js"
import { type Dim, type Shape, type TensorType, isStatic, printShape, printType } from "../ir/tensor.js"
import { sameShape, tensorType } from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import { intsAttr } from "./attrs.js"
import { count, unravel } from "./ndarray.js"
import type { AttrSpec, ExprBuilder, InferContext, LowerContext, Sample } from "./op.js"
import { SLIDING_ATTRS, type Position, coverer, printSliding, seen, seers } from "./sliding.js"
import { slidingAttrs, slidingAttrsFit, slidingAxes, taps, windowCount } from "./sliding.js"
import { SMALLER_WINDOW, TO_FLOAT, countOf, dependsOnBatch, windowTooLarge } from "./wording.js"

export const WINDOW_ATTRS = {
  window: { doc: "taps of the window along each of the last axes", kind: "ints" },
  ...SLIDING_ATTRS,
} as const satisfies Record<string, AttrSpec>
export const INPUT_SIZE = {
  doc: "sizes of the last axes of the result",
  kind: "ints",
} as const satisfies AttrSpec

export const CONSTRAINTS = {
  c1: "x is f32 or f16",
  c2: "the window has 1 to 3 axes, no more than x, and their sizes do not depend on the batch size",
  c3: "window, strides and dilation (at least 1) and padding (at least 0) have one value per axis of the window",
  c4: "the window fits into the padded axes",
}
export const COVERED = { c5: "every window covers at least one element" }
export const AGREE = { c5: "dy has the sizes that sliding the window over input_size gives" }

export const windowAttrs = (attrs: Attrs): Attrs => ({
  window: intsAttr(attrs, "window"),
  ...slidingAttrs(attrs),
})
export const backAttrs = (attrs: Attrs, x: Shape): Attrs => ({
  ...windowAttrs(attrs),
  input_size: spatial(x, intsAttr(attrs, "window").length),
})

/** Sizes of the last n axes. */
export const spatial = (shape: Shape, n: number): number[] =>
  shape.slice(-n).map((d) => (isStatic(d) ? d : bug(`a symbolic size in ${printShape(shape)}`)))

export const flat = (k: ExprBuilder, index: readonly Expr[], sizes: readonly number[]): Expr =>
  index.reduce((sum, i, axis) => k.add(k.mul(sum, k.int(sizes[axis]!)), i), k.int(0))
export const clamp = (k: ExprBuilder, i: Expr, size: number): Expr =>
  k.op("max", k.op("min", i, k.int(size - 1)), k.int(0))

/** The position that the window at the output's index sees with `tap`. */
export function tapPosition(cx: LowerContext, tap: readonly Expr[]): Position {
  const window = intsAttr(cx.attrs, "window")
  const lead = cx.index.slice(0, -window.length)
  const sizes = spatial(cx.argTypes[0]!.shape, window.length)
  const at = seen(cx.k, slidingAxes(cx.attrs), sizes, window, cx.index.slice(-window.length), tap)
  return { ...at, index: [...lead, ...at.index] }
}
/** How many windows see an element, at most, along each axis. */
export const seerExtents = (attrs: Attrs): number[] => {
  const window = intsAttr(attrs, "window")
  return slidingAxes(attrs).map((s, axis) => seers(window[axis]!, s))
}
/** The window that sees the output's index, of as many as may, for ops whose result has the sizes slid over. */
export function coveringPosition(cx: LowerContext, visit: readonly Expr[]): Position {
  const window = intsAttr(cx.attrs, "window")
  const lead = cx.index.slice(0, -window.length)
  const sizes = spatial(cx.type.shape, window.length)
  const at = coverer(cx.k, slidingAxes(cx.attrs), sizes, window, cx.index.slice(-window.length), visit)
  return { ...at, index: [...lead, ...at.index] }
}

/** Every (window, position) pair with full indices, taps in row-major order. */
export function* windows(
  x: readonly number[],
  attrs: Attrs,
): Generator<{ out: readonly number[]; position: readonly number[] }> {
  const window = intsAttr(attrs, "window")
  const leading = x.slice(0, -window.length)
  for (const t of taps(x.slice(-window.length), window, slidingAxes(attrs)))
    for (let i = 0; i < count(leading); i++) {
      const lead = unravel(leading, i)
      yield { out: [...lead, ...t.out], position: [...lead, ...t.position] }
    }
}

export function slide(x: TensorType, attrs: Attrs, at: InferContext): TensorType {
  const sizes = requireWindow(x, attrs, at)
  return tensorType(x.dtype, [...x.shape.slice(0, -sizes.length), ...requireCounts(sizes, attrs, at)])
}
export function slideBack(dy: TensorType, attrs: Attrs, at: InferContext): TensorType {
  const found = requireWindow(dy, attrs, at)
  const input = intsAttr(attrs, "input_size")
  at.require(
    "c5",
    input.length === found.length,
    () => `input_size has ${input.length} sizes, the window ${found.length} axes`,
  )
  const wanted = requireCounts(input, attrs, at)
  at.require(
    "c5",
    sameShape(found, wanted),
    () =>
      `dy has sizes ${printShape(found)}, and the window gives ${printShape(wanted)} over input_size ${printShape(input)}`,
  )
  return tensorType(dy.dtype, [...dy.shape.slice(0, -found.length), ...input])
}

/** The static sizes of the axes that the window covers. */
function requireWindow(x: TensorType, attrs: Attrs, at: InferContext): number[] {
  const window = intsAttr(attrs, "window")
  at.require("c1", x.dtype === "f32" || x.dtype === "f16", () => `the argument is ${printType(x)}`, {
    arg: 0,
    help: TO_FLOAT,
  })
  at.require(
    "c2",
    window.length >= 1 && window.length <= 3 && window.length <= x.shape.length,
    () => `a window of ${countOf(window.length, "axis", "axes")} on ${printType(x)}`,
  )
  at.require(
    "c3",
    window.every((taps) => taps >= 1) && slidingAttrsFit(attrs, window.length),
    () =>
      `window [${window.join(", ")}], ${printSliding(attrs)}, for ${countOf(window.length, "axis", "axes")}`,
  )
  return x.shape.slice(-window.length).map((d) => {
    at.require("c2", isStatic(d), () => `${dependsOnBatch(x.shape)}, along an axis of the window`, {
      arg: 0,
      help: "a window slides over the last axes; let the batch be the first",
    })
    return d
  })
}
function requireCounts(sizes: readonly number[], attrs: Attrs, at: InferContext): number[] {
  const window = intsAttr(attrs, "window")
  return slidingAxes(attrs).map((s, axis) => {
    const fits = windowCount(sizes[axis]!, window[axis]!, s)
    at.require("c4", fits >= 1, () => windowTooLarge(window[axis]!, sizes[axis]!, s), {
      help: SMALLER_WINDOW,
    })
    return fits
  })
}
export function requireCovered(x: Shape, attrs: Attrs, at: InferContext): void {
  const window = intsAttr(attrs, "window")
  const sizes = spatial(x, window.length)
  slidingAxes(attrs).forEach((s, axis) => {
    const size = sizes[axis]!
    for (let o = 0; o < windowCount(size, window[axis]!, s); o++) {
      const first = o * s.stride - s.low
      const some = Array.from({ length: window[axis]! }, (_, tap) => first + tap * s.dilation).some(
        (p) => p >= 0 && p < size,
      )
      at.require("c5", some, () => `window ${o} along axis ${axis} of the window sees padding only`, {
        help: "use less padding",
      })
    }
  })
}

export function sample(
  shapes: readonly (readonly Dim[])[],
  window: readonly number[],
  attrs: Attrs = {},
  indexRange?: readonly [number, number],
): Sample {
  const each = (value: number): number[] => window.map(() => value)
  const plain = { window, strides: each(1), padding_low: each(0), padding_high: each(0), dilation: each(1) }
  return {
    args: shapes.map((shape, i) => tensorType(i === 0 ? "f32" : "i32", shape)),
    attrs: { ...plain, ...attrs },
    ...(indexRange === undefined ? {} : { ranges: [undefined, indexRange] }),
  }
}
