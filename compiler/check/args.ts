/** check: the arguments of a call -> the parameters of a declaration, each of its declared type.
 *  Guarantees: every parameter has a value, or a diagnostic was given; sizes bound on the way are in the signature. */
import type { Arg, Param, TensorTypeExpr, TypeExpr } from "../ir/ast/types.js"
import { printType, type DType, type Shape } from "../ir/tensor.js"
import { type Span, spanText } from "../source/source.js"
import { checkWaiting, matchShape, resolveShape, resolveDim, written, type Signature } from "./dims.js"
import type { Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { adviceOnArgument, adviceOnType, habitualParam } from "./habits.js"
import { complain, DECLARED, meantName } from "./report.js"
import type { Fix } from "../source/diagnostic.js"
import { nearest } from "../source/suggest.js"
import * as v from "./values.js"
import { noteValue } from "./watch.js"
import type { TensorValue, Value } from "./values.js"

/** An argument, already evaluated. */
export interface Given {
  readonly name?: string | undefined
  /** Where the name stands, of an argument that is written. */
  readonly nameSpan?: Span | undefined
  readonly value: Value
  readonly span: Span
}

export const evalArgs = (env: Env, args: readonly Arg[]): Given[] =>
  args.map(({ name, value }) => ({
    name: name?.text,
    nameSpan: name?.span,
    value: evalExpr(env, value),
    span: value.span,
  }))

/** The argument given for each parameter, by its name. */
export const byName = (assigned: ReadonlyMap<Param, Given>): Map<string, Given> =>
  new Map([...assigned].map(([param, given]) => [param.name.text, given]))

/** Which argument each parameter gets; undefined where the default stands. Undefined as a whole after a diagnostic. */
export function assign(
  env: Env,
  params: readonly Param[],
  given: readonly Given[],
  callee: string,
  span: Span,
): ReadonlyMap<Param, Given> | undefined {
  const out = new Map<Param, Given>()
  let good = true
  const fail = (...complaint: Parameters<typeof complain>): void => {
    good = false
    complain(...complaint)
  }
  const signature = `${callee}(${params.map((p) => p.name.text).join(", ")})`
  let next = 0
  for (const arg of given) {
    const param = arg.name === undefined ? params[next++] : params.find((p) => p.name.text === arg.name)
    if (!param && arg.name === undefined)
      fail(env, {
        code: "too-many-arguments",
        message: `\`${callee}\` takes ${params.length === 0 ? "no arguments" : `${params.length}`} here, and got ${given.length}`,
        span: arg.span,
        label: "one too many",
        ...(sizesInAList(params, given, callee) ?? { help: `it is \`${signature}\`` }),
      })
    else if (!param) {
      const { meant, ...advice } = adviceOnUnknown(params, arg.name!, arg.nameSpan ?? arg.span, signature)
      // By its other name it is known, and the rest is checked with it.
      if (meant === undefined || meant !== habitualParam(params, arg.name!)) good = false
      complain(env, {
        code: "argument-unknown",
        message: `\`${callee}\` has no argument \`${arg.name}\``,
        span: arg.nameSpan ?? arg.span,
        label: "not one of its arguments",
        ...advice,
      })
      // It is not missing as well.
      if (meant && !out.has(meant)) out.set(meant, arg)
    } else if (out.has(param) && areListItems(params, given))
      fail(env, {
        code: "argument-type",
        message: `\`${params[0]!.name.text}\` of \`${callee}\` must be a list, and here the tensors stand side by side`,
        span: { ...given[0]!.span, end: positional(given).at(-1)!.span.end },
        label: `${positional(given).length} arguments`,
        ...inAList(callee, given),
      })
    else if (out.has(param))
      fail(env, {
        code: "argument-twice",
        message: `\`${param.name.text}\` of \`${callee}\` is given twice`,
        span: arg.span,
        label: "the second time",
        related: [{ span: out.get(param)!.span, text: "the first time" }],
      })
    else out.set(param, arg)
  }
  const missing = params.filter((p) => !out.has(p) && !p.default)
  if (missing.length > 0)
    fail(env, {
      code: "argument-missing",
      message: `\`${callee}\` needs ${missing.map((p) => `\`${p.name.text}\``).join(", ")}`,
      span,
      label: missing.length === 1 ? "one argument is missing" : `${missing.length} arguments are missing`,
      related: [{ span: missing[0]!.span, text: "declared here" }],
      help: `it is \`${signature}\``,
    })
  return good ? out : undefined
}

