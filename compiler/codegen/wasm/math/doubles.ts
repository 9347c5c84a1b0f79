/** codegen/wasm/math: f64x2 arithmetic, for intermediate results that f32 would round too much. */
import { bug } from "../../../source/bug.js"
import { type Code, op } from "../code.js"

const view = new DataView(new ArrayBuffer(8))
/** The same f64 in both lanes. */
export function d(value: number): Code {
  view.setFloat64(0, value, true)
  const low = view.getInt32(0, true)
  const high = view.getInt32(4, true)
  return ["v128.const", low, high, low, high]
}
export const addD = (a: Code, b: Code): Code => op("f64x2.add", a, b)
export const subD = (a: Code, b: Code): Code => op("f64x2.sub", a, b)
export const mulD = (a: Code, b: Code): Code => op("f64x2.mul", a, b)
export const divD = (a: Code, b: Code): Code => op("f64x2.div", a, b)
export const polynomialD = (x: Code, coefficients: readonly number[]): Code => {
  const [last, ...rest] = [...coefficients].reverse()
  return rest.reduce<Code>((sum, c) => addD(mulD(sum, x), d(c)), d(last ?? bug("a polynomial without terms")))
}

const lanes = (...words: readonly number[]): Code => [
  ["i8x16.shuffle", ...words.flatMap((w) => [4 * w, 4 * w + 1, 4 * w + 2, 4 * w + 3])],
]
/** Lanes 2 and 3 moved to 0 and 1. */
export const upperHalf = (x: Code): Code => [x, x, lanes(2, 3, 2, 3)]
/** The low halves of two vectors. */
export const joinLow = (a: Code, b: Code): Code => [a, b, lanes(0, 1, 4, 5)]

/** f32x4 lanes 0 and 1, or 2 and 3, as doubles. */
export const promote = (x: Code, upper: boolean): Code =>
  op("f64x2.promote_low_f32x4", upper ? upperHalf(x) : x)
export const demote = (low: Code, high: Code): Code =>
  joinLow(op("f32x4.demote_f64x2_zero", low), op("f32x4.demote_f64x2_zero", high))
