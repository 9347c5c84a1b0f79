/** onnx/ops: arithmetic, comparison, choice, conversion and functions of one number. */
import type { OpName } from "../../ir/op-name.js"
import { dtypeAttr } from "../../ops/attrs.js"
import { isFloat } from "../../ir/tensor.js"
import type { OnnxDType } from "../proto.js"
import type { Attributes, Term, Writer } from "../writer.js"
import { operator, type Spelling, widely } from "./spelling.js"

const isInteger = (dtype: OnnxDType): boolean => dtype === "i32" || dtype === "u32"

const arithmetic = (op: string): Spelling => widely(({ args, w }) => w.pointwise(op, args))
const comparison = (op: string): Spelling => widely(({ args, w }) => w.pointwise(op, args, "bool"))

/** Divides integers in i64, where the least number by -1 is a number too, and never by 0. */
const division = (op: "Div" | "Mod", fmod: boolean): Spelling =>
  widely(({ args: [a, b], w }) => {
    const attrs: Attributes = fmod ? { fmod: 1 } : {}
    if (a!.dtype !== "i64") return w.pointwise(op, [a!, b!], a!.dtype, attrs)
    const zero = w.scalar(0, "i64")
    const byZero = w.pointwise("Equal", [b!, zero], "bool")
    const safe = w.pointwise("Where", [byZero, w.scalar(1, "i64"), b!], "i64")
    return w.pointwise("Where", [byZero, zero, w.pointwise(op, [a!, safe], "i64", attrs)], "i64")
  }, isInteger)

const where: Spelling = ({ args: [cond, a, b], w }) => {
  if (a!.dtype === "bool") {
    const not = w.pointwise("Not", [cond!])
    return w.pointwise("Or", [w.pointwise("And", [cond!, a!]), w.pointwise("And", [not, b!])])
  }
  if (a!.dtype !== "u32") return w.pointwise("Where", [cond!, a!, b!], a!.dtype)
  const [wideA, wideB] = [w.cast(a!, "i64"), w.cast(b!, "i64")]
  return w.cast(w.pointwise("Where", [cond!, wideA, wideB], "i64"), "u32")
}

const cast: Spelling = ({ args: [x], attrs, w }) => {
  const to = dtypeAttr(attrs, "dtype")!
  // A negative float has no u32: through i64 it wraps.
  return to === "u32" && isFloat32(x!) ? w.cast(w.cast(x!, "i64"), to) : w.cast(x!, to)
}
const isFloat32 = ({ dtype }: Term): boolean => dtype !== "i64" && dtype !== "f64" && isFloat(dtype)

const times = (w: Writer, x: Term, factor: number): Term => w.pointwise("Mul", [x, w.scalar(factor, x.dtype)])

/** tanh(x/2) * (e^x + 1), which is as exact near 0 as tanh. */
const expm1: Spelling = ({ args: [x], w }) => {
  const half = w.pointwise("Tanh", [times(w, x!, 0.5)])
  const above = w.pointwise("Add", [w.pointwise("Exp", [x!]), w.scalar(1, x!.dtype)])
  return w.pointwise("Mul", [half, above])
}

/** ln(u) * x / (u - 1) with u = 1 + x rounded: the rounding error of u cancels (Kahan). */
const log1p: Spelling = ({ args: [x], w }) => {
  const one = w.scalar(1, x!.dtype)
  const u = w.pointwise("Add", [x!, one])
  const log = w.pointwise("Log", [u])
  const least = w.pointwise("Equal", [u, one], "bool")
  const above = w.pointwise("Where", [least, one, w.pointwise("Sub", [u, one])], x!.dtype)
  const near = w.pointwise("Mul", [log, w.pointwise("Div", [x!, above])])
  const large = w.pointwise("Greater", [x!, one], "bool")
  return w.pointwise("Where", [large, log, w.pointwise("Where", [least, x!, near], x!.dtype)], x!.dtype)
}

/** From the arc tangent of the smaller by the larger: nothing is divided by 0 but at the origin, where it is 0 by 1. */
const atan2: Spelling = ({ args: [a, b], w }) => {
  const dtype = a!.dtype
  const zero = w.scalar(0, a!.dtype)
  const [wide, high] = [w.pointwise("Abs", [b!]), w.pointwise("Abs", [a!])]
  const steep = w.pointwise("Greater", [high, wide], "bool")
  const small = w.pointwise("Where", [steep, wide, high], dtype)
  const large = w.pointwise("Where", [steep, high, wide], dtype)
  const origin = w.pointwise("Equal", [large, zero], "bool")
  const divisor = w.pointwise("Where", [origin, w.scalar(1, a!.dtype), large], dtype)
  const low = w.pointwise("Atan", [w.pointwise("Div", [small, divisor])])
  const quarter = w.pointwise("Sub", [w.scalar(Math.PI / 2, a!.dtype), low])
  const first = w.pointwise("Where", [steep, quarter, low], dtype)
  const left = w.pointwise("Less", [b!, zero], "bool")
  const mirrored = w.pointwise("Sub", [w.scalar(Math.PI, a!.dtype), first])
  const upper = w.pointwise("Where", [left, mirrored, first], dtype)
  const below = w.pointwise("Less", [a!, zero], "bool")
  return w.pointwise("Where", [below, w.pointwise("Neg", [upper]), upper], dtype)
}

export const POINTWISE = {
  add: arithmetic("Add"),
  sub: arithmetic("Sub"),
  mul: arithmetic("Mul"),
  div: division("Div", false),
  rem: division("Mod", true),
  pow: operator("Pow"),
  atan2,
  maximum: arithmetic("Max"),
  minimum: arithmetic("Min"),
  eq: comparison("Equal"),
  ne: widely(({ args, w }) => w.pointwise("Not", [w.pointwise("Equal", args, "bool")])),
  lt: comparison("Less"),
  le: comparison("LessOrEqual"),
  gt: comparison("Greater"),
  ge: comparison("GreaterOrEqual"),
  and: operator("And"),
  or: operator("Or"),
  not: operator("Not"),
  where,
  cast,
  neg: arithmetic("Neg"),
  abs: arithmetic("Abs"),
  sign: arithmetic("Sign"),
  floor: operator("Floor"),
  ceil: operator("Ceil"),
  round: operator("Round"),
  exp: operator("Exp"),
  exp2: ({ args: [x], w }) => w.pointwise("Pow", [w.scalar(2, x!.dtype), x!]),
  expm1,
  log: operator("Log"),
  log2: ({ args: [x], w }) => times(w, w.pointwise("Log", [x!]), 1 / Math.LN2),
  log1p,
  sqrt: operator("Sqrt"),
  rsqrt: ({ args: [x], w }) => w.pointwise("Reciprocal", [w.pointwise("Sqrt", [x!])]),
  sin: operator("Sin"),
  cos: operator("Cos"),
  tan: operator("Tan"),
  asin: operator("Asin"),
  atan: operator("Atan"),
  sinh: operator("Sinh"),
  cosh: operator("Cosh"),
  tanh: operator("Tanh"),
  erf: operator("Erf"),
  nonfinite: ({ args: [x], w }) =>
    w.pointwise("Or", [w.pointwise("IsNaN", [x!], "bool"), w.pointwise("IsInf", [x!], "bool")]),
  stop_gradient: ({ args: [x] }) => x!,
} satisfies Partial<Record<OpName, Spelling>>
