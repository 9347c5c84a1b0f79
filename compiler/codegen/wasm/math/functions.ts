/** codegen/wasm/math: the functions WebAssembly has no instruction for, four lanes at a time.
 *  BOUNDS states the largest error of each over all finite f32, in units in the last place of the exact result; tests compare
 *  with float64 over the whole range.
 *  NaN gives NaN. Infinities and zeros give the results of `Math`, unless a comment says otherwise. */
import type { Code } from "../code.js"
import { op } from "../code.js"
import type { Vectors } from "./builder.js"
import { splitExponent } from "./exponent.js"
import { powTable } from "./power.js"
import { trigTable } from "./trigonometric.js"

export type MathName =
  | "exp"
  | "exp2"
  | "expm1"
  | "log"
  | "log2"
  | "log1p"
  | "tanh"
  | "erf"
  | "sinh"
  | "cosh"
  | "sin"
  | "cos"
  | "tan"
  | "asin"
  | "atan"
  | "atan2"
  | "pow"

export interface MathFunction {
  readonly arity: 1 | 2
  readonly build: (v: Vectors, x: Code, y: Code) => Code
}

export const BOUNDS: Record<MathName, { readonly ulp: number }> = {
  exp: { ulp: 1.5 },
  exp2: { ulp: 1.5 },
  expm1: { ulp: 2 },
  log: { ulp: 1 },
  log2: { ulp: 2 },
  log1p: { ulp: 2 },
  tanh: { ulp: 7 },
  erf: { ulp: 6 },
  sinh: { ulp: 5 },
  cosh: { ulp: 4 },
  sin: { ulp: 2 },
  cos: { ulp: 2 },
  tan: { ulp: 4 },
  asin: { ulp: 4 },
  atan: { ulp: 3.5 },
  atan2: { ulp: 4 },
  pow: { ulp: 1 },
}

const LN2_HIGH = 0.693359375
const LN2_LOW = -2.121944400546906e-4
const LOG2_E = Math.LOG2E
/** (e^r - 1 - r) / r^2 on [-ln 2 / 2, ln 2 / 2]: Cephes' expf. */
const EXP = [0.500000012, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.98756915e-4]

function expOfReduced(v: Vectors, r: Code, n: Code): Code {
  const y = v.add(v.add(v.mul(v.mul(r, r), v.polynomial(r, EXP)), r), v.c(1))
  return v.scale(y, n)
}

/** Added to a number of less than 2^22 it leaves the nearest integer in the last bits. Cheaper than converting, which has to saturate. */
const ROUNDER = 12582912
function rounded(v: Vectors, x: Code): { n: Code; integer: Code } {
  const shifted = v.let(v.add(x, v.c(ROUNDER)))
  const n = v.let(v.sub(shifted, v.c(ROUNDER)))
  return { n, integer: v.let(op("i32x4.sub", shifted, v.word(0x4b400000))) }
}

/** A result that rounds to 0 is not computed: it would be subnormal on the way, which takes processors four times as long, and masked
 *  scores are all of that kind. */
function exp(v: Vectors, given: Code): Code {
  const gone = v.let(v.lt(given, v.c(-103.98)))
  const x = v.let(op("f32x4.pmin", op("v128.andnot", given, gone), v.c(89)))
  const { n, integer } = rounded(v, v.mul(x, v.c(LOG2_E)))
  const r = v.let(v.sub(v.sub(x, v.mul(n, v.c(LN2_HIGH))), v.mul(n, v.c(LN2_LOW))))
  return op("v128.andnot", expOfReduced(v, r, integer), gone)
}

function exp2(v: Vectors, given: Code): Code {
  const x = v.let(v.clamp(given, -151, 129))
  const { n, integer } = rounded(v, x)
  const r = v.let(v.mul(v.sub(x, n), v.c(0.6931471805599453)))
  return expOfReduced(v, r, integer)
}

/** Taylor series up to 0.5, where exp(x) - 1 would cancel. */
function expm1(v: Vectors, x: Code): Code {
  const near = v.let(v.clamp(x, -0.5, 0.5))
  const series = [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320, 1 / 362880]
  const small = v.mul(near, v.nested(near, series))
  const large = v.sub(v.call("exp", x), v.c(1))
  return v.select(v.lt(v.c(0.5), v.abs(x)), large, small)
}

