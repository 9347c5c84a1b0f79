/** ops: reading at indices that stand in data, and the adjoints that add up there.
 *  The adjoints are written as gathers too: each output element asks every index whether it points here. That keeps the order of
 *  summation fixed, without atomics, which WGSL does not have for floats.
 *  Indices are clamped to the axis, in the interpreter as in kernels, so nothing outside is ever read; whether data holds valid
 *  indices is checked where data comes in. */
import {
  BATCH,
  DATA_ROWS,
  type Dim,
  type TensorType,
  evalShape,
  isFloat,
  printType,
  sameDim,
  sameShape,
} from "../ir/tensor.js"
import { subDim, tensorType } from "../ir/tensor.js"
import type { Expr } from "../ir/kernels/types.js"
import { dimAttr, intAttr } from "./attrs.js"
import { addAt, at as element, clampIndex, indices, ndarray, replaced, zeros } from "./ndarray.js"
import { type AttrSpec, type ExprBuilder, type InferContext, type OpDef, defineOp, zeroGrad } from "./op.js"
import { TO_INDEX, axesOf, requireAxis } from "./wording.js"

const AXIS = { doc: "the axis that index points along", kind: "int" } as const satisfies AttrSpec
const SIZE = { doc: "size of that axis in the result", kind: "dim" } as const satisfies AttrSpec

const below: OpDef = defineOp({
  name: "below",
  params: ["index"],
  attrs: {
    count: { doc: "how many indices there are", kind: "dim" },
    or: { doc: "one more value that is allowed; null: none", kind: "int", default: null },
  },
  doc: "index itself, declared to hold whole numbers from 0 to count - 1 (or the one value `or`): what data may hold that gets here unchanged.",
  traits: { kind: "view" },
  constraints: { c1: "index is i32" },
  infer: ([index], _attrs, at: InferContext) => {
    at.require("c1", index!.dtype === "i32", () => `index is ${printType(index!)}`, { arg: 0 })
    return index!
  },
  eval: ([index]) => index!,
  grad: zeroGrad,
  lower: { kind: "map", value: ({ args, index }) => args[0]!(index) },
  samples: [
    { args: [tensorType("i32", [BATCH, 3])], attrs: { count: 5 }, ranges: [[0, 5]] },
    { args: [tensorType("i32", [])], attrs: { count: BATCH, or: -100 }, ranges: [[0, 2]] },
  ],
  indexes: (_args, attrs) => ({
    arg: 0,
    count: dimAttr(attrs, "count"),
    or: attrs["or"] === null ? null : intAttr(attrs, "or"),
  }),
})

const take: OpDef = defineOp({
  name: "take",
  params: ["x", "index"],
  attrs: { axis: AXIS },
  doc: "The axis of x is replaced by all axes of index: [.., n, ..] and [i..] -> [.., i.., ..]. torch.index_select, embedding, rows of a data set.",
  traits: { kind: "gather" },
  constraints: { c1: "index is i32", c2: "axis is an axis of x" },
  infer: ([x, index], attrs, at: InferContext) => {
    const axis = intAttr(attrs, "axis")
    at.require("c1", index!.dtype === "i32", () => `index is ${printType(index!)}`, {
      arg: 1,
      help: TO_INDEX,
    })
    requireAxis("c2", x!, axis, at)
    return tensorType(x!.dtype, [...x!.shape.slice(0, axis), ...index!.shape, ...x!.shape.slice(axis + 1)])
  },
  eval: ([x, index], attrs, { type, dims }) => {
    const axis = intAttr(attrs, "axis")
    return ndarray(evalShape(type.shape, dims), (i) => {
      const at = i.slice(axis, axis + index!.shape.length)
      const row = clampIndex(element(index!, at), x!.shape[axis]!)
      return element(x!, [...i.slice(0, axis), row, ...i.slice(axis + index!.shape.length)])
    })
  },
  grad: ({ args: [x, index], dy, attrs }, g) => {
    const axis = intAttr(attrs, "axis")
    return [g.apply("put_add", [dy, index!], { axis, size: x!.type.shape[axis]! }), null]
  },
  lower: {
    kind: "map",
    value: ({ args, argTypes: [x, indices], attrs, index, k }) => {
      const axis = intAttr(attrs, "axis")
      const end = axis + indices!.shape.length
      const row = clamp(k, args[1]!(index.slice(axis, end)), x!.shape[axis]!)
      return args[0]!([...index.slice(0, axis), row, ...index.slice(end)])
    },
  },
  samples: [
    {
      args: [tensorType("f32", [5, 3]), tensorType("i32", [4])],
      attrs: { axis: 0 },
      ranges: [undefined, [0, 5]],
    },
    {
      args: [tensorType("f32", [DATA_ROWS, 3]), tensorType("i32", [BATCH])],
      attrs: { axis: 0 },
      ranges: [undefined, [0, 7]],
    },
    {
      args: [tensorType("f32", [2, 4, 3]), tensorType("i32", [BATCH, 2])],
      attrs: { axis: 1 },
      ranges: [undefined, [-2, 6]],
    },
    {
      args: [tensorType("f32", [2, 3]), tensorType("i32", [])],
      attrs: { axis: 1 },
      ranges: [undefined, [0, 3]],
    },
  ],
  indexes: ([x], attrs) => ({ arg: 1, count: x!.shape[intAttr(attrs, "axis")]!, or: null }),
})

