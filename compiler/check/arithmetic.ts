/** check: operators. Constants are computed, sizes stay exact, tensors become pointwise operations.
 *  Guarantees: `int op int` stays int except for `/`, which is true division (in a dimension, dims.ts, it is floor division). */
import type { OpName } from "../ir/op-name.js"
import type { BinaryExpr, BinaryOp } from "../ir/ast/types.js"
import { addDim, mulDim, sameDim, subDim, type Dim } from "../ir/tensor.js"
import type { Fix } from "../source/diagnostic.js"
import { type Span, spanText } from "../source/source.js"
import { noteDone } from "./doubts/done.js"
import { operandAt, pointwise } from "./emit.js"
import type { Env } from "./env.js"
import { forEachPath } from "./parameters.js"
import { complain } from "./report.js"
import * as v from "./values.js"
import type { Value } from "./values.js"

/** The primitive behind each operator; `@` is the library's `matmul`. */
const primitive: Record<Exclude<BinaryOp, "@">, OpName> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "%": "rem",
  "^": "pow",
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  "&&": "and",
  "||": "or",
}

export function binary(
  env: Env,
  op: Exclude<BinaryOp, "@">,
  left: Value,
  right: Value,
  expr: BinaryExpr,
): Value {
  const { span } = expr
  if (v.hasError(left) || v.hasError(right)) return v.ERROR
  const known = constants(op, left, right) ?? sizes(op, left, right)
  if (known) return known
  if (op === "+" && left.kind === "list" && right.kind === "list")
    return v.list([...left.items, ...right.items])
  if (op === "+" && left.kind === "string" && right.kind === "string")
    return v.string(left.value + right.value)
  if (left.kind === "parameters" || right.kind === "parameters")
    return forEachPath(env, [left, right], span, ([a, b]) => binary(env, op, a!, b!, expr))
  for (const side of [left, right])
    if (side.kind !== "tensor" && !v.isScalarConstant(side))
      return wrongOperand(env, op, side, left, right, span)
  if (left.kind === "tensor" && right.kind === "tensor" && left.type.dtype !== right.type.dtype)
    return complain(env, {
      code: "dtype-mismatch",
      message: `\`${op}\` needs one dtype on both sides; here are ${v.describe(left)} and ${v.describe(right)}`,
      span,
      label: `${left.type.dtype} ${op} ${right.type.dtype}`,
      related: [operandAt(left, expr.left.span), operandAt(right, expr.right.span)],
      help: conversionHelp(left.type.dtype, right.type.dtype),
      ...boolAsNumber(left, right, expr),
    })
  const result = pointwise(env, primitive[op], [left, right], {}, span, [expr.left.span, expr.right.span])
  noteDone(env, {
    name: op,
    args: new Map([
      ["left", left],
      ["right", right],
    ]),
    given: new Map([
      ["left", { value: left, span: expr.left.span }],
      ["right", { value: right, span: expr.right.span }],
    ]),
    result,
    span,
  })
  return result
}

/** A bool beside numbers becomes 0 and 1; of two kinds of numbers either may be meant. */
function boolAsNumber(
  left: v.TensorValue,
  right: v.TensorValue,
  { left: a, right: b }: BinaryExpr,
): { fix?: Fix } {
  const [span, dtype] = left.type.dtype === "bool" ? [a.span, right.type.dtype] : [b.span, left.type.dtype]
  if (left.type.dtype !== "bool" && right.type.dtype !== "bool") return {}
  return { fix: { span, replacement: `${dtype}(${spanText(span)})` } }
}

const conversionHelp = (a: string, b: string): string =>
  a === "bool" || b === "bool"
    ? `convert the bool side: \`${a === "bool" ? b : a}(...)\``
    : "dtypes are never converted silently: convert one side with `f32(...)` or `i32(...)`"

function wrongOperand(env: Env, op: string, side: Value, left: Value, right: Value, span: Span): Value {
  return complain(env, {
    code: "operand",
    message: `\`${op}\` does not work on ${v.describe(left)} and ${v.describe(right)}`,
    span,
    label: `${v.describe(side)} is no number and no tensor`,
    help:
      side.kind === "layer" || side.kind === "instance" || side.kind === "fn"
        ? "call it with its inputs first"
        : undefined,
  })
}

/** Both sides constant. */
function constants(op: string, a: Value, b: Value): Value | undefined {
  if (v.isNumber(a) && v.isNumber(b)) return numbers(op, a, b)
  if (a.kind === "bool" && b.kind === "bool" && (op === "&&" || op === "||"))
    return v.bool(op === "&&" ? a.value && b.value : a.value || b.value)
  if (op !== "==" && op !== "!=") return undefined
  const same = equal(a, b)
  return same === undefined ? undefined : v.bool(same === (op === "=="))
}

