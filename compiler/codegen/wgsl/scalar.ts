/** codegen/wgsl: how each scalar operation is spelled in WGSL. Fails to type-check when one is missing.
 *  Functions that drivers compute badly (tanh overflows on one, asin may be off by 4096 units) are helper functions here. */
import { bug } from "../../source/bug.js"
import type { ScalarOp } from "../../ir/kernels/scalar.js"
import type { ScalarType } from "../../ir/kernels/types.js"
import type { Helper } from "./helpers.js"

export interface Spelling {
  /** WGSL type of the arguments and of the result, `f32` or `vec4<f32>`. */
  readonly argType: string
  readonly resultType: string
  readonly scalar: ScalarType
  /** The name of a helper function, which is then added to the module. */
  readonly helper: (helper: Helper) => string
}
type Speller = (args: readonly string[], s: Spelling) => string

const infix =
  (symbol: string): Speller =>
  ([a, b]) =>
    `(${a} ${symbol} ${b})`
const call =
  (name: string): Speller =>
  (args) =>
    `${name}(${args.join(", ")})`
const singles = (s: Spelling): string => (s.argType.startsWith("vec4") ? "vec4<f32>" : "f32")
/** Helpers are written for f32: halves are widened, and the result is rounded back. */
const widened = (text: string, s: Spelling): string => (s.scalar === "f16" ? `${singles(s)}(${text})` : text)
const helper =
  (name: Helper): Speller =>
  (args, s) => {
    if (s.scalar !== "f16") return `${s.helper(name)}(${args.join(", ")})`
    return `${s.resultType}(${s.helper(name)}(${args.map((a) => widened(a, s)).join(", ")}))`
  }
const isFloat = ({ scalar }: Spelling): boolean => scalar === "f32" || scalar === "f16"
/** The helper for floats, any of which may be NaN; integers as they are. */
const ofFloats =
  (name: Helper, others: Speller): Speller =>
  (args, s) =>
    isFloat(s) ? helper(name)(args, s) : others(args, s)
/** Like `ofFloats`, where the helper's result is no float: there is nothing to round back to a half. */
const fromFloats =
  (name: Helper, others: Speller): Speller =>
  (args, s) =>
    isFloat(s) ? `${s.helper(name)}(${args.map((a) => widened(a, s)).join(", ")})` : others(args, s)
const swapped =
  (name: Helper, others: Speller): Speller =>
  (args, s) =>
    isFloat(s) ? fromFloats(name, others)(args.toReversed(), s) : others(args, s)
const convert: Speller = ([a], s) => `${s.resultType}(${a})`
const logical =
  (symbol: string): Speller =>
  ([a, b], s) =>
    // `&&` takes scalars only; on vectors of bool the bitwise form means the same.
    s.argType === "bool" ? `(${a} ${symbol}${symbol} ${b})` : `(${a} ${symbol} ${b})`

export const WGSL_SCALARS: Record<ScalarOp, Speller> = {
  neg: ([a]) => `(-${a})`,
  abs: call("abs"),
  sign: ofFloats("sign", call("sign")),
  floor: call("floor"),
  ceil: call("ceil"),
  round: call("round"),
  exp: call("exp"),
  exp2: call("exp2"),
  expm1: helper("expm1"),
  log: call("log"),
  log2: call("log2"),
  log1p: helper("log1p"),
  sqrt: call("sqrt"),
  rsqrt: ([a], s) => `(${s.resultType}(1) / sqrt(${a}))`,
  sin: call("sin"),
  cos: call("cos"),
  tan: call("tan"),
  asin: helper("asin"),
  atan: helper("atan"),
  sinh: helper("sinh"),
  cosh: call("cosh"),
  tanh: helper("tanh"),
  erf: helper("erf"),
  add: infix("+"),
  sub: infix("-"),
  mul: infix("*"),
  div: infix("/"),
  rem: ofFloats("rem", infix("%")),
  min: ofFloats("min", call("min")),
  max: ofFloats("max", call("max")),
  pow: helper("pow"),
  atan2: helper("atan2"),
  eq: fromFloats("eq", infix("==")),
  ne: fromFloats("ne", infix("!=")),
  lt: fromFloats("lt", infix("<")),
  le: fromFloats("le", infix("<=")),
  gt: swapped("lt", infix(">")),
  ge: swapped("le", infix(">=")),
  and: logical("&"),
  or: logical("|"),
  not: ([a]) => `(!${a})`,
  bitand: infix("&"),
  bitor: infix("|"),
  bitxor: infix("^"),
  shl: ([a, b], s) => `(${a} << ${s.resultType.startsWith("vec4") ? "vec4<u32>" : "u32"}(${b}))`,
  shr: ([a, b], s) => `(${a} >> ${s.resultType.startsWith("vec4") ? "vec4<u32>" : "u32"}(${b}))`,
  mulhi: helper("mulhi"),
  philox: helper("philox"),
  select: ([c, a, b]) => `select(${b}, ${a}, ${c})`,
  isnan: fromFloats("isnan", () => bug("only floats can be NaN")),
  nonfinite: ([a], s) => {
    const u = s.resultType.startsWith("vec4") ? "vec4<u32>" : "u32"
    return `((bitcast<${u}>(${widened(a!, s)}) & ${u}(0x7f800000u)) == ${u}(0x7f800000u))`
  },
  to_f32: convert,
  to_f16: convert,
  to_i32: fromFloats("to_i32", convert),
  to_u32: fromFloats("to_u32", convert),
  to_bool: (args, s) => fromFloats("ne", convert)([args[0]!, `${singles(s)}(0)`], s),
  bits_to_f32: ([a], s) => `bitcast<${s.resultType}>(${a})`,
}
