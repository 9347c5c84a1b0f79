/** onnx/ops: products, convolutions, and windows that slide over the last axes.
 *  ONNX slides over (N, C, s...) only: axes in front of the windows are put together to N, with one channel. */
import type { OpName } from "../../ir/op-name.js"
import type { Attrs } from "../../ir/graph/types.js"
import { type Shape, isStatic, numel } from "../../ir/tensor.js"
import { intAttr, intsAttr } from "../../ops/attrs.js"
import { slidingAxes, windowCount } from "../../ops/sliding.js"
import { bug } from "../../source/bug.js"
import type { Attributes, Term, Writer } from "../writer.js"
import { type Spelling, Unspeakable } from "./spelling.js"
import { clamped, zeros } from "./gather.js"

const sizesOf = (shape: Shape, from: number): number[] =>
  shape.slice(from).map((d) => (isStatic(d) ? d : bug("a symbolic size under a window")))

/** The attributes of a convolution or pooling over windows of these sizes. */
function sliding(attrs: Attrs, window: readonly number[]): Record<string, readonly number[]> {
  return {
    kernel_shape: window,
    strides: intsAttr(attrs, "strides"),
    dilations: intsAttr(attrs, "dilation"),
    pads: [...intsAttr(attrs, "padding_low"), ...intsAttr(attrs, "padding_high")],
  }
}

/** How many places behind the last window no window reaches. */
const leftOver = (attrs: Attrs, input: readonly number[], window: readonly number[]): number[] =>
  slidingAxes(attrs).map((s, a) => {
    const reach = (windowCount(input[a]!, window[a]!, s) - 1) * s.stride + (window[a]! - 1) * s.dilation + 1
    return input[a]! + s.low + s.high - reach
  })

/** A convolution of x with the weight and, where there is one, a bias. */
export function convolution(w: Writer, args: readonly Term[], attrs: Attrs, shape: Shape): Term {
  const all = { ...sliding(attrs, sizesOf(args[1]!.shape, 2)), group: intAttr(attrs, "groups") }
  return w.node("Conv", args, { shape }, all)
}
export function transposedConvolution(
  w: Writer,
  args: readonly Term[],
  attrs: Attrs,
  group: number,
  shape: Shape,
): Term {
  const window = sizesOf(args[1]!.shape, 2)
  const output_padding = leftOver(attrs, sizesOf(shape, 2), window)
  const all: Attributes = { ...sliding(attrs, window), output_padding, group }
  return w.node("ConvTranspose", args, { shape }, all)
}

/** x as (N, 1, s...), with n axes of windows. */
const framed = (w: Writer, x: Term, n: number): Term =>
  w.reshape(x, [numel(x.shape.slice(0, -n)), 1, ...x.shape.slice(-n)])
const counting = (w: Writer, x: Term, window: readonly number[]): Term =>
  w.whole(w.full(1, x.dtype, [1, 1, ...window]))

const windowSum: Spelling = ({ args: [x], attrs, type, w }) => {
  const window = intsAttr(attrs, "window")
  const n = window.length
  const rows = framed(w, x!, n)
  const shape = [rows.shape[0]!, 1, ...type.shape.slice(-n)]
  const sums = w.node("Conv", [rows, counting(w, x!, window)], { shape }, sliding(attrs, window))
  return w.reshape(sums, type.shape)
}

const windowSumGrad: Spelling = ({ args: [dy], attrs, type, w }) => {
  const window = intsAttr(attrs, "window")
  const n = window.length
  const rows = framed(w, dy!, n)
  const shape = [rows.shape[0]!, 1, ...type.shape.slice(-n)]
  const back = transposedConvolution(w, [rows, counting(w, dy!, window)], attrs, 1, shape)
  return w.reshape(back, type.shape)
}

