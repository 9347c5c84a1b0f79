/** pytorch/ops: pointwise operations. Numbers stay Python numbers until they meet a tensor. */
import type { OpName } from "../../ir/op-name.js"
import { broadcastShapes, type DType, isFloat, sameShape, type Shape } from "../../ir/tensor.js"
import { dtypeAttr } from "../../ops/attrs.js"
import { bug } from "../../source/bug.js"
import { atom, call, choice, type Code, infix, type Level, LEVEL, method, power, prefix } from "../python.js"
import { made, type Spelling, type Term, type Use } from "./spelling.js"

export const TORCH_DTYPES: Readonly<Record<DType, string>> = {
  f32: "torch.float32",
  f16: "torch.float16",
  i32: "torch.int32",
  // PyTorch computes little with 32 bits without a sign.
  u32: "torch.int64",
  bool: "torch.bool",
}

const isNumbers = (args: readonly Term[]): boolean => args.every((a) => a.scalar)

function result({ args, type }: Use, value: Code): Term {
  const code = type.dtype === "u32" ? wrapping(value) : value
  if (isNumbers(args)) return { code, dtype: type.dtype, shape: type.shape, held: [], scalar: true }
  return made(code, type, heldBy(args))
}
/** Wraps an integer of 32 bits, held in 64. */
export const wrapping = (code: Code): Code =>
  /^\w+$/.test(code.text) ? code : infix("&", LEVEL.and, code, atom("0xFFFFFFFF"))
const heldBy = (args: readonly Term[]): Shape =>
  args.map((a) => a.held).reduce((a, b) => broadcastShapes(a, b) ?? bug("arguments do not broadcast"))

/** The one of two arguments that a sum with 0 or a product with 1 leaves; undefined where both count. */
function left({ args: [a, b], type }: Use, neutral: RegExp, onlyRight = false): Term | undefined {
  const is = (x: Term, by: Term): boolean =>
    by.scalar === true && neutral.test(by.code.text) && sameShape(x.shape, type.shape)
  if (is(a!, b!)) return a
  return !onlyRight && is(b!, a!) ? b : undefined
}
const arithmetic =
  (sign: string, level: Level, neutral: RegExp, onlyRight = false): Spelling =>
  (use) =>
    left(use, neutral, onlyRight) ?? result(use, infix(sign, level, use.args[0]!.code, use.args[1]!.code))
const NOTHING = /^0(\.0)?$/
const ONCE = /^1(\.0)?$/

const operator =
  (sign: string, level: Level): Spelling =>
  (use) =>
    result(use, infix(sign, level, use.args[0]!.code, use.args[1]!.code))

/** A function of torch, of tensors; `number` is that of numbers. */
const pointwise =
  (name: string, number: (...args: readonly Code[]) => Code): Spelling =>
  (use) =>
    isNumbers(use.args)
      ? result(use, number(...use.args.map((a) => a.code)))
      : result(use, call(`torch.${name}`, ...use.args.map((a) => use.w.tensor(a))))
const unary = (name: string, number = `math.${name}`): Spelling => pointwise(name, (x) => call(number, x!))

/** Truncates; an integer divided by 0 is 0. */
const division =
  (ofIntegers: string, ofFloats: (use: Use) => Code): Spelling =>
  (use) => {
    const [a, b] = use.args
    if (isFloat(a!.dtype)) return result(use, ofFloats(use))
    if (isNumbers(use.args)) return result(use, call(`ops.${ofIntegers}`, a!.code, b!.code))
    return result(use, call(`ops.${ofIntegers}`, use.w.tensor(a!), use.w.tensor(b!)))
  }

const where: Spelling = (use) => {
  const [condition, a, b] = use.args
  if (isNumbers(use.args)) return result(use, choice(condition!.code, a!.code, b!.code))
  if (condition!.scalar) return made(choice(condition!.code, use.w.whole(a!), use.w.whole(b!)), use.type)
  // Torch would not know the dtype of a function of two numbers.
  const both = a!.scalar && b!.scalar && use.type.dtype !== "f32"
  return result(
    use,
    call("torch.where", use.w.tensor(condition!), both ? use.w.tensor(a!) : a!.code, b!.code),
  )
}

