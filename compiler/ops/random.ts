/** ops: random numbers as a function of (seed, place, step, element): Philox-4x32-10 of Salmon et al. 2011 ("Parallel random
 *  numbers: as easy as 1, 2, 3"). No state anywhere, so a step number is the whole generator state.
 *  The interpreter computes with BigInt, the lowering with u32 scalars; they agree bit for bit.
 *  Not here:   normal, permutation and other distributions (stdlib). */
import type { ExprBuilder, InferContext } from "./op.js"
import type { Expr } from "../ir/kernels/types.js"
import { BATCH, evalShape, printType, scalarType, strides, tensorType } from "../ir/tensor.js"
import { dimsAttr, intAttr } from "./attrs.js"
import { ndarray, offset } from "./ndarray.js"
import { defineOp, none } from "./op.js"

const M0 = 0xd2511f53
const M1 = 0xcd9e8d57
/** What the two halves of the key grow by each round. */
const W0 = 0x9e3779b9
const W1 = 0xbb67ae85
const ROUNDS = 10
/** A f32 holds 24 bits exactly. */
const UNIT = 2 ** -24

type Four<T> = readonly [T, T, T, T]

/** The four words of Philox-4x32-10, as in the paper. */
export function philox(counter: Four<number>, key: readonly [number, number]): Four<number> {
  const word = (x: bigint): bigint => x & 0xffffffffn
  let [c0, c1, c2, c3] = counter.map((c) => word(BigInt(c))) as [bigint, bigint, bigint, bigint]
  for (let round = 0; round < ROUNDS; round++) {
    const k0 = word(BigInt(key[0]) + BigInt(round) * BigInt(W0))
    const k1 = word(BigInt(key[1]) + BigInt(round) * BigInt(W1))
    const p0 = BigInt(M0) * c0
    const p1 = BigInt(M1) * c2
    ;[c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, word(p1), (p0 >> 32n) ^ c3 ^ k1, word(p0)]
  }
  return [Number(c0), Number(c1), Number(c2), Number(c3)]
}

/** The first word, as a kernel expression. Sub-expressions used twice are one object, so that a kernel can name them. */
function philoxExpr(k: ExprBuilder, counter: Four<Expr>, seed: Expr, place: number): Expr {
  const u32 = (x: number): Expr => k.constant(x >>> 0, "u32")
  const xor = (a: Expr, b: Expr): Expr => k.op("bitxor", a, b)
  let [c0, c1, c2, c3] = counter
  for (let round = 0; round < ROUNDS; round++) {
    const k0 = round === 0 ? seed : k.op("add", seed, u32(Math.imul(round, W0)))
    const k1 = u32(place + Math.imul(round, W1))
    const [from0, from2] = [c0, c2]
    c0 = xor(xor(k.op("mulhi", u32(M1), from2), c1), k0)
    c2 = xor(xor(k.op("mulhi", u32(M0), from0), c3), k1)
    c1 = k.op("mul", u32(M1), from2)
    c3 = k.op("mul", u32(M0), from0)
  }
  return c0
}

export const randomOps = [
  defineOp({
    name: "random_uniform",
    params: ["step", "seed"],
    attrs: {
      shape: { doc: "the shape of the result", kind: "dims" },
      place: { doc: "tells apart the draws of one program", kind: "int" },
    },
    doc: "Numbers from [0, 1), multiples of 2^-24: word 0 of Philox-4x32-10, counter (element, step, 0, 0), key (seed, place).",
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
      const key = [seed!.data[0]! >>> 0, intAttr(attrs, "place") >>> 0] as const
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
        const zero = k.constant(0, "u32")
        const counter = [k.op("to_u32", element), k.op("to_u32", args[0]!([])), zero, zero] as const
        const word = philoxExpr(k, counter, args[1]!([]), intAttr(attrs, "place"))
        return k.op("mul", k.op("to_f32", k.op("shr", word, k.constant(8, "u32"))), k.f32(UNIT))
      },
    },
    samples: [
      {
        args: [scalarType("i32"), scalarType("u32")],
        attrs: { shape: [BATCH, 3], place: 5 },
        ranges: [
          [0, 9],
          [0, 2 ** 31],
        ],
      },
      {
        args: [scalarType("i32"), scalarType("u32")],
        attrs: { shape: [], place: 0 },
        ranges: [
          [0, 9],
          [0, 9],
        ],
      },
    ],
  }),
] as const
