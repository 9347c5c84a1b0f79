/** ops: random numbers as a function of (seed, stream, step, element), by Philox-4x32-10. No state anywhere, so a step number is
 *  the whole generator state. All targets agree bit for bit.
 *  Not here:   normal, permutation and other distributions (stdlib). */
import type { InferContext } from "./op.js"
import { philox } from "../ir/kernels/philox.js"
import { BATCH, evalShape, printType, scalarType, strides, tensorType } from "../ir/tensor.js"
import { dimsAttr, intAttr } from "./attrs.js"
import { ndarray, offset } from "./ndarray.js"
import { defineOp, none } from "./op.js"

/** A f32 holds 24 bits exactly. */
const UNIT = 2 ** -24

export const randomOps = [
  defineOp({
    name: "random_uniform",
    params: ["step", "seed"],
    attrs: {
      shape: { doc: "the shape of the result", kind: "dims" },
      stream: { doc: "tells apart the draws of one program", kind: "int" },
    },
    doc: "Numbers from [0, 1), multiples of 2^-24: word 0 of Philox-4x32-10, counter (element, step, 0, 0), key (seed, stream).",
    traits: { kind: "source" },
    constraints: { c1: "step is an i32 scalar", c2: "seed is a u32 scalar" },
    infer: ([step, seed], attrs, at: InferContext) => {
      at.require(
        "c1",
        step!.dtype === "i32" && step!.shape.length === 0,
        () => `step is ${printType(step!)}`,
        {
          arg: 0,
        },
      )
      at.require(
        "c2",
        seed!.dtype === "u32" && seed!.shape.length === 0,
        () => `seed is ${printType(seed!)}`,
        {
          arg: 1,
        },
      )
      return tensorType("f32", dimsAttr(attrs, "shape"))
    },
    eval: ([step, seed], attrs, { type, dims }) => {
      const shape = evalShape(type.shape, dims)
      const key = [seed!.data[0]! >>> 0, intAttr(attrs, "stream") >>> 0] as const
      return ndarray(shape, (index) => {
        const [word] = philox([offset(shape, index), step!.data[0]! >>> 0, 0, 0], key)
        return (word >>> 8) * UNIT
      })
    },
    grad: none("random numbers depend on no tensor"),
    lower: {
      kind: "map",
      value: ({ args, type, attrs, index, k }) => {
        const steps = strides(type.shape)
        const element = index.reduce((sum, i, axis) => k.add(sum, k.mul(i, k.dim(steps[axis]!))), k.int(0))
        const stream = k.constant(intAttr(attrs, "stream") >>> 0, "u32")
        const step = k.op("to_u32", args[0]!([]))
        const word = k.op("philox", k.op("to_u32", element), step, args[1]!([]), stream)
        return k.op("mul", k.op("to_f32", k.op("shr", word, k.constant(8, "u32"))), k.f32(UNIT))
      },
    },
    samples: [
      {
        args: [scalarType("i32"), scalarType("u32")],
        attrs: { shape: [BATCH, 3], stream: 5 },
        ranges: [
          [0, 9],
          [0, 2 ** 31],
        ],
      },
      {
        args: [scalarType("i32"), scalarType("u32")],
        attrs: { shape: [], stream: 0 },
        ranges: [
          [0, 9],
          [0, 9],
        ],
      },
    ],
  }),
] as const