const cast: Spelling = (use) => {
  const [x] = use.args
  const to = dtypeAttr(use.attrs, "dtype")!
  if (x!.dtype === to) return x!
  if (x!.scalar)
    return { ...x!, dtype: to, code: isFloat(to) ? x!.code : call(to === "bool" ? "bool" : "int", x!.code) }
  const named = { f32: "float", f16: "half", bool: "bool", i32: "int", u32: undefined }[to]
  if (to === "u32" && x!.dtype !== "bool")
    return made(wrapping(method(x!.code, "to", TORCH_DTYPES[to])), use.type, x!.held)
  if (to === "i32" && isFloat(x!.dtype)) return made(call("ops.to_int", x!.code), use.type, x!.held)
  return made(named ? method(x!.code, named) : method(x!.code, "to", TORCH_DTYPES[to]), use.type, x!.held)
}

const compared = (sign: string): Spelling => operator(sign, LEVEL.compare)
const logical =
  (sign: string, ofNumbers: string, level: Level): Spelling =>
  (use) =>
    isNumbers(use.args)
      ? result(use, atom(`(${use.args[0]!.code.text} ${ofNumbers} ${use.args[1]!.code.text})`))
      : result(use, infix(sign, level, use.args[0]!.code, use.args[1]!.code))

export const POINTWISE = {
  add: arithmetic("+", LEVEL.sum, NOTHING),
  sub: arithmetic("-", LEVEL.sum, NOTHING, true),
  mul: arithmetic("*", LEVEL.product, ONCE),
  div: division("int_div", ({ args }) => infix("/", LEVEL.product, args[0]!.code, args[1]!.code)),
  rem: division("int_rem", ({ args, w }) =>
    isNumbers(args)
      ? call("math.fmod", args[0]!.code, args[1]!.code)
      : call("torch.fmod", w.tensor(args[0]!), args[1]!.code),
  ),
  pow: (use) => result(use, power(use.args[0]!.code, use.args[1]!.code)),
  atan2: pointwise("atan2", (a, b) => call("math.atan2", a!, b!)),
  maximum: pointwise("maximum", (a, b) => call("max", a!, b!)),
  minimum: pointwise("minimum", (a, b) => call("min", a!, b!)),
  eq: compared("=="),
  ne: compared("!="),
  lt: compared("<"),
  le: compared("<="),
  gt: compared(">"),
  ge: compared(">="),
  and: logical("&", "and", LEVEL.and),
  or: logical("|", "or", LEVEL.or),
  not: (use) =>
    result(
      use,
      isNumbers(use.args) ? prefix("not ", use.args[0]!.code, LEVEL.not) : prefix("~", use.args[0]!.code),
    ),
  where,
  cast,
  neg: (use) => result(use, prefix("-", use.args[0]!.code)),
  abs: (use) =>
    result(use, isNumbers(use.args) ? call("abs", use.args[0]!.code) : method(use.args[0]!.code, "abs")),
  sign: pointwise("sign", (x) => call("math.copysign", "1.0", x!)),
  floor: unary("floor"),
  ceil: unary("ceil"),
  round: unary("round", "round"),
  exp: unary("exp"),
  exp2: unary("exp2"),
  expm1: unary("expm1"),
  log: unary("log"),
  log2: unary("log2"),
  log1p: unary("log1p"),
  sqrt: unary("sqrt"),
  rsqrt: pointwise("rsqrt", (x) => infix("/", LEVEL.product, atom("1"), call("math.sqrt", x!))),
  sin: unary("sin"),
  cos: unary("cos"),
  tan: unary("tan"),
  asin: unary("asin"),
  atan: unary("atan"),
  sinh: unary("sinh"),
  cosh: unary("cosh"),
  tanh: unary("tanh"),
  erf: unary("erf"),
  nonfinite: (use) => result(use, prefix("~", call("torch.isfinite", use.w.tensor(use.args[0]!)))),
  stop_gradient: (use) =>
    use.args[0]!.scalar ? use.args[0]! : result(use, method(use.args[0]!.code, "detach")),
} satisfies Partial<Record<OpName, Spelling>>
