/** onnx/ops: reads and sums at indices that are found in data. */
import type { OpName } from "../../ir/op-name.js"
import { type Dim, type Shape, isStatic, numel, subDim } from "../../ir/tensor.js"
import { dimAttr, intAttr } from "../../ops/attrs.js"
import type { Term, Writer } from "../writer.js"
import type { Spelling } from "./spelling.js"

/** Clamps an index that the program computes to its axis. Indices that are fed stay as they are, so that a runtime refuses
 *  those that lie outside. */
export function clamped(w: Writer, index: Term, size: Dim): Term {
  if (index.fed) return index
  const last = isStatic(size)
    ? w.scalar(size - 1, "i32")
    : w.cast(w.reshape(w.dim(subDim(size, 1)), []), "i32")
  return w.pointwise("Clip", [index, w.scalar(0, "i32"), last])
}

export const zeros = (w: Writer, like: Term, shape: Shape): Term => w.whole(w.full(0, like.dtype, shape))

const putAdd: Spelling = ({ args: [dy, index], attrs, type, w }) => {
  const axis = intAttr(attrs, "axis")
  const size = dimAttr(attrs, "size")
  const count = numel(index!.shape)
  const [before, after] = [
    numel(dy!.shape.slice(0, axis)),
    numel(dy!.shape.slice(axis + index!.shape.length)),
  ]
  const rows = w.reshape(dy!, [before, count, after])
  const places = w.reshape(clamped(w, index!, size), [1, count, 1])
  const everywhere: Term = { ...places, shape: rows.shape }
  const shape = [before, size, after]
  const put = w.node(
    "ScatterElements",
    [zeros(w, dy!, shape), everywhere, rows],
    { shape },
    { axis: 1, reduction: "add" },
  )
  return w.reshape(put, type.shape)
}

export const GATHERS = {
  take: ({ args: [x, index], attrs, type, w }) => {
    const axis = intAttr(attrs, "axis")
    const places = clamped(w, index!, x!.shape[axis]!)
    return w.node("Gather", [x!, places], { shape: type.shape }, { axis })
  },
  put_add: putAdd,
  take_along: ({ args: [x, index], attrs, type, w }) => {
    const axis = intAttr(attrs, "axis")
    const places = clamped(w, index!, x!.shape[axis]!)
    return w.node("GatherElements", [x!, places], { shape: type.shape }, { axis })
  },
  put_along: ({ args: [dy, index], attrs, type, w }) => {
    const axis = intAttr(attrs, "axis")
    const places = clamped(w, index!, type.shape[axis]!)
    return w.node(
      "ScatterElements",
      [zeros(w, dy!, type.shape), places, dy!],
      { shape: type.shape },
      { axis, reduction: "add" },
    )
  },
} satisfies Partial<Record<OpName, Spelling>>