const positional = (given: readonly Given[]): Given[] => given.filter(({ name }) => name === undefined)

/** `zeros(3, 4)`: the sizes of a shape one by one, as in PyTorch. */
function sizesInAList(
  params: readonly Param[],
  given: readonly Given[],
  callee: string,
): { readonly help: string; readonly fix: Fix } | undefined {
  const sizes =
    given.length > 1 && given.every(({ name, value }) => name === undefined && value.kind === "int")
  return sizes && params[0]?.name.text === "like_shape" ? inAList(callee, given) : undefined
}

/** `cat(a, b, axis: 1)`. */
const areListItems = (params: readonly Param[], given: readonly Given[]): boolean =>
  params[0]?.type?.kind === "type" &&
  params[0].type.base.text === "list" &&
  positional(given).length > 1 &&
  positional(given).every(({ value }) => value.kind === "tensor")

/** The arguments without a name between brackets. */
function inAList(callee: string, given: readonly Given[]): { readonly help: string; readonly fix: Fix } {
  const all = positional(given)
  const span = { ...all[0]!.span, end: all.at(-1)!.span.end }
  const list = `[${spanText(span)}]`
  return {
    help: `they stand in a list: \`${callee}(${list}...)\``.replace(
      "...)",
      given.length > all.length ? ", ...)" : ")",
    ),
    fix: { span, replacement: list },
  }
}

/** Advice about an argument of an unknown name: the parameter that was probably meant. */
function adviceOnUnknown(
  params: readonly Param[],
  name: string,
  span: Span,
  signature: string,
): { readonly meant?: Param; readonly help: string; readonly fix?: Fix } {
  const advice = adviceOnArgument(name)
  if (advice !== undefined) return { help: advice }
  const known = params.map((p) => p.name.text)
  const meant = habitualParam(params, name) ?? params.find((p) => p.name.text === nearest(name, known))
  if (meant === undefined) return { help: `it is \`${signature}\`` }
  const here = meant.name.text
  return { meant, help: `did you mean \`${here}\`?`, fix: { span, replacement: here } }
}

/** Brings every argument to its declared type, in order; `inner` is the callee's environment, whose scope is filled on the way. */
export function bindAll(
  outer: Env,
  inner: Env,
  params: readonly Param[],
  given: ReadonlyMap<Param, Given>,
  signature: Signature,
  callee: string,
  kind: "argument" | "config",
): boolean {
  let good = true
  /** Reports as the caller, sees the callee's names. */
  const between: Env = { ...outer, scope: inner.scope, module: inner.module }
  for (const param of params) {
    const arg = given.get(param)
    const raw = arg ? arg.value : evalExpr(inner, param.default!)
    const span = arg ? arg.span : param.default!.span
    const what = `\`${param.name.text}\` of \`${callee}\``
    const value =
      arg && isSwapped(outer, param, given, what)
        ? v.ERROR
        : coerce(between, signature, param, raw, what, span)
    if (v.hasError(value)) good = false
    inner.scope.names.set(param.name.text, { value, span: param.name.span, kind })
    noteValue(inner, param.name.span, value)
  }
  if (!checkWaiting(between, signature)) good = false
  return good
}

/** Two arguments in each other's places, by their dtypes: `cross_entropy(labels, scores)`. */
function isSwapped(env: Env, param: Param, given: ReadonlyMap<Param, Given>, what: string): boolean {
  const { value, span } = given.get(param)!
  const wanted = param.type?.kind === "type" ? param.type.base.text : undefined
  if (wanted === undefined || !isDType(wanted) || value.kind !== "tensor" || value.type.dtype === wanted)
    return false
  const other = [...given].find(
    ([{ type }, { value: there }]) =>
      there.kind === "tensor" &&
      there.type.dtype === wanted &&
      (!type || (type.kind === "type" && type.base.text === value.type.dtype)),
  )
  if (!other) return false
  complain(env, {
    code: "dtype-mismatch",
    message: `${what} must be ${wanted}, and this is ${printType(value.type)}`,
    span,
    label: printType(value.type),
    related: [{ span: other[1].span, text: v.describe(other[1].value) }],
    help: `\`${param.name.text}\` and \`${other[0].name.text}\` seem to be swapped`,
    ...swap(span, other[1].span),
  })
  return true
}

