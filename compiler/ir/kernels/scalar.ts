/** ir/kernels: the scalar vocabulary: name, arity, result type, meaning. Spelled once per target in codegen/. */
import { philox } from "./philox.js"
import type { ScalarType } from "./types.js"

export interface ScalarDef {
  readonly arity: 1 | 2 | 3 | 4
  /** The type of the result, from the types of the arguments. */
  readonly result: (args: readonly ScalarType[]) => ScalarType
  /** Meaning on numbers; bool is 0 or 1; integers wrap by their type `t` (of the first argument). */
  readonly eval: (args: readonly number[], t: ScalarType) => number
  /** How far the f32 that a device computes may be off. Left out: it is the f32 nearest to the exact result. digits: the last ones may
   *  differ. angle: by so much of a turn, however small the result (WGSL bounds the error of sines by a number, not by a share of them). */
  readonly rounding?: "digits" | "angle"
}

const same = (args: readonly ScalarType[]): ScalarType => args[0]!
const bool = (): ScalarType => "bool"
const wrap = (x: number, t: ScalarType): number => (t === "i32" ? x | 0 : t === "u32" ? x >>> 0 : x)
const isInt = (t: ScalarType): boolean => t === "i32" || t === "u32"

const unary = (f: (x: number) => number): ScalarDef => ({
  arity: 1,
  result: same,
  eval: ([x], t) => wrap(f(x!), t),
})
const binary = (f: (x: number, y: number) => number): ScalarDef => ({
  arity: 2,
  result: same,
  eval: ([x, y], t) => wrap(f(x!, y!), t),
})
const inexact = (def: ScalarDef, rounding: ScalarDef["rounding"] = "digits"): ScalarDef => ({
  ...def,
  rounding,
})
const compare = (f: (x: number, y: number) => boolean): ScalarDef => ({
  arity: 2,
  result: bool,
  eval: ([x, y]) => (f(x!, y!) ? 1 : 0),
})
/** The power of IEEE 754: 1 ^ y is 1 for every y, and -1 ^ y for infinite y, where JavaScript's Math.pow gives NaN. */
const power = (x: number, y: number): number =>
  x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y)
const cast = (to: ScalarType, f: (x: number) => number): ScalarDef => ({
  arity: 1,
  result: () => to,
  eval: ([x]) => f(x!),
})

/** Rounds to nearest, halves to even. */
export function roundHalfEven(x: number): number {
  const r = Math.round(x)
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r
}

/** Error function to double precision: series near 0, continued fraction of erfc beyond (Abramowitz & Stegun 7.1.5, 7.1.14). */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (a > 6) return Math.sign(x)
  if (a < 2.5) {
    let term = a
    let sum = a
    for (let n = 1; n < 200; n++) {
      term *= (-a * a) / n
      const add = term / (2 * n + 1)
      sum += add
      if (Math.abs(add) < 1e-18 * Math.abs(sum)) break
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI)
  }
  let f = 0
  for (let n = 120; n >= 1; n--) f = n / 2 / (a + f)
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + f)))
}

/** NaN among the arguments gives NaN, but for a number to the power of 0, 1 to a power and a choice not taken; comparisons with NaN
 *  are false, except that NaN differs from everything. */