/** log(1 + f) - f + f^2 / 2, over f^3: Cephes' logf. */
const LOG = [
  3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1, -1.2420140846e-1,
  1.167699874e-1, -1.151461031e-1, 7.0376836292e-2,
]

/** -infinity at 0, NaN below, infinity and NaN as they are. */
function logEdges(v: Vectors, x: Code, inside: Code): Code {
  const zero = v.select(op("f32x4.eq", x, v.c(0)), v.c(-Infinity), inside)
  const negative = v.select(v.lt(x, v.c(0)), v.c(NaN), zero)
  return v.select(op("f32x4.lt", v.abs(x), v.c(Infinity)), negative, v.select(v.lt(x, v.c(0)), v.c(NaN), x))
}

function log(v: Vectors, x: Code): Code {
  const { e: n, f } = splitExponent(v, x)
  const e = v.let(op("f32x4.convert_i32x4_s", n))
  const z = v.let(v.mul(f, f))
  const tail = v.add(v.mul(v.mul(v.polynomial(f, LOG), f), z), v.mul(e, v.c(LN2_LOW)))
  const y = v.sub(tail, v.mul(z, v.c(0.5)))
  return logEdges(v, x, v.let(v.add(v.add(f, y), v.mul(e, v.c(LN2_HIGH)))))
}

function log2(v: Vectors, x: Code): Code {
  const { e: n, f } = splitExponent(v, x)
  const z = v.let(v.mul(f, f))
  const y = v.let(v.sub(v.mul(v.mul(v.polynomial(f, LOG), f), z), v.mul(z, v.c(0.5))))
  // log2(e) as 1 + 0.4426...: the large part of the product stays exact.
  const rest = v.c(LOG2_E - 1)
  const sum = v.add(v.add(v.add(v.mul(y, rest), v.mul(f, rest)), y), f)
  return logEdges(v, x, v.let(v.add(sum, op("f32x4.convert_i32x4_s", n))))
}

/** log(u) with u = 1 + x rounded, plus the rounding error of u, over u. */
function log1p(v: Vectors, x: Code): Code {
  const u = v.let(v.add(x, v.c(1)))
  const lost = v.div(v.sub(x, v.sub(u, v.c(1))), u)
  const whole = v.let(v.call("log", u))
  const plain = v.let(op("v128.or", op("f32x4.eq", u, v.c(0)), op("f32x4.eq", u, v.c(Infinity))))
  return v.select(plain, whole, v.add(whole, lost))
}

/** Odd rational approximation of degree 13 over 6 (coefficients as in Eigen's tanh for float). */
function tanh(v: Vectors, given: Code): Code {
  const x = v.let(v.clamp(given, -7.998811721801758, 7.998811721801758))
  const q = v.let(v.mul(x, x))
  const above = v.polynomial(
    q,
    [
      4.89352455891786e-3, 6.37261928875436e-4, 1.48572235717979e-5, 5.12229709037114e-8,
      -8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16,
    ],
  )
  const below = v.polynomial(
    q,
    [4.89352518554385e-3, 2.268434632439e-3, 1.18534705686654e-4, 1.19825839466702e-6],
  )
  const inner = v.let(v.div(v.mul(x, above), below))
  // The approximation stops short of 1, which tanh is from 9.01 on.
  const outer = v.withSign(v.c(1), given)
  const near = v.select(v.lt(v.abs(given), v.c(4e-4)), given, inner)
  return v.select(v.lt(v.c(9.010913), v.abs(given)), outer, near)
}

/** Rational approximation up to 3.83, beyond which erf is 1 in f32 (coefficients as in Eigen's erf for float). */
function erf(v: Vectors, given: Code): Code {
  const x = v.let(v.clamp(given, -3.832506856900711, 3.832506856900711))
  const q = v.let(v.mul(x, x))
  const above = v.polynomial(
    q,
    [
      1.128379143519084, 0.18520832239976145, 0.05095569506238086, 0.003408291010710951,
      0.00022905065861350646,
    ],
  )
  const below = v.polynomial(
    q,
    [
      1, 0.4974692511006754, 0.11098505178285362, 0.014070470171167667, 0.0010179625278914884,
      0.000023547966471313183, -1.1791602954361697e-7,
    ],
  )
  return v.div(v.mul(x, above), below)
}