/** Two places of one text in each other's place. */
function swap(a: Span, b: Span): { fix?: Fix } {
  const [first, second] = a.start < b.start ? [a, b] : [b, a]
  if (first.file !== second.file || first.end > second.start) return {}
  const text = (from: number, to: number): string => first.file.text.slice(from, to)
  const replacement =
    text(second.start, second.end) + text(first.end, second.start) + text(first.start, first.end)
  return { fix: { span: { ...first, end: second.end }, replacement } }
}

/** Puts the sizes a signature has learned into the callee's scope. Arguments of the same name come first. */
export function bindSizes(inner: Env, signature: Signature): void {
  for (const [name, size] of signature.sizes)
    if (!inner.scope.names.has(name))
      inner.scope.names.set(name, { value: v.fromDim(size.value), span: size.span, kind: "size" })
}

function coerce(env: Env, signature: Signature, param: Param, value: Value, what: string, span: Span): Value {
  if (value.kind === "none" && param.default?.kind === "none") return value
  if (!param.type || v.hasError(value)) return value
  return coerceTo(env, signature, param.type, value, what, span)
}

/** The value as the type wants it: numbers become floats where f32 is wanted. `env` reports as the caller, sees the callee's names. */
export function coerceTo(
  env: Env,
  signature: Signature,
  type: TypeExpr,
  value: Value,
  what: string,
  span: Span,
): Value {
  if (v.hasError(value)) return value
  if (type.kind === "tuple-type") {
    if (value.kind !== "tuple" || value.items.length !== type.items.length)
      return wrongKind(env, type, value, what, `a tuple of ${type.items.length}`, span)
    const items = value.items.map((item, i) =>
      coerceTo(env, signature, type.items[i]!, item, `part ${i} of ${what}`, span),
    )
    return items.some(v.hasError) ? v.ERROR : { kind: "tuple", items }
  }
  const base = type.base.text
  switch (base) {
    case "int":
      if (value.kind === "int" || value.kind === "dim") return value
      return wrongKind(env, type, value, what, "an integer known when compiling", span)
    case "string":
      return value.kind === "string" ? value : wrongKind(env, type, value, what, "a text in quotes", span)
    case "list":
      if (value.kind === "tuple") return v.list(value.items)
      return value.kind === "list" ? value : wrongKind(env, type, value, what, "a list", span)
    case "bool":
      if (!type.dims && value.kind === "bool") return value
      break
    case "any":
      if (!type.dims) return value
      break
  }
  if (!isDType(base) && base !== "any") return unknownType(env, type)
  return tensorArgument(env, signature, type, value, what, span)
}

const DTYPES: readonly DType[] = ["f32", "f16", "i32", "u32", "bool"]
export const isDType = (name: string): name is DType => DTYPES.some((d) => d === name)

export function unknownType(env: Env, type: TensorTypeExpr): Value {
  return complain(env, {
    code: "type-unknown",
    message: `there is no type \`${type.base.text}\``,
    span: type.base.span,
    label: "not a type",
    ...(adviceOnType(type.base.text, type.base.span) ??
      meantName(type.base.text, type.base.span, [...DTYPES, "any", "int", "string", "list"]) ?? {
        help: "types are f32, f16, i32, u32, bool, any, int, string and list",
      }),
  })
}

function tensorArgument(
  env: Env,
  signature: Signature,
  type: TensorTypeExpr,
  value: Value,
  what: string,
  span: Span,
): Value {
  const base = type.base.text
  if (value.kind === "tensor") {
    if (base !== "any" && value.type.dtype !== base)
      return complain(env, {
        code: "dtype-mismatch",
        message: `${what} must be ${base}, and this is ${printType(value.type)}`,
        span,
        label: printType(value.type),
        related: [{ span: type.span, text: DECLARED }, value.from],
        ...lossOfClasses(env, value, what),
        help:
          isNumbered(value) && base === "f32" && what.startsWith("`x`")
            ? `\`${written(span)}\` numbers ${value.madeBy === "vocabulary" || value.madeBy === "tokens" ? "characters" : "classes"}: \`Embedding(count, size)\` makes vectors of them, \`one_hot\` rows of 0 and 1`
            : value.madeBy === "argmax"
              ? "`argmax` gives the places of the largest scores: leave it out here"
              : base === "i32" && value.section.inputs.some(({ id }) => id === value.id)
                ? `declare it ${base} where it comes from, if it holds whole numbers; or convert it: \`${base}(${written(span)})\``
                : base === "f32" &&
                    env.module.library &&
                    value.type.dtype === "i32" &&
                    what.startsWith("`target`")
                  ? `classes as numbers go with \`cross_entropy\`; numbers to predict are converted: \`f32(${written(span)})\``
                  : `convert it: \`${base}(${written(span)})\``,
      })
    return matchShape(env, signature, type, value.type.shape, what, span, printType(value.type))
      ? value
      : v.ERROR
  }
  if (!v.isScalarConstant(value)) return wrongKind(env, type, value, what, "a tensor", span)
  const anyAxes = type.dims?.length === 1 && type.dims[0]?.kind === "rest"
  // A number stands beside tensors of every shape, so it does not settle what `...` is.
  if (!anyAxes && !matchShape(env, signature, type, [], what, span, v.describe(value))) return v.ERROR
  return constantAs(env, base, value, what, span)
}