/** Whether two constants are the same; undefined when one is no constant. */
export function equal(a: Value, b: Value): boolean | undefined {
  if (a.kind === "tensor" || b.kind === "tensor" || a.kind === "dim" || b.kind === "dim") {
    if (a.kind === "none" || b.kind === "none" || a.kind === "string" || b.kind === "string") return false
    const [x, y] = [v.toDim(a), v.toDim(b)]
    // Like types, a size known only at run time equals itself alone: B is not 1, even if one row may come.
    return x === undefined || y === undefined ? undefined : sameDim(x, y)
  }
  if ((a.kind === "list" && b.kind === "list") || (a.kind === "tuple" && b.kind === "tuple")) {
    if (a.items.length !== b.items.length) return false
    const each = a.items.map((item, i) => equal(item, b.items[i]!))
    return each.includes(undefined) ? undefined : each.every((e) => e === true)
  }
  if (v.isNumber(a) && v.isNumber(b)) return a.value === b.value
  if (a.kind === "bool" && b.kind === "bool") return a.value === b.value
  if (a.kind === "string" && b.kind === "string") return a.value === b.value
  return a.kind === b.kind && a.kind === "none"
}

type NumberValue = Value & { readonly kind: "int" | "float" }

function numbers(op: string, a: NumberValue, b: NumberValue): Value | undefined {
  const [x, y] = [a.value, b.value]
  const bothInt = a.kind === "int" && b.kind === "int"
  const number = (value: number, asInt = bothInt): Value =>
    asInt && Number.isSafeInteger(value) ? v.int(value) : v.float(value)
  switch (op) {
    case "+":
      return number(x + y)
    case "-":
      return number(x - y)
    case "*":
      return number(x * y)
    case "/":
      return number(x / y, false)
    case "%":
      return number(x - y * Math.floor(x / y))
    case "^":
      return number(x ** y)
    case "==":
      return v.bool(x === y)
    case "!=":
      return v.bool(x !== y)
    case "<":
      return v.bool(x < y)
    case "<=":
      return v.bool(x <= y)
    case ">":
      return v.bool(x > y)
    case ">=":
      return v.bool(x >= y)
    default:
      return undefined
  }
}

/** Sizes known only at run time: sums, differences and products stay sizes; comparisons are answered when the difference is known. */
function sizes(op: string, a: Value, b: Value): Value | undefined {
  if (a.kind !== "dim" && b.kind !== "dim") return undefined
  const [x, y] = [v.toDim(a), v.toDim(b)]
  if (x === undefined || y === undefined) return undefined
  if (op === "+") return v.fromDim(addDim(x, y))
  if (op === "-") return v.fromDim(subDim(x, y))
  if (op === "*") return v.fromDim(mulDim(x, y))
  return ["<", "<=", ">", ">="].includes(op) ? compareSizes(op, subDim(x, y)) : undefined
}

/** Compares by the difference. Every size is at least 1, so B > 0 is known, B > 1 is not. */
function compareSizes(op: string, difference: Dim): Value | undefined {
  if (typeof difference === "number")
    return numbers(op, { kind: "int", value: difference }, { kind: "int", value: 0 })
  const least = leastOf(difference)
  const most = leastOf(mulDim(difference, -1))
  if (least !== undefined && least > 0) return v.bool(op === ">" || op === ">=")
  if (most !== undefined && most > 0) return v.bool(op === "<" || op === "<=")
  if (least === 0 && (op === ">=" || op === "<")) return v.bool(op === ">=")
  if (most === 0 && (op === "<=" || op === ">")) return v.bool(op === "<=")
  return undefined
}

/** The least value when every symbol is at least 1; undefined when there is none. */
function leastOf(dim: Dim): number | undefined {
  if (typeof dim === "number") return dim
  if (dim.terms.some((t) => t.syms.length > 0 && t.coef < 0)) return undefined
  return dim.terms.reduce((sum, t) => sum + t.coef, 0)
}

export function unary(env: Env, op: "-" | "!", operand: Value, span: Span): Value {
  if (v.hasError(operand)) return v.ERROR
  if (operand.kind === "parameters")
    return forEachPath(env, [operand], span, ([each]) => unary(env, op, each!, span))
  if (op === "-") {
    if (operand.kind === "int") return v.int(-operand.value)
    if (operand.kind === "float") return v.float(-operand.value)
    if (operand.kind === "dim") return v.fromDim(mulDim(operand.dim, -1))
    if (operand.kind === "tensor") return pointwise(env, "neg", [operand], {}, span)
  } else {
    if (operand.kind === "bool") return v.bool(!operand.value)
    if (operand.kind === "tensor") return pointwise(env, "not", [operand], {}, span)
  }
  return complain(env, {
    code: "operand",
    message: `\`${op}\` does not work on ${v.describe(operand)}`,
    span,
    label: op === "-" ? "no number and no tensor" : "no bool and no tensor",
  })
}