/** e^|x| / 2 as a product, so that it overflows only where the result does, and a quarter of its inverse. */
function halfExponentials(v: Vectors, a: Code): { large: Code; small: Code } {
  const root = v.let(v.call("exp", v.mul(a, v.c(0.5))))
  const large = v.let(v.mul(v.mul(root, v.c(0.5)), root))
  return { large, small: v.div(v.c(0.25), large) }
}
function cosh(v: Vectors, x: Code): Code {
  const { large, small } = halfExponentials(v, v.abs(x))
  return v.add(large, small)
}
function sinh(v: Vectors, x: Code): Code {
  const a = v.let(v.abs(x))
  const t = v.let(v.call("expm1", op("f32x4.pmin", a, v.c(1))))
  const near = v.mul(v.c(0.5), v.add(t, v.div(t, v.add(t, v.c(1)))))
  const { large, small } = halfExponentials(v, a)
  return v.withSign(v.select(v.lt(a, v.c(1)), near, v.sub(large, small)), x)
}

/** Cephes' atanf: two reductions, then an odd polynomial. */
function atan(v: Vectors, x: Code): Code {
  const a = v.let(v.abs(x))
  const far = v.let(v.lt(v.c(2.414213562373095), a))
  const mid = v.let(op("v128.andnot", v.lt(v.c(0.414213562373095), a), far))
  const whole = v.select(far, v.c(1.5707963267948966), v.select(mid, v.c(0.7853981633974483), v.c(0)))
  const shifted = v.div(v.sub(a, v.c(1)), v.add(a, v.c(1)))
  const r = v.let(v.select(far, v.div(v.c(-1), a), v.select(mid, shifted, a)))
  const q = v.let(v.mul(r, r))
  const p = v.polynomial(q, [-0.333329491539, 0.199777106478, -0.138776856032, 0.0805374449538])
  return v.withSign(v.add(whole, v.add(v.mul(v.mul(p, q), r), r)), x)
}

/** Takes the angle of the quotient of the smaller by the larger. Infinities are taken as the largest number: the angles are the same. */
function atan2(v: Vectors, y: Code, x: Code): Code {
  const ay = v.let(op("f32x4.pmin", v.abs(y), v.c(LARGEST)))
  const ax = v.let(op("f32x4.pmin", v.abs(x), v.c(LARGEST)))
  const swap = v.let(v.lt(ax, ay))
  const large = v.let(v.select(swap, ay, ax))
  const ratio = v.div(v.select(swap, ax, ay), large)
  // 0 / 0: on the axis.
  const a = v.let(v.call("atan", v.select(op("f32x4.eq", large, v.c(0)), v.c(0), ratio)))
  const b = v.let(v.select(swap, v.sub(v.c(1.5707963267948966), a), a))
  const left = op("i32x4.shr_s", x, ["i32.const", 31])
  const angle = v.withSign(v.select(left, v.sub(v.c(3.141592653589793), b), b), y)
  // All ones are NaN.
  return op("v128.or", angle, op("v128.or", op("f32x4.ne", x, x), op("f32x4.ne", y, y)))
}
const LARGEST = 3.4028234663852886e38

function asin(v: Vectors, x: Code): Code {
  const c = op("f32x4.sqrt", v.mul(v.sub(v.c(1), x), v.add(v.c(1), x)))
  return v.call("atan2", x, c)
}

export const MATH: Record<MathName, MathFunction> = {
  exp: { arity: 1, build: exp },
  exp2: { arity: 1, build: exp2 },
  expm1: { arity: 1, build: expm1 },
  log: { arity: 1, build: log },
  log2: { arity: 1, build: log2 },
  log1p: { arity: 1, build: log1p },
  tanh: { arity: 1, build: tanh },
  erf: { arity: 1, build: erf },
  sinh: { arity: 1, build: sinh },
  cosh: { arity: 1, build: cosh },
  ...trigTable,
  asin: { arity: 1, build: asin },
  atan: { arity: 1, build: atan },
  atan2: { arity: 2, build: atan2 },
  ...powTable,
}