/** By a stage of a field. */
const isNumbered = ({ madeBy }: TensorValue): boolean =>
  ["vocabulary", "categories", "classes", "hash", "bins", "tokens"].includes(madeBy ?? "")

/** `bce_with_logits(scores, y)` of classes and scores of each: the loss that takes them. */
function lossOfClasses({ frame }: Env, { type }: TensorValue, what: string): { readonly fix?: Fix } {
  const name = /^`target` of `(bce_with_logits|mse)`$/.exec(what)?.[1]
  const scores = frame?.given.get("logits")?.value ?? frame?.given.get("prediction")?.value
  if (name === undefined || type.dtype !== "i32" || !frame || scores?.kind !== "tensor") return {}
  const { file, start } = frame.span
  const classes = scores.type.shape.at(-1)
  if (scores.type.shape.length !== type.shape.length + 1 || classes === 1) return {}
  return file.text.startsWith(`${name}(`, start)
    ? { fix: { span: { file, start, end: start + name.length }, replacement: "cross_entropy" } }
    : {}
}

/** A constant as a scalar of a dtype; it stays a constant. */
function constantAs(env: Env, base: string, value: Value, what: string, span: Span): Value {
  if (base === "any" || value.kind === "dim") return value
  if ((base === "f32" || base === "f16") && v.isNumber(value)) return v.float(value.value)
  if ((base === "i32" || base === "u32") && value.kind === "int") return value
  if (base === "bool" && value.kind === "bool") return value
  return complain(env, {
    code: "dtype-mismatch",
    message: `${what} must be ${base}, and this is ${v.describe(value)}`,
    span,
    label: v.describe(value),
  })
}

function wrongKind(env: Env, type: TypeExpr, value: Value, what: string, wanted: string, span: Span): Value {
  return complain(env, {
    code: "argument-type",
    message: `${what} must be ${wanted}, and this is ${v.describe(value)}`,
    span,
    label: v.describe(value),
    related: [{ span: type.span, text: DECLARED }],
    ...(unquoted(value, span) ?? {
      help:
        value.kind === "layer" || value.kind === "instance" || value.kind === "model"
          ? `call it with its inputs first: \`${written(span)}(...)\``
          : undefined,
    }),
  })
}

/** The fix for a number in quotes: the number without them. */
export function unquoted(value: Value, span: Span): { readonly help: string; readonly fix: Fix } | undefined {
  if (value.kind !== "string" || !/^-?\d+(\.\d+)?(e-?\d+)?$/i.test(value.value)) return undefined
  return {
    help: `a number stands without quotes: \`${value.value}\``,
    fix: { span, replacement: value.value },
  }
}

/** The tensor type that stands written, every size known; undefined after a diagnostic. */
export function resolveType(
  env: Env,
  type: TypeExpr,
  signature?: Signature,
): { readonly dtype: DType; readonly shape: Shape } | undefined {
  if (type.kind === "tuple-type") {
    complain(env, {
      code: "type-unknown",
      message: "one tensor is meant here, not a tuple",
      span: type.span,
      label: "a tuple type",
    })
    return undefined
  }
  const dtype = type.base.text
  if (!isDType(dtype)) {
    unknownType(env, type)
    return undefined
  }
  const shape = resolveShape(env, type, signature)
  return shape && { dtype, shape }
}

/** The same without a word when some size is not known: whether a parameter can be declared before its layer is called. */
export function typeIsKnown(env: Env, type: TypeExpr): boolean {
  return (
    type.kind === "type" &&
    (type.dims ?? []).every((d) => d.kind !== "rest" && resolveDim(env, d).kind === "dim")
  )
}
