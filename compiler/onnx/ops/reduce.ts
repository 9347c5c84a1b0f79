/** onnx/ops: sums and extremes over axes, and operations that depend on the order along an axis. */
import type { OpName } from "../../ir/op-name.js"
import { boolAttr, intAttr, intsAttr } from "../../ops/attrs.js"
import type { Term, Writer } from "../writer.js"
import { zeros } from "./gather.js"
import { type Spelling, widely } from "./spelling.js"

const reduction = (op: string): Spelling =>
  widely(({ args: [x], attrs, w }) => {
    const axes = intsAttr(attrs, "axes")
    // Without axes ONNX reduces all of them.
    return axes.length === 0 ? x! : w.reduce(op, x!, axes, boolAttr(attrs, "keepdim"))
  })

const place =
  (op: string): Spelling =>
  ({ args: [x], attrs, type, w }) => {
    const wide = x!.dtype === "u32" ? w.cast(x!, "f64") : x!
    const found = w.node(
      op,
      [wide],
      { dtype: "i64", shape: type.shape },
      { axis: intAttr(attrs, "axis"), keepdims: Number(boolAttr(attrs, "keepdim")) },
    )
    return w.cast(found, "i32")
  }

/** The places of the elements along an axis, the smallest or the largest first; of equal ones the earlier comes first. */
function sorted(w: Writer, x: Term, axis: number, largest: boolean): Term {
  const wide = x.dtype === "u32" ? w.cast(x, "i64") : x
  const count = w.dim(x.shape[axis]!)
  const attrs = { axis, largest: Number(largest), sorted: 1 }
  const [, places] = w.emit("TopK", [w.whole(wide).name, count.name], attrs, 2)
  return { name: places!, dtype: "i64", shape: x.shape, held: x.shape }
}

/** Each place j put where element j says. */
function inverse(w: Writer, places: Term, axis: number): Term {
  const { shape } = places
  const inputs = [w.full(0, "i32", shape), places, w.iota(shape, axis, "i32")]
  return w.node("ScatterElements", inputs, { dtype: "i32", shape }, { axis, reduction: "add" })
}

/** For each element, whether element j of a new last axis counts in its walk. */
function reached(w: Writer, x: Term, axis: number, reverse: boolean, exclusive: boolean): Term {
  const shape = [...x.shape, x.shape[axis]!]
  const [own, other] = [w.iota(shape, axis, "i32"), w.iota(shape, x.shape.length, "i32")]
  const op = exclusive ? "Less" : "LessOrEqual"
  return w.pointwise(op, reverse ? [own, other] : [other, own], "bool")
}

/** A product over all that a walk reaches: ONNX has running sums only. */
const cumprod: Spelling = ({ args: [x], attrs, w }) => {
  const axis = intAttr(attrs, "axis")
  const rank = x!.shape.length
  const mask = reached(w, x!, axis, boolAttr(attrs, "reverse"), boolAttr(attrs, "exclusive"))
  const perm = [...x!.shape.keys()].filter((a) => a !== axis)
  const transposed = w.transpose(x!, [...perm, axis])
  const others = w.reshape(transposed, [...x!.shape.map((d, a) => (a === axis ? 1 : d)), x!.shape[axis]!])
  const kept = w.pointwise("Where", [mask, others, w.scalar(1, x!.dtype)], x!.dtype)
  return w.reduce("ReduceProd", kept, [rank], false)
}

/** A loop along the axis: s = b + a * s. */
const recurrence: Spelling = ({ args: [a, b], attrs, w }) => {
  const axis = intAttr(attrs, "axis")
  const shape = b!.shape.filter((_, i) => i !== axis)
  const param = (name: string): Term => ({ name: w.shared.fresh(name), dtype: b!.dtype, shape, held: shape })
  const [s, ai, bi] = [param("s"), param("a"), param("b")]
  const body = w.region([s, ai, bi], (inner) => {
    const next = inner.pointwise("Add", [bi, inner.pointwise("Mul", [ai, s])])
    return [next, next]
  })
  const first = zeros(w, b!, shape)
  const back = Number(boolAttr(attrs, "reverse"))
  const [, all] = w.emit(
    "Scan",
    [first.name, w.whole(a!).name, w.whole(b!).name],
    {
      body,
      num_scan_inputs: 2,
      scan_input_axes: [axis, axis],
      scan_output_axes: [axis],
      scan_input_directions: [back, back],
      scan_output_directions: [back],
    },
    2,
  )
  return { name: all!, dtype: b!.dtype, shape: b!.shape, held: b!.shape }
}

export const REDUCTIONS = {
  sum: reduction("ReduceSum"),
  prod: reduction("ReduceProd"),
  max: reduction("ReduceMax"),
  min: reduction("ReduceMin"),
  argmax: place("ArgMax"),
  argmin: place("ArgMin"),
  // Where each place stands in the order.
  rank: ({ args: [x], attrs, w }) => {
    const axis = intAttr(attrs, "axis")
    return inverse(w, sorted(w, x!, axis, boolAttr(attrs, "descending")), axis)
  },
  unrank: ({ args: [x], attrs, w }) => inverse(w, x!, intAttr(attrs, "axis")),
  cumsum: widely(({ args: [x], attrs, w }) =>
    w.node(
      "CumSum",
      [x!, w.scalar(intAttr(attrs, "axis"), "i64")],
      { shape: x!.shape },
      { reverse: Number(boolAttr(attrs, "reverse")), exclusive: Number(boolAttr(attrs, "exclusive")) },
    ),
  ),
  cumprod,
  recurrence,
} satisfies Partial<Record<OpName, Spelling>>