const putAdd: OpDef = defineOp({
  name: "put_add",
  params: ["dy", "index"],
  attrs: { axis: AXIS, size: SIZE },
  doc: "The adjoint of take: [.., i.., ..] and [i..] -> [.., size, ..]: each row is the sum of the rows of dy whose index points to it. A matrix product with a one-hot matrix that is never stored.",
  traits: { kind: "contraction" },
  constraints: { c1: "index is i32", c2: "dy is f32 or f16, and its axes from axis on are those of index" },
  infer: ([dy, index], attrs, at: InferContext) => {
    const axis = intAttr(attrs, "axis")
    at.require("c1", index!.dtype === "i32", () => `index is ${printType(index!)}`, {
      arg: 1,
      help: TO_INDEX,
    })
    const end = axis + index!.shape.length
    at.require(
      "c2",
      isFloat(dy!.dtype) &&
        axis >= 0 &&
        end <= dy!.shape.length &&
        sameShape(dy!.shape.slice(axis, end), index!.shape),
      () => `dy is ${printType(dy!)}, index is ${printType(index!)}, at axis ${axis}`,
      { arg: 0 },
    )
    return tensorType(dy!.dtype, [
      ...dy!.shape.slice(0, axis),
      dimAttr(attrs, "size"),
      ...dy!.shape.slice(end),
    ])
  },
  eval: ([dy, index], attrs, { type, dims }) => {
    const axis = intAttr(attrs, "axis")
    const x = zeros(evalShape(type.shape, dims))
    for (const i of indices(dy!.shape)) {
      const end = axis + index!.shape.length
      const row = clampIndex(element(index!, i.slice(axis, end)), x.shape[axis]!)
      addAt(x, [...i.slice(0, axis), row, ...i.slice(end)], element(dy!, i))
    }
    return x
  },
  grad: ({ args: [, index], dy, attrs }, g) => [
    g.apply("take", [dy, index!], { axis: intAttr(attrs, "axis") }),
    null,
  ],
  lower: {
    kind: "contract",
    // A scalar index still is one index.
    extents: ([, index]) => (index!.shape.length === 0 ? [1] : index!.shape),
    left: ({ args, argTypes: [, indices], type, attrs, index, k }, r) => {
      const axis = intAttr(attrs, "axis")
      const row = clamp(k, args[1]!(r.slice(0, indices!.shape.length)), type.shape[axis]!)
      return k.select(k.op("eq", row, index[axis]!), k.constant(1, type.dtype), k.constant(0, type.dtype))
    },
    right: ({ args, argTypes: [, indices], attrs, index }, r) => {
      const axis = intAttr(attrs, "axis")
      return args[0]!([
        ...index.slice(0, axis),
        ...r.slice(0, indices!.shape.length),
        ...index.slice(axis + 1),
      ])
    },
  },
  samples: [
    {
      args: [tensorType("f32", [4, 3]), tensorType("i32", [4])],
      attrs: { axis: 0, size: 5 },
      ranges: [undefined, [0, 5]],
    },
    {
      args: [tensorType("f32", [BATCH, 2]), tensorType("i32", [BATCH])],
      attrs: { axis: 0, size: DATA_ROWS },
      ranges: [undefined, [0, 7]],
    },
    {
      args: [tensorType("f32", [2, BATCH, 2, 3]), tensorType("i32", [BATCH, 2])],
      attrs: { axis: 1, size: 4 },
      ranges: [undefined, [-2, 6]],
    },
    {
      args: [tensorType("f32", [2]), tensorType("i32", [])],
      attrs: { axis: 1, size: 3 },
      ranges: [undefined, [0, 3]],
    },
  ],
})