export const SCALARS = {
  neg: unary((x) => -x),
  abs: unary(Math.abs),
  sign: unary(Math.sign),
  floor: unary(Math.floor),
  ceil: unary(Math.ceil),
  round: unary(roundHalfEven),
  exp: inexact(unary(Math.exp)),
  exp2: inexact(unary((x) => 2 ** x)),
  expm1: inexact(unary(Math.expm1)),
  log: inexact(unary(Math.log)),
  log2: inexact(unary(Math.log2)),
  log1p: inexact(unary(Math.log1p)),
  sqrt: unary(Math.sqrt),
  rsqrt: inexact(unary((x) => 1 / Math.sqrt(x))),
  sin: inexact(unary(Math.sin), "angle"),
  cos: inexact(unary(Math.cos), "angle"),
  tan: inexact(unary(Math.tan), "angle"),
  asin: inexact(unary(Math.asin)),
  atan: inexact(unary(Math.atan)),
  sinh: inexact(unary(Math.sinh)),
  cosh: inexact(unary(Math.cosh)),
  tanh: inexact(unary(Math.tanh)),
  erf: inexact(unary(erf)),
  add: binary((x, y) => x + y),
  sub: binary((x, y) => x - y),
  mul: { arity: 2, result: same, eval: ([x, y], t) => (isInt(t) ? wrap(Math.imul(x!, y!), t) : x! * y!) },
  /** Integers truncate. Division of an integer by zero gives 0. */
  div: {
    arity: 2,
    result: same,
    eval: ([x, y], t) => (isInt(t) ? (y === 0 ? 0 : wrap(Math.trunc(x! / y!), t)) : x! / y!),
    rounding: "digits",
  },
  /** The sign of the dividend, as in WGSL and C. */
  rem: {
    arity: 2,
    result: same,
    eval: ([x, y], t) => (isInt(t) && y === 0 ? 0 : x! % y!),
    rounding: "digits",
  },
  min: binary(Math.min),
  max: binary(Math.max),
  pow: inexact(binary(power)),
  atan2: inexact(binary(Math.atan2)),
  eq: compare((x, y) => x === y),
  ne: compare((x, y) => x !== y),
  lt: compare((x, y) => x < y),
  le: compare((x, y) => x <= y),
  gt: compare((x, y) => x > y),
  ge: compare((x, y) => x >= y),
  and: { arity: 2, result: bool, eval: ([x, y]) => (x && y ? 1 : 0) },
  or: { arity: 2, result: bool, eval: ([x, y]) => (x || y ? 1 : 0) },
  not: { arity: 1, result: bool, eval: ([x]) => (x ? 0 : 1) },
  bitand: binary((x, y) => x & y),
  bitor: binary((x, y) => x | y),
  bitxor: binary((x, y) => x ^ y),
  shl: binary((x, y) => x << y),
  shr: { arity: 2, result: same, eval: ([x, y], t) => (t === "u32" ? x! >>> y! : x! >> y!) },
  /** High 32 bits of the product of two u32. */
  mulhi: { arity: 2, result: same, eval: ([x, y]) => Number((BigInt(x! >>> 0) * BigInt(y! >>> 0)) >> 32n) },
  /** philox(element, step, seed, stream), of u32: word 0 of Philox-4x32-10, counter (element, step, 0, 0), key (seed, stream). */
  philox: {
    arity: 4,
    result: same,
    eval: ([e, step, seed, at]) => philox([e!, step!, 0, 0], [seed!, at!])[0],
  },
  /** select(cond, a, b): both sides are evaluated. */
  select: { arity: 3, result: (args) => args[1]!, eval: ([c, a, b]) => (c ? a! : b!) },
  /** Whether x is NaN, and whether it is NaN or an infinity (tested on bits: WGSL may assume that neither occurs). */
  isnan: { arity: 1, result: bool, eval: ([x]) => (Number.isNaN(x) ? 1 : 0) },
  nonfinite: { arity: 1, result: bool, eval: ([x]) => (Number.isFinite(x) ? 0 : 1) },
  to_f32: cast("f32", (x) => x),
  to_f16: cast("f16", (x) => x),
  to_i32: cast("i32", (x) => Math.trunc(x) | 0),
  to_u32: cast("u32", (x) => Math.trunc(x) >>> 0),
  to_bool: cast("bool", (x) => (x !== 0 ? 1 : 0)),
  bits_to_f32: cast("f32", (x) => new Float32Array(Uint32Array.of(x).buffer)[0]!),
} as const satisfies Record<string, ScalarDef>

export type ScalarOp = keyof typeof SCALARS
export const scalarDef = (op: ScalarOp): ScalarDef => SCALARS[op]
