/** check: sizes in types: evaluating them, and solving a signature's names against the arguments of a call.
 *  Guarantees: names bind left to right; an expression is checked once its names are bound; `...` matches any axes and means the
 *              same axes wherever it stands in one signature. In a dimension `/` is floor division.
 *  Not here:   which argument belongs to which parameter (args.ts). */
import type { DimExpr, Expr, TensorTypeExpr } from "../ir/ast/types.js"
import {
  BATCH,
  isStatic,
  addDim,
  divDim,
  mulDim,
  printDim,
  sameDim,
  sameShape,
  subDim,
  type Dim,
  type Shape,
} from "../ir/tensor.js"
import type { Fix } from "../source/diagnostic.js"
import { type Span, spanText } from "../source/source.js"
import { lostRows } from "./doubts/lost-rows.js"
import type { Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { complain, DECLARED } from "./report.js"
import { axisHelp, rearranged } from "./shape-help.js"
import { lookup } from "./scope.js"
import { describe, toDim, type Value } from "./values.js"

/** The sizes that a signature has bound so far. */
export interface Signature {
  readonly sizes: Map<string, Known<Dim>>
  rest?: Known<Shape>
  /** Dimensions to check once their names are known. */
  readonly waiting: {
    readonly expr: Expr
    readonly actual: Dim
    readonly span: Span
    readonly what: string
  }[]
}
interface Known<T> {
  readonly value: T
  /** The argument that settled it, and a text for it. */
  readonly span: Span
  readonly text: string
}
export const newSignature = (): Signature => ({ sizes: new Map(), waiting: [] })

export type Resolved =
  | { readonly kind: "dim"; readonly dim: Dim }
  | { readonly kind: "unbound"; readonly name: string }
  | { readonly kind: "error" }

const known = (dim: Dim): Resolved => ({ kind: "dim", dim })
const failed: Resolved = { kind: "error" }

/** The size an expression in dimension position gives. A single unknown name is not yet a mistake. */
export function resolveDim(env: Env, expr: Expr, signature?: Signature): Resolved {
  if (expr.kind === "name") {
    const solved = signature?.sizes.get(expr.name)
    if (solved) return known(solved.value)
    const bound = lookup(env.scope, expr.name)?.value ?? constantNamed(env, expr)
    if (bound === undefined) return { kind: "unbound", name: expr.name }
    return asSize(env, bound, expr.span)
  }
  if (expr.kind === "binary") {
    const left = resolveDim(env, expr.left, signature)
    const right = resolveDim(env, expr.right, signature)
    if (left.kind !== "dim") return left
    if (right.kind !== "dim") return right
    return combine(env, expr.op, left.dim, right.dim, expr.span)
  }
  if (expr.kind === "unary" && expr.op === "-") {
    const operand = resolveDim(env, expr.operand, signature)
    return operand.kind === "dim" ? known(mulDim(operand.dim, -1)) : operand
  }
  return asSize(env, evalExpr(env, expr), expr.span)
}

/** A `let` at the top of a file. Other names at the top are no sizes, so a dimension may be called like one. */
function constantNamed(env: Env, expr: Expr & { kind: "name" }): Value | undefined {
  return env.module.names.get(expr.name)?.kind === "let" ? evalExpr(env, expr) : undefined
}

function asSize(env: Env, value: Value, span: Span): Resolved {
  if (value.kind === "error") return failed
  const dim = toDim(value)
  if (dim !== undefined) return known(dim)
  complain(env, {
    code: "dim-not-int",
    message: `a dimension must be an integer, and this is ${describe(value)}`,
    span,
    label: describe(value),
  })
  return failed
}

function combine(env: Env, op: string, a: Dim, b: Dim, span: Span): Resolved {
  switch (op) {
    case "+":
      return known(addDim(a, b))
    case "-":
      return known(subDim(a, b))
    case "*":
      return known(mulDim(a, b))
    case "/": {
      const quotient = floorDiv(a, b)
      if (quotient !== undefined) return known(quotient)
      break
    }
    case "%":
      if (typeof a === "number" && typeof b === "number" && b !== 0) return known(a - b * Math.floor(a / b))
      break
    case "^":
      if (typeof a === "number" && typeof b === "number" && b >= 0) return known(a ** b)
      break
  }
  complain(env, {
    code: "dim-arithmetic",
    message: `${printDim(a)} ${op} ${printDim(b)} is no size`,
    span,
    label: "cannot be computed when compiling",
    help: "sizes are made with + - * / (floor division) % and ^ of integers",
  })
  return failed
}

/** Rounded down when both are known; otherwise only where the division leaves nothing. */
export function floorDiv(a: Dim, b: Dim): Dim | undefined {
  if (b === 0) return undefined
  return typeof a === "number" && typeof b === "number" ? Math.floor(a / b) : divDim(a, b)
}

/** Matches the axes of an argument with the dimensions a parameter declares. `what` names the argument: `x` of `Linear`. */
export function matchShape(
  env: Env,
  signature: Signature,
  type: TensorTypeExpr,
  shape: Shape,
  what: string,
  span: Span,
  actual: string,
): boolean {
  const dims = type.dims ?? []
  const restAt = dims.findIndex((d) => d.kind === "rest")
  const fixed = restAt < 0 ? dims.length : dims.length - 1
  if (restAt < 0 ? shape.length !== fixed : shape.length < fixed) {
    const [rows] = dims
    const lost = rows?.kind === "name" && rows.name === "B" ? lostRows(env, shape, span, fixed) : undefined
    complain(env, {
      code: "rank-mismatch",
      message: `${what} needs ${restAt < 0 ? "" : "at least "}${axes(fixed)}, and ${actual} has ${axes(shape.length)}`,
      span,
      label: actual,
      help: imageHelp(what, shape) ?? rankHelp(fixed, shape.length),
      ...flattened(what, shape, fixed, span),
      ...lost,
      related: [...(lost?.related ?? []), { span: type.span, text: DECLARED }],
    })
    return false
  }
  let fits = true
  if (restAt >= 0) {
    const matched = shape.slice(restAt, restAt + shape.length - fixed)
    fits = matchRest(env, signature, matched, type, what, span, actual)
  }
  dims.forEach((dim, i) => {
    if (dim.kind === "rest") return
    const axis = restAt >= 0 && i > restAt ? i + shape.length - dims.length : i
    if (!matchDim(env, signature, dim, shape, axis, type, what, span, actual)) fits = false
  })
  return fits
}

/** Rows of features before a layer of images. */
function imageHelp(what: string, shape: Shape): string | undefined {
  const [, size] = shape
  if (!/^`x` of `\w+2d`$/.test(what) || shape.length !== 2) return undefined
  if (size === undefined || !isStatic(size)) return undefined
  const side = Math.sqrt(size)
  return Number.isInteger(side)
    ? `as ${side} x ${side} grey pixels a row is \`reshape(..., [B, 1, ${side}, ${side}])\`; features go into \`Linear\``
    : `${size} features have no height and width: they go into \`Linear\``
}

/** A result that `Linear` made of images: their axes joined before it. */
function flattened(
  what: string,
  shape: Shape,
  wanted: number,
  { file, start, end }: Span,
): { readonly help: string; readonly fix: Fix } | undefined {
  if (!what.startsWith("the result of") || wanted !== 2 || shape.length <= 2) return undefined
  const last = /\|>\s*(Linear\([^()]*\))\s*$/.exec(file.text.slice(start, end))
  if (!last) return undefined
  const at = start + last.index + last[0].indexOf(last[1]!)
  return {
    help: "`Linear` goes along the last axis: `Flatten()` before it joins the axes of a row",
    fix: { span: { file, start: at, end: at }, replacement: "Flatten() |> " },
  }
}

const axes = (n: number): string => (n === 0 ? "no axes" : n === 1 ? "1 axis" : `${n} axes`)

function rankHelp(wanted: number, found: number): string | undefined {
  if (wanted === 0) return "`mean(...)` or `sum(...)` makes one number of it"
  if (found === wanted - 1) return "`unsqueeze` adds an axis of size 1"
  if (found === wanted + 1)
    return "`squeeze` drops an axis of size 1, `flatten` joins axes, `x[0]` takes one place"
  return found > wanted ? "`flatten` and `reshape` join axes" : undefined
}

function matchRest(
  env: Env,
  signature: Signature,
  matched: Shape,
  type: TensorTypeExpr,
  what: string,
  span: Span,
  actual: string,
): boolean {
  const before = signature.rest
  if (!before) {
    signature.rest = {
      value: matched,
      span,
      text: restAlone(type) ? `${actual} here` : `${actual} here: its leading axes are ${shapeText(matched)}`,
    }
    return true
  }
  if (sameShape(before.value, matched)) return true
  const lost = [before.value, matched].map((shape, i) => {
    const other = i === 0 ? matched : before.value
    const isLost = other[0] !== undefined && sameDim(other[0], BATCH)
    return isLost ? lostRows(env, shape, i === 0 ? before.span : span, other.length) : undefined
  })
  const cause = lost.find((each) => each !== undefined)
  complain(env, {
    code: "shape-mismatch",
    message: `${what} must have the ${restAlone(type) ? "shape" : "leading axes"} ${shapeText(before.value)}, and ${actual} has ${shapeText(matched)}`,
    span,
    label: actual,
    help: restHelp(before, { shape: matched, span }),
    ...cause,
    related: [
      ...(cause?.related ?? []),
      ...(cause ? [] : [{ span: before.span, text: before.text }]),
      ...(env.cx.stdlib.has(type.span.file) ? [] : [{ span: type.span, text: DECLARED }]),
    ],
  })
  return false
}

const shapeText = (shape: Shape): string => `[${shape.map(printDim).join(", ")}]`
const restAlone = (type: TensorTypeExpr): boolean => type.dims?.length === 1

/** Advice with the one call that gives two arguments the same shape, where there is one. */
function restHelp(
  first: { readonly value: Shape; readonly span: Span },
  second: { readonly shape: Shape; readonly span: Span },
): string {
  const [a, b] = [written(first.span), written(second.span)]
  const rows = (shape: Shape): boolean => shape[0] !== undefined && sameDim(shape[0], BATCH)
  if (rows(first.value) !== rows(second.shape))
    return `\`${rows(first.value) ? b : a}\` has lost the rows of the batch: what makes it goes along axis 0, and the features begin at axis 1`
  const dropped = droppedAxis(first.value, second.shape, a) ?? droppedAxis(second.shape, first.value, b)
  if (dropped !== undefined) return dropped
  return (
    rearranged(second.shape, first.value, "it") ?? "both need the same shape: change what makes one of them"
  )
}
/** `[B, 1]` where `[B]` is wanted. */
function droppedAxis(long: Shape, short: Shape, name: string): string | undefined {
  const axis = long.findIndex((size, i) => size === 1 && sameShape(long.toSpliced(i, 1), short))
  return axis < 0
    ? undefined
    : `\`squeeze(${name}, ${axis})\` drops the axis of size 1: it gives ${shapeText(short)}`
}
/** An argument as it stands in the text, if it is short. */
export function written(span: Span): string {
  const text = spanText(span)
  return text.length <= 24 && !text.includes("\n") ? text : "..."
}

function matchDim(
  env: Env,
  signature: Signature,
  expr: Exclude<DimExpr, { kind: "rest" }>,
  shape: Shape,
  axis: number,
  type: TensorTypeExpr,
  what: string,
  span: Span,
  text: string,
): boolean {
  const actual = shape[axis]!
  const wanted = resolveDim(env, expr, signature)
  if (wanted.kind === "error") return false
  if (wanted.kind === "unbound") {
    if (expr.kind === "name")
      signature.sizes.set(expr.name, {
        value: actual,
        span,
        text: `\`${expr.name}\` is ${printDim(actual)} because of this`,
      })
    else signature.waiting.push({ expr, actual, span, what: `axis ${axis} of ${what}` })
    return true
  }
  if (sameDim(wanted.dim, actual)) return true
  const own = !env.cx.stdlib.has(type.span.file)
  const settled = expr.kind === "name" ? signature.sizes.get(expr.name) : undefined
  const isRows = axis === 0 && sameDim(wanted.dim, BATCH)
  const lost = isRows ? lostRows(env, shape, span, type.dims?.length ?? 0) : undefined
  complain(env, {
    code: "shape-mismatch",
    message: `axis ${axis} of ${what} must be ${printDim(wanted.dim)}, and ${text} has ${printDim(actual)} there`,
    span,
    label: text,
    help:
      isStatic(wanted.dim) === isStatic(actual)
        ? axisHelp(axis, shape, wanted.dim, declaredShape(env, signature, type), own)
        : "the rows have been joined with the axes of a row: `Flatten()`, or `flatten(..., 1)`, keeps axis 0 as it is",
    ...lost,
    related: [
      ...(lost?.related ?? []),
      settled && settled.span !== span && !lost ? settled : undefined,
      { span: type.span, text: DECLARED },
    ],
  })
  return false
}

/** The shape that a type says, where it is made of numbers and of names that are known. */
function declaredShape(env: Env, signature: Signature, type: TensorTypeExpr): Shape | undefined {
  const shape = (type.dims ?? []).flatMap((dim) => {
    const plain = dim.kind === "name" || dim.kind === "number"
    const resolved = plain ? resolveDim(env, dim, signature) : failed
    return resolved.kind === "dim" ? [resolved.dim] : []
  })
  return shape.length === type.dims?.length ? shape : undefined
}

/** Checks the dimensions that had to wait for their names. */
export function checkWaiting(env: Env, signature: Signature): boolean {
  let fits = true
  for (const { expr, actual, span, what } of signature.waiting.splice(0)) {
    const wanted = resolveDim(env, expr, signature)
    if (wanted.kind === "dim" && sameDim(wanted.dim, actual)) continue
    fits = false
    if (wanted.kind === "unbound") {
      unboundName(env, wanted.name, expr.span)
    } else if (wanted.kind === "dim")
      complain(env, {
        code: "shape-mismatch",
        message: `${what} must be ${printDim(wanted.dim)}, and is ${printDim(actual)}`,
        span,
        label: `${printDim(actual)} here`,
        related: [{ span: expr.span, text: `this gives ${printDim(wanted.dim)}` }],
        help: `make it ${printDim(wanted.dim)} where the tensor comes from, or change what the declaration computes`,
      })
  }
  return fits
}

export function unboundName(env: Env, name: string, span: Span): void {
  complain(env, {
    code: "dim-unbound",
    message: `nothing says how large \`${name}\` is`,
    span,
    label: "no argument binds this name",
    help:
      name === "B"
        ? "`B`, the rows of a batch, stands in the types of models; a field or a parameter is without it"
        : "a name gets its size where it stands alone in the type of an argument, as `n` in `x: f32[n]`",
  })
}

/** The shape that a type gives when every name in it is known; undefined after a diagnostic. */
export function resolveShape(env: Env, type: TensorTypeExpr, signature?: Signature): Shape | undefined {
  const shape: Dim[] = []
  for (const dim of type.dims ?? []) {
    if (dim.kind === "rest") {
      if (!signature?.rest) {
        complain(env, {
          code: "dim-unbound",
          message: "nothing says which axes `...` stands for",
          span: dim.span,
          label: "unknown here",
        })
        return undefined
      }
      shape.push(...signature.rest.value)
      continue
    }
    const resolved = resolveDim(env, dim, signature)
    if (resolved.kind === "unbound") unboundName(env, resolved.name, dim.span)
    if (resolved.kind !== "dim") return undefined
    if (typeof resolved.dim === "number" && resolved.dim < 1) {
      complain(env, {
        code: "dim-size",
        message: `a size must be at least 1, and this is ${resolved.dim}`,
        span: dim.span,
        label: `comes out as ${resolved.dim}`,
      })
      return undefined
    }
    shape.push(resolved.dim)
  }
  return shape
}
