/** ops: numbers of fewer than 32 bits, several in a word: how rows of a data set lie on the device. */
import { BATCH, evalShape, printType, tensorType } from "../ir/tensor.js"
import { intAttr } from "./attrs.js"
import { at as element, ndarray } from "./ndarray.js"
import { defineOp, type InferContext, none, type OpDef } from "./op.js"

const unpack: OpDef = defineOp({
  name: "unpack",
  params: ["words"],
  attrs: {
    bits: { doc: "bits of a number: 8 or 16", kind: "int" },
    count: {
      doc: "how many numbers the words of the last axis hold; what is left of the last word is not read",
      kind: "int",
    },
  },
  doc: "[.., w] -> [.., count], i32: the unsigned numbers that stand in words, the first of a word in its lowest bits.",
  traits: { kind: "gather" },
  constraints: {
    c1: "words is u32 and has an axis",
    c2: "bits is 8 or 16",
    c3: "the last axis has as many words as count numbers fill",
  },
  infer: ([words], attrs, at: InferContext) => {
    const [bits, count] = [intAttr(attrs, "bits"), intAttr(attrs, "count")]
    const last = words!.shape.at(-1)
    at.require("c1", words!.dtype === "u32" && last !== undefined, () => `words is ${printType(words!)}`, {
      arg: 0,
    })
    at.require("c2", bits === 8 || bits === 16, () => `bits is ${bits}`)
    at.require(
      "c3",
      count >= 1 && last === Math.ceil((count * bits) / 32),
      () => `words is ${printType(words!)}, and ${count} numbers of ${bits} bits are to be read`,
      { arg: 0 },
    )
    return tensorType("i32", [...words!.shape.slice(0, -1), count])
  },
  eval: ([words], attrs, { type, dims }) => {
    const bits = intAttr(attrs, "bits")
    const perWord = 32 / bits
    return ndarray(evalShape(type.shape, dims), (i) => {
      const at = i.at(-1)!
      const word = element(words!, [...i.slice(0, -1), Math.floor(at / perWord)])
      return Math.floor(word / 2 ** (bits * (at % perWord))) % 2 ** bits
    })
  },
  grad: none("words are no numbers to differentiate by"),
  lower: {
    kind: "map",
    value: ({ args, attrs, index, k }) => {
      const bits = intAttr(attrs, "bits")
      const [at, perWord] = [index.at(-1)!, k.int(32 / bits)]
      const word = args[0]!([...index.slice(0, -1), k.div(at, perWord)])
      const from = k.op("to_u32", k.mul(k.rem(at, perWord), k.int(bits)))
      return k.op("to_i32", k.op("bitand", k.op("shr", word, from), k.constant(2 ** bits - 1, "u32")))
    },
  },
  samples: [
    { args: [tensorType("u32", [BATCH, 2])], attrs: { bits: 8, count: 7 }, ranges: [[0, 2 ** 32]] },
    { args: [tensorType("u32", [3])], attrs: { bits: 16, count: 6 }, ranges: [[0, 2 ** 32]] },
    { args: [tensorType("u32", [2, 1])], attrs: { bits: 8, count: 1 }, ranges: [[0, 2 ** 32]] },
  ],
  writtenAs: 'data d = npy(x: "x.npy") { x: f32[8] = column("x") }',
})

export const packedOps = [unpack] as const