const takeAlong: OpDef = defineOp({
  name: "take_along",
  params: ["x", "index"],
  attrs: { axis: AXIS },
  doc: "out[.., j, ..] = x[.., index[.., j, ..], ..] along an axis, as torch.gather.",
  traits: { kind: "gather" },
  constraints: {
    c1: "index is i32",
    c2: "axis is an axis of x",
    c3: "x and index have the same sizes except along axis",
  },
  infer: ([x, index], attrs, at: InferContext) => {
    const axis = intAttr(attrs, "axis")
    at.require("c1", index!.dtype === "i32", () => `index is ${printType(index!)}`, {
      arg: 1,
      help: TO_INDEX,
    })
    requireAxis("c2", x!, axis, at)
    requireBeside("c3", x!, index!, axis, at)
    return tensorType(x!.dtype, index!.shape)
  },
  eval: ([x, index], attrs) => {
    const axis = intAttr(attrs, "axis")
    return ndarray(index!.shape, (i) =>
      element(x!, replaced(i, axis, clampIndex(element(index!, i), x!.shape[axis]!))),
    )
  },
  grad: ({ args: [x, index], dy, attrs }, g) => {
    const axis = intAttr(attrs, "axis")
    return [g.apply("put_along", [dy, index!], { axis, size: x!.type.shape[axis]! }), null]
  },
  lower: {
    kind: "map",
    value: ({ args, argTypes: [x], attrs, index, k }) => {
      const axis = intAttr(attrs, "axis")
      return args[0]!(replaced(index, axis, clamp(k, args[1]!(index), x!.shape[axis]!)))
    },
  },
  samples: [
    {
      args: [tensorType("f32", [3, 5]), tensorType("i32", [3, 3])],
      attrs: { axis: 1 },
      ranges: [undefined, [0, 5]],
    },
    {
      args: [tensorType("f32", [BATCH, 4]), tensorType("i32", [BATCH, 1])],
      attrs: { axis: 1 },
      ranges: [undefined, [-1, 6]],
    },
    {
      args: [tensorType("f32", [BATCH, 2]), tensorType("i32", [4, 2])],
      attrs: { axis: 0 },
      ranges: [undefined, [0, 3]],
    },
  ],
  indexes: ([x], attrs) => ({ arg: 1, count: x!.shape[intAttr(attrs, "axis")]!, or: null }),
})

const putAlong: OpDef = defineOp({
  name: "put_along",
  params: ["dy", "index"],
  attrs: { axis: AXIS, size: SIZE },
  doc: "The adjoint of take_along: out[.., v, ..] = the sum of dy[.., j, ..] over the j with index[.., j, ..] = v, as torch.scatter_add on zeros.",
  traits: { kind: "reduce" },
  constraints: {
    c1: "index is i32",
    c2: "dy is f32 or f16, and axis is one of its axes",
    c3: "dy and index have the same shape",
  },
  infer: ([dy, index], attrs, at: InferContext) => {
    const axis = intAttr(attrs, "axis")
    at.require("c1", index!.dtype === "i32", () => `index is ${printType(index!)}`, {
      arg: 1,
      help: TO_INDEX,
    })
    at.require(
      "c2",
      isFloat(dy!.dtype) && axis >= 0 && axis < dy!.shape.length,
      () => `dy is ${printType(dy!)}, ${axesOf(dy!.shape)}, and axis is ${axis}`,
    )
    at.require(
      "c3",
      sameShape(dy!.shape, index!.shape),
      () => `dy is ${printType(dy!)}, index is ${printType(index!)}`,
      { arg: 1 },
    )
    return tensorType(dy!.dtype, replaced(dy!.shape, axis, dimAttr(attrs, "size")))
  },
  eval: ([dy, index], attrs, { type, dims }) => {
    const axis = intAttr(attrs, "axis")
    const x = zeros(evalShape(type.shape, dims))
    for (const i of indices(dy!.shape))
      addAt(x, replaced(i, axis, clampIndex(element(index!, i), x.shape[axis]!)), element(dy!, i))
    return x
  },
  grad: ({ args: [, index], dy, attrs }, g) => [
    g.apply("take_along", [dy, index!], { axis: intAttr(attrs, "axis") }),
    null,
  ],
  lower: {
    kind: "reduce",
    combine: "sum",
    extents: ([dy], attrs) => [dy!.shape[intAttr(attrs, "axis")]!],
    term: ({ args, type, attrs, index, k }, [j]) => {
      const axis = intAttr(attrs, "axis")
      const at = replaced(index, axis, j!)
      const here = k.op("eq", clamp(k, args[1]!(at), type.shape[axis]!), index[axis]!)
      return k.select(here, args[0]!(at), k.constant(0, type.dtype))
    },
  },
  samples: [
    {
      args: [tensorType("f32", [3, 3]), tensorType("i32", [3, 3])],
      attrs: { axis: 1, size: 5 },
      ranges: [undefined, [0, 5]],
    },
    {
      args: [tensorType("f32", [BATCH, 1]), tensorType("i32", [BATCH, 1])],
      attrs: { axis: 1, size: 4 },
      ranges: [undefined, [-1, 6]],
    },
    {
      args: [tensorType("f32", [4, 2]), tensorType("i32", [4, 2])],
      attrs: { axis: 0, size: BATCH },
      ranges: [undefined, [0, 3]],
    },
  ],
})

export const gatherOps: readonly OpDef[] = [below, take, putAdd, takeAlong, putAlong]

const clamp = (k: ExprBuilder, i: Expr, size: Dim): Expr =>
  k.op("max", k.op("min", i, k.dim(subDim(size, 1))), k.int(0))

function requireBeside(
  label: string,
  x: TensorType,
  index: TensorType,
  axis: number,
  at: InferContext,
): void {
  at.require(
    label,
    x.shape.length === index.shape.length &&
      x.shape.every((size, a) => a === axis || sameDim(size, index.shape[a]!)),
    () => `x is ${printType(x)}, index is ${printType(index)}, along axis ${axis}`,
    { arg: 1 },
  )
}
