/** check: the built-in functions: conversions, functions of constants, `grad`. */
import { mulDim, printType, sameDim, type DType } from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import type { Span } from "../source/source.js"
import type { Given } from "./args.js"
import { callAssert } from "./assert.js"
import { isDType } from "./args.js"
import { asTensor, cast, emit, isScalar } from "./emit.js"
import type { Env } from "./env.js"
import { floorDiv } from "./dims.js"
import { callMark, DIRECTION_MARKS } from "./direction.js"
import { callObserved } from "./observed.js"
import { forEachPath } from "./parameters.js"
import { complain, wrongType } from "./report.js"
import { callTargetMark, TARGET_MARKS } from "./targets.js"
import * as v from "./values.js"
import type { Value } from "./values.js"

export function callBuiltin(env: Env, name: string, given: readonly Given[], span: Span): Value {
  if (given.some((g) => v.hasError(g.value))) return v.ERROR
  if (isDType(name)) return one(env, name, given, span, (arg) => convert(env, name, arg, span))
  switch (name) {
    case "int":
      return one(env, name, given, span, (arg) => toInt(env, arg))
    case "string":
      return one(env, name, given, span, ({ value }) => v.string(v.spelled(value)))
    case "len":
      return one(env, name, given, span, (arg) => lengthOf(env, arg))
    case "is_number":
      return one(env, name, given, span, ({ value }) => v.bool(v.isNumber(value)))
    case "is_list":
      return one(env, name, given, span, ({ value }) =>
        v.bool(value.kind === "list" || value.kind === "tuple"),
      )
    case "floor_div":
    case "divides":
      return division(env, name, given, span)
    case "assert":
    case "error":
      return callAssert(env, name, given, span)
    case "grad":
      return gradient(env, given, span)
    case "observed":
      return callObserved(env, given, span)
    default:
      if (DIRECTION_MARKS.includes(name)) return callMark(env, name, given, span)
      if (TARGET_MARKS.includes(name)) return callTargetMark(env, name, given, span)
      return bug(`no built-in \`${name}\` can be called`)
  }
}

function one(
  env: Env,
  name: string,
  given: readonly Given[],
  span: Span,
  then: (arg: Given) => Value,
): Value {
  const [arg, more] = given
  return arg && !more ? then(arg) : wrongCount(env, name, 1, given.length, span)
}

function wrongCount(env: Env, name: string, wanted: number, got: number, span: Span): Value {
  return complain(env, {
    code: got > wanted ? "too-many-arguments" : "argument-missing",
    message: `\`${name}\` takes ${wanted} ${wanted === 1 ? "argument" : "arguments"}, and got ${got}`,
    span,
    label: `${got} given`,
  })
}

function convert(env: Env, dtype: DType, { value, span: at }: Given, span: Span): Value {
  switch (value.kind) {
    case "tensor":
      return cast(env, value, dtype, span)
    case "dim":
      return asTensor(env, value, dtype, span)
    case "bool":
      if (dtype === "bool") return value
      return dtype === "f32" || dtype === "f16" ? v.float(value.value ? 1 : 0) : v.int(value.value ? 1 : 0)
    case "int":
    case "float":
      if (dtype === "bool") return v.bool(value.value !== 0)
      return dtype === "f32" || dtype === "f16" ? v.float(value.value) : v.int(Math.trunc(value.value))
    default:
      return wrongType(env, dtype, "a tensor or a number", { value, span: at })
  }
}

function toInt(env: Env, arg: Given): Value {
  const { value } = arg
  if (value.kind === "int" || value.kind === "dim") return value
  if (value.kind === "float") return v.int(Math.trunc(value.value))
  if (value.kind === "bool") return v.int(value.value ? 1 : 0)
  return wrongType(env, "int", "a constant number (`i32` converts tensors)", arg)
}

function lengthOf(env: Env, arg: Given): Value {
  const { value } = arg
  if (value.kind === "list" || value.kind === "tuple") return v.int(value.items.length)
  if (value.kind === "string") return v.int([...value.value].length)
  return wrongType(env, "len", "a list, a tuple or a text (a tensor has `.shape`)", arg)
}

/** `floor_div(a, b)`, and `divides(b, a)`: whether that is known and leaves no rest. */
function division(env: Env, name: "floor_div" | "divides", given: readonly Given[], span: Span): Value {
  const [a, b, more] = name === "divides" ? given.toReversed() : given
  if (!a || !b || more) return wrongCount(env, name, 2, given.length, span)
  const [x, y] = [v.toDim(a.value), v.toDim(b.value)]
  if (x === undefined) return wrongType(env, name, "an integer", a)
  if (y === undefined) return wrongType(env, name, "an integer", b)
  const quotient = floorDiv(x, y)
  if (name === "divides") return v.bool(quotient !== undefined && sameDim(mulDim(quotient, y), x))
  if (quotient !== undefined) return v.fromDim(quotient)
  return complain(env, {
    code: "dim-arithmetic",
    message: `${v.spelled(a.value)} is not known to be divisible by ${v.spelled(b.value)}`,
    span,
    label: "cannot be computed when compiling",
  })
}

/** `grad(y, x)`: the derivative of a scalar by x; a list gives a list. */
function gradient(env: Env, given: readonly Given[], span: Span): Value {
  const [y, x, more] = given
  if (!y || !x || more) return wrongCount(env, "grad", 2, given.length, span)
  if (y.value.kind !== "tensor")
    return wrongType(env, "grad", "a scalar computed from parameters or inputs", y)
  if (!isScalar(y.value))
    return complain(env, {
      code: "grad-scalar",
      message: `\`grad\` differentiates a scalar, and this is ${printType(y.value.type)}`,
      span: y.span,
      label: printType(y.value.type),
      help: "reduce it first: `sum(...)` or `mean(...)`",
    })
  if (x.value.kind === "list" || x.value.kind === "tuple")
    return {
      kind: x.value.kind,
      items: x.value.items.map((item) => gradient(env, [y, { ...x, value: item }], span)),
    }
  if (x.value.kind === "parameters") {
    const by = (value: Value): Value => gradient(env, [y, { ...x, value }], span)
    return forEachPath(env, [x.value], span, ([each]) => by(each!))
  }
  if (x.value.kind !== "tensor") return wrongType(env, "grad", "a tensor to differentiate by", x)
  return emit(env, "grad", [y.value, x.value], {}, span)
}
