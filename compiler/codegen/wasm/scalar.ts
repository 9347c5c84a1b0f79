/** codegen/wasm: how each scalar operation is spelled, for one value and for four. Fails to type-check when one is missing.
 *  A bool is 0 or 1 as a scalar; in a vector each lane is a mask of 0 or -1. f16 is computed in f32. */
import { highWords } from "./random.js"
import type { ScalarOp } from "../../ir/kernels/scalar.js"
import type { ScalarType } from "../../ir/kernels/types.js"
import {
  choose,
  type Code,
  type Instruction,
  constValue,
  f32,
  f32x4Const,
  get,
  i32,
  isConst,
  op,
  set,
  type ValType,
  wordsConst,
} from "./code.js"

export interface Spelling {
  /** Type of the first argument. */
  readonly type: ScalarType
  readonly result: ScalarType
  readonly width: 1 | 4
  readonly local: (type: ValType) => number
  readonly call: (name: string, ...args: Code[]) => Code
  /** A call of a function of math/; in a loop, its inlined body. */
  readonly math: (name: string, ...args: Code[]) => Code
}
type Speller = (args: readonly Code[], s: Spelling) => Code

const isFloat = (t: ScalarType): boolean => t === "f32" || t === "f16"
export const valType = (t: ScalarType, width: 1 | 4): ValType =>
  width === 4 ? "v128" : isFloat(t) ? "f32" : "i32"

const extract = (t: ScalarType, v: Code, lane: number): Code => [
  v,
  [isFloat(t) ? "f32x4.extract_lane" : "i32x4.extract_lane", lane],
]
const replaceLane = (t: ScalarType, v: Code, x: Code, lane: number): Code => [
  v,
  x,
  [isFloat(t) ? "f32x4.replace_lane" : "i32x4.replace_lane", lane],
]

/** Lane by lane, where there is no vector instruction. */
function byLane(args: readonly Code[], s: Spelling, one: (args: readonly Code[]) => Code): Code {
  const kept = args.map((a) => {
    const local = s.local("v128")
    return { local, set: set(local, a) }
  })
  const lanes = [0, 1, 2, 3].map((lane) => one(kept.map((k) => extract(s.type, get(k.local), lane))))
  const first: Code = [lanes[0]!, [isFloat(s.result) ? "f32x4.splat" : "i32x4.splat"]]
  return [
    kept.map((k) => k.set),
    lanes.slice(1).reduce<Code>((v, x, n) => replaceLane(s.result, v, x, n + 1), first),
  ]
}

/** f32 instruction, signed and unsigned integer instruction; the same names for vectors. */
const arithmetic =
  (float: string, signed: string, unsigned = signed): Speller =>
  (args, s) => {
    const scalar = isFloat(s.type) ? float : s.type === "u32" || s.type === "bool" ? unsigned : signed
    return op(s.width === 4 ? scalar.replace("f32.", "f32x4.").replace("i32.", "i32x4.") : scalar, ...args)
  }
/** Like `arithmetic`; bools compare as 0 and 1, which masks order the other way round. */
const comparison =
  (name: string): Speller =>
  (args, s) => {
    const suffix = name === "eq" || name === "ne" ? "" : s.type === "i32" ? "_s" : "_u"
    const shape = s.width === 4 ? "x4" : ""
    return isFloat(s.type) ? op(`f32${shape}.${name}`, ...args) : op(`i32${shape}.${name}${suffix}`, ...args)
  }
/** A function of math/: a scalar goes through the vector. */
const math =
  (name: string): Speller =>
  (args, s) =>
    s.width === 4
      ? s.math(name, ...args)
      : [s.call(name, ...args.map((a) => op("f32x4.splat", a))), ["f32x4.extract_lane", 0]]

const philox: Speller = (args, s) => {
  if (s.width === 4) return s.call("philox", ...args)
  return [s.call("philox", ...args.map((a) => op("i32x4.splat", a))), ["i32x4.extract_lane", 0]]
}

/** The scalar instruction on each lane when the width is 4. */
const laneWise =
  (one: Speller): Speller =>
  (args, s) =>
    s.width === 4 ? byLane(args, s, (a) => one(a, { ...s, width: 1 })) : one(args, s)

/** Integer division: 0 by zero, and no overflow at -1. Constants need no test. */
function divide(kind: "div" | "rem"): Speller {
  return laneWise(([a, b], s) => {
    const unsigned = s.type === "u32"
    const instruction = `i32.${kind}_${unsigned ? "u" : "s"}`
    if (isConst(b!) && constValue(b) !== 0 && constValue(b) !== -1) return op(instruction, a!, b)
    const [x, y] = [s.local("i32"), s.local("i32")]
    const plain = op(instruction, get(x), get(y))
    // For y = 0 and y = -1 the quotient is -x & y.
    const special = kind === "rem" ? i32(0) : op("i32.and", op("i32.sub", i32(0), get(x)), get(y))
    const rare = unsigned ? op("i32.eqz", get(y)) : op("i32.le_u", op("i32.add", get(y), i32(1)), i32(1))
    return [set(x, a!), set(y, b!), choose("i32", rare, unsigned ? i32(0) : special, plain)]
  })
}

