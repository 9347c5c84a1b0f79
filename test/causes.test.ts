// From the facts when numbers stop being finite to the most likely cause.
import { expect, test } from "vitest"
import { causesOf, type FieldRange, type Trouble } from "../runtime/train/causes.js"

const calm: Trouble = { fields: [], losses: [1, 0.9, 0.8] }
const field = (more: Partial<FieldRange> = {}): FieldRange => ({
  name: "x",
  least: -2,
  most: 3,
  isScaled: false,
  ...more,
})
const grown = [0.5, 12, 4e5]
const origin = (...operations: string[]) => ({ operations, place: "net.nn:7:3", isHalf: false })

const cases: readonly { why: string; trouble: Trouble; first: string }[] = [
  {
    why: "a row that holds NaN, whatever else",
    trouble: {
      fields: [field({ most: 900, nonFinite: { row: 12, value: NaN } })],
      losses: grown,
      origin: origin("log"),
    },
    first: "training row 12 has NaN in field `x`",
  },
  {
    why: "one value far beyond the others",
    trouble: {
      ...calm,
      fields: [field({ most: 3e30, extreme: { row: 4, value: 3e30, usual: 1.5 } })],
      origin: origin("div"),
    },
    first: "training row 4 has 3e+30 in field `x`, where 1.5 is usual",
  },
  {
    why: "a loss that grew on features that are not scaled",
    trouble: { fields: [field({ most: 4000 })], losses: grown, origin: origin("div") },
    first: "field `x` goes from -2 to 4000 and is not scaled: add `|> standardize`",
  },
  {
    why: "a loss that grew on scaled features",
    trouble: { fields: [field({ most: 4000, isScaled: true })], losses: grown },
    first:
      "the learning rate is too large for the gradients: the loss grew from 0.5 to 400000 within 3 steps; lower it",
  },
  {
    why: "an update larger than its parameter",
    trouble: { ...calm, update: { parameter: "M.w", largest: 0.5, change: 7e8 } },
    first:
      'the learning rate is too large for the gradients: the last update changed "M.w" by up to 7e+8, and it held at most 0.5',
  },
  {
    why: "a logarithm, where nothing grew",
    trouble: { ...calm, fields: [field({ most: 200 })], origin: origin("log", "sum") },
    first: "`log` at net.nn:7:3: it is not finite for numbers that are not positive",
  },
  {
    why: "a root within a kernel",
    trouble: { ...calm, origin: origin("mul", "in", "sqrt", "sum") },
    first: "`sqrt` at net.nn:7:3: it is NaN below 0, and its slope is infinite at 0",
  },
  {
    why: "a logarithm in the first step, when nothing was learned",
    trouble: { fields: [field()], losses: [], origin: origin("log") },
    first: "`log` at net.nn:7:3",
  },
  {
    why: "a half beyond what halves hold",
    trouble: { ...calm, origin: { ...origin("matmul"), isHalf: true }, lossScale: 1024 },
    first: "a value is beyond 65504, the largest f16",
  },
  {
    why: "a loss scale that went down to nothing",
    trouble: { ...calm, lossScale: 2 ** -10 },
    first:
      "`precision mixed` rounds factors of products to f16, whose largest is 65504 (the loss scale is 9.77e-4)",
  },
  {
    why: "nothing that is known",
    trouble: { fields: [], losses: [], origin: origin("add") },
    first: "a value beyond what a function there takes",
  },
]
test.each(cases)("$why", ({ trouble, first }) =>
  expect(causesOf(trouble)[0]!.slice(0, first.length)).toBe(first),
)

test("others follow, with less that speaks for them", () => {
  const causes = causesOf({ fields: [field({ most: 4000 })], losses: grown, origin: origin("div") })
  expect(causes.map((cause) => cause.split(" ").slice(0, 3).join(" "))).toEqual([
    "field `x` goes",
    "the learning rate",
    "`div` at net.nn:7:3:",
  ])
})
