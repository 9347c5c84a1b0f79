/** codegen/wasm/math: x ^ y as 2 ^ (y log2 x), in double precision between the f32 ends.
 *  A negative base with a fraction as exponent gives NaN; otherwise zeros, infinities and NaN give the results of IEEE 754. */
import { type Code, op } from "../code.js"
import type { Vectors } from "./builder.js"
import { addD, d, demote, divD, joinLow, mulD, polynomialD, promote, subD, upperHalf } from "./doubles.js"
import { splitExponent } from "./exponent.js"
import type { MathFunction } from "./functions.js"

/** log2((1 + s) / (1 - s)) / s in s^2: 2 / ln 2 times 1, 1/3, 1/5, ... */
const ATANH = Array.from({ length: 11 }, (_, i) => 2 / Math.LN2 / (2 * i + 1))
/** e^r on [-ln 2 / 2, ln 2 / 2]. */
const EXP = Array.from({ length: 12 }, (_, i) => 1 / factorial(i))

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1)
}

function pow(v: Vectors, x: Code, y: Code): Code {
  const a = v.let(v.abs(x))
  const { e, f } = splitExponent(v, a)
  const half = (upper: boolean): { value: Code; power: Code } => {
    const g = v.let(promote(f, upper))
    const s = v.let(divD(g, addD(g, d(2))))
    const exponent = op("f64x2.convert_low_i32x4_s", upper ? upperHalf(e) : e)
    const log2 = addD(mulD(polynomialD(v.let(mulD(s, s)), ATANH), s), exponent)
    const p = v.let(mulD(promote(y, upper), log2))
    const bounded = v.let(clampD(v, p))
    const n = v.let(op("f64x2.nearest", bounded))
    const r = v.let(mulD(subD(bounded, n), d(Math.LN2)))
    return { value: v.let(polynomialD(r, EXP)), power: v.let(op("i32x4.trunc_sat_f64x2_s_zero", n)) }
  }
  const low = half(false)
  const high = half(true)
  const n = v.let(joinLow(low.power, high.power))
  const infinite = v.let(op("f32x4.eq", a, v.c(Infinity)))
  const beyond = v.select(v.lt(y, v.c(0)), v.c(0), v.c(Infinity))
  const magnitude = v.let(v.select(infinite, beyond, v.scale(demote(low.value, high.value), n)))
  const integer = op("f32x4.eq", op("f32x4.floor", y), y)
  const halved = v.let(v.mul(y, v.c(0.5)))
  const even = op("f32x4.eq", op("f32x4.floor", halved), halved)
  const negative = v.let(v.lt(x, v.c(0)))
  const odd = v.let(op("v128.and", integer, op("v128.not", even)))
  const signed = v.select(op("v128.and", negative, odd), v.neg(magnitude), magnitude)
  const fraction = op("v128.and", negative, op("f32x4.ne", op("f32x4.floor", y), y))
  const real = v.select(op("v128.andnot", fraction, infinite), v.c(NaN), signed)
  const atZero = v.select(v.lt(y, v.c(0)), v.c(Infinity), v.c(0))
  const based = v.select(op("f32x4.eq", x, v.c(0)), atZero, real)
  const sum = v.let(v.add(x, y))
  const numbers = op("v128.and", op("f32x4.eq", x, x), op("f32x4.eq", y, y))
  const known = v.select(numbers, based, sum)
  // x ^ 0 is 1 for every x, 1 ^ y for every y, and -1 to an infinite power.
  const flat = op("v128.and", op("f32x4.eq", a, v.c(1)), op("f32x4.eq", v.abs(y), v.c(Infinity)))
  const one = op("v128.or", op("v128.or", op("f32x4.eq", y, v.c(0)), op("f32x4.eq", x, v.c(1))), flat)
  return v.select(one, v.c(1), known)
}

/** Exponents beyond f32's give 0 or infinity just as well. NaN stays NaN. */
function clampD(v: Vectors, p: Code): Code {
  const below = v.let(v.select(op("f64x2.lt", p, d(-160)), d(-160), p))
  return v.select(op("f64x2.gt", below, d(135)), d(135), below)
}

export const powTable: { readonly pow: MathFunction } = { pow: { arity: 2, build: pow } }