function shift(name: string): Speller {
  return ([a, b], s) => {
    const full = name === "shl" ? "shl" : s.type === "u32" ? "shr_u" : "shr_s"
    if (s.width === 1) return op(`i32.${full}`, a!, b!)
    if (isConst(b!)) return op(`i32x4.${full}`, a!, i32(constValue(b)))
    return byLane([a!, b!], s, (x) => op(`i32.${full}`, ...x))
  }
}

/** A constant none of whose lanes is NaN. */
const isNumber = (code: Code): code is Instruction =>
  isConst(code) && code.slice(1).every((word) => (Number(word) & 0x7fffffff) <= 0x7f800000)

/** The lesser or greater; NaN stays. Engines spell the instruction that keeps it out with eight: the cheap one keeps the NaN of its
 *  first argument, and that of the second is put back, unless it is known to be a number. */
function extreme(name: "min" | "max"): Speller {
  return ([a, b], s) => {
    if (isFloat(s.type)) {
      if (s.width === 1) return op(`f32.${name}`, a!, b!)
      if (isNumber(b!)) return op(`f32x4.p${name}`, a!, b)
      if (isNumber(a!)) return op(`f32x4.p${name}`, b!, a)
      const y = s.local("v128")
      const either = op(`f32x4.p${name}`, a!, get(y))
      return [set(y, b!), op("v128.or", either, op("f32x4.ne", get(y), get(y)))]
    }
    const sign = s.type === "i32" ? "s" : "u"
    if (s.width === 4) return op(`i32x4.${name}_${sign}`, a!, b!)
    const [x, y] = [s.local("i32"), s.local("i32")]
    const test = op(`i32.${name === "min" ? "lt" : "gt"}_${sign}`, get(x), get(y))
    return [set(x, a!), set(y, b!), get(x), get(y), test, ["select", "i32"]]
  }
}

const sign: Speller = ([x], s) => {
  const v = valType(s.type, s.width)
  const kept = s.local(v)
  if (s.width === 4) {
    const [lt, gt, zero, one] = isFloat(s.type)
      ? ["f32x4.lt", "f32x4.gt", f32x4Const(0), f32x4Const(1)]
      : ["i32x4.lt_s", "i32x4.gt_s", wordsConst(0), wordsConst(1)]
    const minus = isFloat(s.type) ? f32x4Const(-1) : wordsConst(-1)
    const positive = op("v128.and", op(gt as string, get(kept), zero as Code), one as Code)
    const value = op("v128.or", positive, op("v128.and", op(lt as string, get(kept), zero as Code), minus))
    // All ones are NaN.
    const ordered = isFloat(s.type) ? op("v128.or", value, op("f32x4.ne", get(kept), get(kept))) : value
    return [set(kept, x!), ordered]
  }
  const [lt, gt, zero] = isFloat(s.type) ? ["f32.lt", "f32.gt", f32(0)] : ["i32.lt_s", "i32.gt_s", i32(0)]
  const difference = op(
    "i32.sub",
    op(gt as string, get(kept), zero as Code),
    op(lt as string, get(kept), zero as Code),
  )
  if (!isFloat(s.type)) return [set(kept, x!), difference]
  const isNumber = op("f32.eq", get(kept), get(kept))
  return [set(kept, x!), op("f32.convert_i32_s", difference), get(kept), isNumber, ["select", "f32"]]
}

const toFloat: Speller = ([a], s) => {
  if (isFloat(s.type)) return a!
  const suffix = s.type === "i32" ? "s" : "u"
  if (s.width === 1) return op(`f32.convert_i32_${suffix}`, a!)
  return op(`f32x4.convert_i32x4_${suffix}`, s.type === "bool" ? op("v128.and", a!, wordsConst(1)) : a!)
}
const toInt =
  (suffix: "s" | "u"): Speller =>
  ([a], s) => {
    if (isFloat(s.type))
      return op(s.width === 4 ? `i32x4.trunc_sat_f32x4_${suffix}` : `i32.trunc_sat_f32_${suffix}`, a!)
    return s.type === "bool" && s.width === 4 ? op("v128.and", a!, wordsConst(1)) : a!
  }
const toBool: Speller = ([a], s) => {
  if (s.type === "bool") return a!
  if (isFloat(s.type)) return s.width === 4 ? op("f32x4.ne", a!, f32x4Const(0)) : op("f32.ne", a!, f32(0))
  return s.width === 4 ? op("i32x4.ne", a!, wordsConst(0)) : op("i32.ne", a!, i32(0))
}

const bits =
  (name: "and" | "or" | "xor"): Speller =>
  (args, s) =>
    op(s.width === 4 ? `v128.${name}` : `i32.${name}`, ...args)

const mulhi: Speller = ([a, b], s) => {
  if (s.width === 1)
    return op(
      "i32.wrap_i64",
      op("i64.shr_u", op("i64.mul", op("i64.extend_i32_u", a!), op("i64.extend_i32_u", b!)), [
        "i64.const",
        32,
      ]),
    )
  const [x, y] = [s.local("v128"), s.local("v128")]
  return [set(x, a!), set(y, b!), highWords(get(x), get(y))]
}