/** The maxima and their places, both (N, C, s'...). A place counts all elements of (N, C, s...). */
function maxima(w: Writer, x: Term, attrs: Attrs, type: Shape): { values: Term; places: string } {
  const window = intsAttr(attrs, "window")
  const n = window.length
  const rows = x.shape.length === n + 2 ? x : framed(w, x, n)
  const shape = [...rows.shape.slice(0, 2), ...type.slice(-n)]
  const all = sliding(attrs, window)
  // Pooling takes less padding than a window is wide.
  const wide = all["pads"]!.some((width, a) => width >= window[a % n]!)
  const around = wide ? outside(w, rows, all["pads"]!) : rows
  const pads = wide ? window.flatMap(() => [0, 0]) : all["pads"]!
  const [values, places] = w.emit("MaxPool", [w.whole(around).name], { ...all, pads }, wide ? 1 : 2)
  return { values: { ...rows, name: values!, shape, held: shape }, places: places ?? "" }
}
function outside(w: Writer, x: Term, pads: readonly number[]): Term {
  const n = pads.length / 2
  const all = [0, 0, ...pads.slice(0, n), 0, 0, ...pads.slice(n)]
  const shape = x.shape.map((d, a) => (isStatic(d) && a > 1 ? d + pads[a - 2]! + pads[a - 2 + n]! : d))
  return w.node("Pad", [x, w.list(all), w.cast(w.scalar(-Infinity, "f32"), x.dtype)], { shape })
}

const windowArgmax: Spelling = ({ args: [x], attrs, type, w }) => {
  const { values, places } = maxima(w, x!, attrs, type.shape)
  if (places === "") throw new Unspeakable("ONNX finds no places of maxima in padding as wide as the window")
  const count = sizesOf(x!.shape, x!.shape.length - intsAttr(attrs, "window").length).reduce((a, b) => a * b)
  const flat: Term = { ...values, name: places, dtype: "i64" }
  const own = w.pointwise("Mod", [flat, w.scalar(count, "i64")])
  return w.reshape(w.cast(own, "i32"), type.shape)
}

/** The last n axes as one. */
const flattened = (w: Writer, x: Term, n: number): Term =>
  w.reshape(x, [...x.shape.slice(0, -n), numel(x.shape.slice(-n))])

export const CONTRACTIONS = {
  matmul: ({ args, type, w }) => w.node("MatMul", args, { shape: type.shape }),
  conv: ({ args, attrs, type, w }) => convolution(w, args, attrs, type.shape),
  conv_input_grad: ({ args, attrs, type, w }) =>
    transposedConvolution(w, args, attrs, intAttr(attrs, "groups"), type.shape),
  conv_weight_grad: {
    none: "the gradient of a convolution by its weights belongs to training, and ONNX has no operator for it",
  },
  window_sum: windowSum,
  window_sum_grad: windowSumGrad,
  window_max: ({ args: [x], attrs, type, w }) =>
    w.reshape(maxima(w, x!, attrs, type.shape).values, type.shape),
  window_argmax: windowArgmax,
  window_take: ({ args: [x, index], attrs, type, w }) => {
    const n = intsAttr(attrs, "window").length
    const [from, at] = [flattened(w, x!, n), flattened(w, index!, n)]
    const places = clamped(w, at, from.shape.at(-1)!)
    return w.reshape(
      w.node("GatherElements", [from, places], { shape: at.shape }, { axis: at.shape.length - 1 }),
      type.shape,
    )
  },
  window_put: ({ args: [dy, index], attrs, type, w }) => {
    const n = intsAttr(attrs, "window").length
    const [from, at] = [flattened(w, dy!, n), flattened(w, index!, n)]
    const count = numel(type.shape.slice(-n))
    const shape = [...type.shape.slice(0, -n), count]
    const put = w.node(
      "ScatterElements",
      [zeros(w, dy!, shape), clamped(w, at, count), from],
      { shape },
      { axis: shape.length - 1, reduction: "add" },
    )
    return w.reshape(put, type.shape)
  },
} satisfies Partial<Record<OpName, Spelling>>
