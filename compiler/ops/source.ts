/** ops: values that come from no tensor: constants, counting, the size of a dimension.
 *  Not here:   random numbers (random.ts). */
import type { Attrs } from "../ir/graph/types.js"
import {
  BATCH,
  DATA_ROWS,
  addDim,
  evalDim,
  evalShape,
  mulDim,
  printShape,
  scalarType,
  tensorType,
} from "../ir/tensor.js"
import type { DType } from "../ir/tensor.js"
import { dimAttr, dimsAttr, dtypeAttr, floatAttr, intAttr, stringAttr } from "./attrs.js"
import { ndarray } from "./ndarray.js"
import { defineOp, none } from "./op.js"
import type { AttrSpec, InferContext, OpDef } from "./op.js"
import { axesOf } from "./wording.js"

const dtypeSpec = (fallback: DType): AttrSpec => ({
  doc: "the dtype of the result",
  kind: "string",
  default: fallback,
})

function resultDType(attrs: Attrs, label: string, allowed: readonly DType[], at: InferContext): DType {
  const dtype = dtypeAttr(attrs, "dtype")
  const found = dtype !== undefined && allowed.includes(dtype)
  at.require(label, found, () => `dtype is \`${stringAttr(attrs, "dtype")}\``, {
    help: `one of ${allowed.join(", ")}`,
  })
  return dtype!
}

const fits = (value: number, dtype: DType): boolean => {
  switch (dtype) {
    case "f32":
    case "f16":
      return true
    case "i32":
      return value === (value | 0)
    case "u32":
      return value === value >>> 0
    case "bool":
      return value === 0 || value === 1
  }
}

export const constant: OpDef = defineOp({
  name: "constant",
  params: [],
  attrs: { value: { doc: "the number; bools are 0 or 1", kind: "float" }, dtype: dtypeSpec("f32") },
  doc: "A scalar known when compiling.",
  traits: { kind: "source" },
  constraints: { c1: "dtype is f32, f16, i32, u32 or bool", c2: "the value is one of the dtype" },
  infer: (_args, attrs, at: InferContext) => {
    const dtype = resultDType(attrs, "c1", ["f32", "f16", "i32", "u32", "bool"], at)
    const value = floatAttr(attrs, "value")
    at.require("c2", fits(value, dtype), () => `${value} is no ${dtype}`, {
      help:
        dtype === "bool" ? "a bool is 0 or 1" : "write a whole number of its range, or give another dtype",
    })
    return scalarType(dtype)
  },
  eval: (_args, attrs) => ndarray([], () => floatAttr(attrs, "value")),
  grad: none("a constant has no arguments"),
  lower: { kind: "map", value: (cx) => cx.k.constant(floatAttr(cx.attrs, "value"), cx.type.dtype) },
  samples: [
    { args: [], attrs: { value: 0.1, dtype: "f32" } },
    { args: [], attrs: { value: -1e30, dtype: "f32" } },
    { args: [], attrs: { value: -7, dtype: "i32" } },
    { args: [], attrs: { value: 4294967295, dtype: "u32" } },
    { args: [], attrs: { value: 1, dtype: "bool" } },
  ],
})

const iota = defineOp({
  name: "iota",
  params: [],
  attrs: {
    shape: { doc: "the shape of the result", kind: "dims" },
    axis: { doc: "the axis counted along", kind: "int" },
    dtype: dtypeSpec("i32"),
  },
  doc: "Each element is its own coordinate on one axis: 0, 1, 2, ...",
  traits: { kind: "source" },
  constraints: { c1: "axis is an axis of the shape", c2: "dtype is i32, u32 or f32" },
  infer: (_args, attrs, at: InferContext) => {
    const shape = dimsAttr(attrs, "shape")
    const axis = intAttr(attrs, "axis")
    at.require(
      "c1",
      axis >= 0 && axis < shape.length,
      () => `there is no axis ${axis} in ${printShape(shape)}, ${axesOf(shape)}`,
    )
    return tensorType(resultDType(attrs, "c2", ["i32", "u32", "f32"], at), shape)
  },
  eval: (_args, attrs, { type, dims }) =>
    ndarray(evalShape(type.shape, dims), (index) => index[intAttr(attrs, "axis")]!),
  grad: none("it has no arguments"),
  lower: {
    kind: "map",
    value: (cx) => {
      const at = cx.index[intAttr(cx.attrs, "axis")]!
      return cx.type.dtype === "i32" ? at : cx.k.op(cx.type.dtype === "u32" ? "to_u32" : "to_f32", at)
    },
  },
  samples: [
    { args: [], attrs: { shape: [4], axis: 0, dtype: "i32" } },
    { args: [], attrs: { shape: [BATCH, 3], axis: 0, dtype: "f32" } },
    { args: [], attrs: { shape: [2, 3], axis: 1, dtype: "u32" } },
  ],
})

const size = defineOp({
  name: "size",
  params: [],
  attrs: { dim: { doc: "the dimension", kind: "dim" }, dtype: dtypeSpec("f32") },
  doc: "The value of a dimension, for instance the number of rows of this batch.",
  traits: { kind: "source" },
  constraints: { c1: "dtype is f32, i32 or u32" },
  infer: (_args, attrs, at) => scalarType(resultDType(attrs, "c1", ["f32", "i32", "u32"], at)),
  eval: (_args, attrs, { dims }) => ndarray([], () => evalDim(dimAttr(attrs, "dim"), dims)),
  grad: none("it has no arguments"),
  lower: {
    kind: "map",
    value: (cx) => {
      const n = cx.k.dim(dimAttr(cx.attrs, "dim"))
      return cx.type.dtype === "i32" ? n : cx.k.op(cx.type.dtype === "u32" ? "to_u32" : "to_f32", n)
    },
  },
  samples: [
    { args: [], attrs: { dim: BATCH, dtype: "f32" } },
    { args: [], attrs: { dim: addDim(mulDim(DATA_ROWS, 3), -1), dtype: "i32" } },
    { args: [], attrs: { dim: 12, dtype: "u32" } },
  ],
})

export const sourceOps = [constant, iota, size] as const