const isnan: Speller = ([a], s) => {
  const v = valType(s.type, s.width)
  const x = s.local(v)
  return [set(x, a!), op(s.width === 4 ? "f32x4.ne" : "f32.ne", get(x), get(x))]
}

const nonfinite: Speller = ([a], s) => {
  const mask = 0x7f800000
  return s.width === 4
    ? op("i32x4.eq", op("v128.and", a!, wordsConst(mask)), wordsConst(mask))
    : op("i32.eq", op("i32.and", op("i32.reinterpret_f32", a!), i32(mask)), i32(mask))
}

/** x - y trunc(x / y), or x where the quotient is less than 1, for an infinite y too. */
const floatRem: Speller = ([a, b], s) => {
  const shape = s.width === 4 ? "f32x4" : "f32"
  const v = valType("f32", s.width)
  const [x, y] = [s.local(v), s.local(v)]
  const whole = s.local(v)
  return [
    set(x, a!),
    set(y, b!),
    set(whole, op(`${shape}.trunc`, op(`${shape}.div`, get(x), get(y)))),
    get(x),
    op(`${shape}.sub`, get(x), op(`${shape}.mul`, get(y), get(whole))),
    s.width === 4
      ? [op("f32x4.eq", get(whole), f32x4Const(0)), ["v128.bitselect"]]
      : [op("f32.eq", get(whole), f32(0)), ["select", "f32"]],
  ]
}

const rem = divide("rem")
const div = divide("div")
const negate: Speller = ([a], s) => {
  if (isFloat(s.type)) return op(s.width === 4 ? "f32x4.neg" : "f32.neg", a!)
  return s.width === 4 ? op("i32x4.neg", a!) : op("i32.sub", i32(0), a!)
}
const absolute: Speller = ([a], s) => {
  if (isFloat(s.type)) return op(s.width === 4 ? "f32x4.abs" : "f32.abs", a!)
  if (s.type === "u32") return a!
  if (s.width === 4) return op("i32x4.abs", a!)
  const x = s.local("i32")
  return [
    set(x, a!),
    op("i32.sub", i32(0), get(x)),
    get(x),
    op("i32.lt_s", get(x), i32(0)),
    ["select", "i32"],
  ]
}

const identityOfInt =
  (name: string): Speller =>
  ([a], s) =>
    isFloat(s.type) ? op(s.width === 4 ? `f32x4.${name}` : `f32.${name}`, a!) : a!

export const WASM_SCALARS: Record<ScalarOp, Speller> = {
  neg: negate,
  abs: absolute,
  sign,
  floor: identityOfInt("floor"),
  ceil: identityOfInt("ceil"),
  round: identityOfInt("nearest"),
  exp: math("exp"),
  exp2: math("exp2"),
  expm1: math("expm1"),
  log: math("log"),
  log2: math("log2"),
  log1p: math("log1p"),
  sqrt: arithmetic("f32.sqrt", "f32.sqrt"),
  rsqrt: ([a], s) =>
    s.width === 4
      ? op("f32x4.div", f32x4Const(1), op("f32x4.sqrt", a!))
      : op("f32.div", f32(1), op("f32.sqrt", a!)),
  sin: math("sin"),
  cos: math("cos"),
  tan: math("tan"),
  asin: math("asin"),
  atan: math("atan"),
  sinh: math("sinh"),
  cosh: math("cosh"),
  tanh: math("tanh"),
  erf: math("erf"),
  add: arithmetic("f32.add", "i32.add"),
  sub: arithmetic("f32.sub", "i32.sub"),
  mul: arithmetic("f32.mul", "i32.mul"),
  div: (args, s) => (isFloat(s.type) ? op(s.width === 4 ? "f32x4.div" : "f32.div", ...args) : div(args, s)),
  rem: (args, s) => (isFloat(s.type) ? floatRem(args, s) : rem(args, s)),
  min: extreme("min"),
  max: extreme("max"),
  pow: math("pow"),
  atan2: math("atan2"),
  eq: comparison("eq"),
  ne: comparison("ne"),
  lt: comparison("lt"),
  le: comparison("le"),
  gt: comparison("gt"),
  ge: comparison("ge"),
  and: bits("and"),
  or: bits("or"),
  not: ([a], s) => (s.width === 4 ? op("v128.not", a!) : op("i32.eqz", a!)),
  bitand: bits("and"),
  bitor: bits("or"),
  bitxor: bits("xor"),
  shl: shift("shl"),
  shr: shift("shr"),
  mulhi,
  philox,
  select: ([c, a, b], s) =>
    s.width === 4 ? op("v128.bitselect", a!, b!, c!) : [a!, b!, c!, ["select", valType(s.result, 1)]],
  isnan,
  nonfinite,
  to_f32: toFloat,
  to_f16: toFloat,
  to_i32: toInt("s"),
  to_u32: toInt("u"),
  to_bool: toBool,
  bits_to_f32: ([a], s) => (s.width === 4 ? a! : op("f32.reinterpret_i32", a!)),
}

export { extract, replaceLane }
