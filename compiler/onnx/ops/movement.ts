/** onnx/ops: constants, and the same elements at other indices. */
import type { OpName } from "../../ir/op-name.js"
import { dimAttr, dimsAttr, dtypeAttr, floatAttr, intAttr, intsAttr } from "../../ops/attrs.js"
import { type Dim, type Shape, addDim, isStatic, mulDim, sameDim } from "../../ir/tensor.js"
import type { Term, Writer } from "../writer.js"
import type { Spelling } from "./spelling.js"

/** After the last place, and before the first when walking back. */
const END = 2 ** 53 - 1

const slice: Spelling = ({ args: [x], attrs, type, w }) => {
  const [starts, stops] = [dimsAttr(attrs, "starts"), dimsAttr(attrs, "stops")]
  const steps = intsAttr(attrs, "steps")
  const axes = [...x!.shape.keys()].filter(
    (a) => starts[a] !== 0 || steps[a] !== 1 || !sameDim(stops[a]!, x!.shape[a]!),
  )
  if (axes.length === 0) return x!
  const upTo = axes.map((a) => (sameDim(stops[a]!, x!.shape[a]!) && !isStatic(stops[a]!) ? END : stops[a]!))
  const from = axes.map((a) => starts[a]!)
  return w.node(
    "Slice",
    [x!, w.shapeOf(from), w.shapeOf(upTo), w.list(axes), w.list(axes.map((a) => steps[a]!))],
    { shape: type.shape },
  )
}

/** Zeros between elements: each gets a row of its own with places behind it, and the last has none. */
function spread(w: Writer, x: Term, interior: readonly number[], value: Term): Term {
  return interior.reduce((y, width, axis) => {
    if (width === 0) return y
    const size = y.shape[axis]!
    const [before, after] = [y.shape.slice(0, axis), y.shape.slice(axis + 1)]
    const apart = w.reshape(y, [...before, size, 1, ...after])
    const high = apart.shape.map((_, a) => (a === axis + 1 ? width : 0))
    const wide = padded(
      w,
      apart,
      apart.shape.map(() => 0),
      high,
      value,
    )
    const long = w.reshape(wide, [...before, mulDim(size, width + 1), ...after])
    const cut: Shape = [...before, addDim(mulDim(size, width + 1), -width), ...after]
    const inputs = [long, w.list([0]), w.list([-width]), w.list([axis])]
    return w.node("Slice", inputs, { shape: cut })
  }, x)
}

function padded(w: Writer, x: Term, low: readonly Dim[], high: readonly Dim[], value: Term): Term {
  const shape = x.shape.map((d, a) => addDim(addDim(d, low[a]!), high[a]!))
  return w.node("Pad", [x, w.shapeOf([...low, ...high]), value], { shape })
}

const pad: Spelling = ({ args: [x], attrs, w }) => {
  const value = w.scalar(floatAttr(attrs, "value"), x!.dtype)
  const apart = spread(w, x!, intsAttr(attrs, "interior"), value)
  const [low, high] = [dimsAttr(attrs, "low"), dimsAttr(attrs, "high")]
  return [...low, ...high].every((d) => d === 0) ? apart : padded(w, apart, low, high, value)
}

export const MOVEMENT = {
  constant: ({ attrs, w }) => w.scalar(floatAttr(attrs, "value"), dtypeAttr(attrs, "dtype")!),
  iota: ({ attrs, w }) =>
    w.iota(dimsAttr(attrs, "shape"), intAttr(attrs, "axis"), dtypeAttr(attrs, "dtype")!),
  size: ({ attrs, w }) => w.cast(w.reshape(w.dim(dimAttr(attrs, "dim")), []), dtypeAttr(attrs, "dtype")!),
  broadcast: ({ args: [x], attrs }) => ({ ...x!, shape: dimsAttr(attrs, "shape") }),
  reshape: ({ args: [x], attrs, w }) => w.reshape(x!, dimsAttr(attrs, "shape")),
  transpose: ({ args: [x], attrs, w }) => w.transpose(x!, intsAttr(attrs, "perm")),
  flip: ({ args: [x], attrs, w }) => {
    const axes = intsAttr(attrs, "axes")
    if (axes.length === 0) return x!
    const all = (value: number): Term => w.list(axes.map(() => value))
    return w.node("Slice", [x!, all(-1), all(-END), w.list(axes), all(-1)], { shape: x!.shape })
  },
  slice,
  pad,
  concat: ({ args, attrs, type, w }) =>
    args.length === 1
      ? args[0]!
      : w.node("Concat", args, { shape: type.shape }, { axis: intAttr(attrs, "axis") }),
  below: ({ args: [x] }) => x!,
  after: ({ args: [x] }) => x!,
} satisfies Partial<Record<OpName, Spelling>>
