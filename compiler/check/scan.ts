/** check: `scan x in xs over 1 { ... }`: one iteration is elaborated once, as the region of a `scan` operation.
 *  The carries are the `var`s from outside that the block assigns.
 *  Guarantees: carried types do not change; the block gives its results as tensors, stacked along the axis of the sequences.
 *  Not here:   which values from outside the block sees: it may see all (lower/ makes them arguments). */
import type { Block, Expr, Name, ScanExpr, Stmt } from "../ir/ast/types.js"
import type { ModelRegion } from "../ir/model/types.js"
import {
  isStatic,
  printDim,
  printType,
  sameType,
  scalarType,
  tensorType,
  type TensorType,
} from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import type { Span } from "../source/source.js"
import { asTensor, emit } from "./emit.js"
import { originAt, userSpan, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { complain } from "./report.js"
import { lookup, newScope, type Binding } from "./scope.js"
import { append, nested } from "./section.js"
import { evalUnrolled } from "./scan-nested.js"
import { fit } from "./slots.js"
import { declare, runStatements } from "./stmt.js"
import * as v from "./values.js"
import type { TensorValue, Value } from "./values.js"

export function evalScan(env: Env, expr: ScanExpr): Value {
  if (isInLoop(env)) return evalUnrolled(env, expr)
  const sequences = sequencesOf(env, expr)
  const carries = carriedBy(env, expr.body)
  if (!sequences || !carries) return v.ERROR
  const { section } = env
  const param = (type: TensorType, from?: TensorValue["from"]): TensorValue => ({
    kind: "tensor",
    id: section.nextId++,
    type,
    section,
    ...(from && { from }),
  })
  const carryParams = carries.map((c) => c.first.map((t) => param(t.type, t.from)))
  const sliceParams = sequences.items.map((t, i) =>
    param(tensorType(t.type.dtype, t.type.shape.slice(1)), {
      span: expr.names[i]!.span,
      text: `${expr.names[i]!.text} is one place of axis ${sequences.axis}`,
    }),
  )
  const iteration = param(scalarType("i32"))
  const inner: Env = {
    ...env,
    scope: newScope(env.scope),
    loop: { iteration, iterations: sequences.iterations, span: expr.span },
  }
  expr.names.forEach((name, i) =>
    declare(inner, name, { value: sliceParams[i]!, span: name.span, kind: "loop" }),
  )
  carries.forEach((c, i) => (c.binding.value = v.withTensors(c.binding.value, carryParams[i]!)))
  const kept = new Map(section.made)
  const { body, result } = nested(section, () => {
    const flow = runStatements(inner, expr.body.statements)
    if (flow.returned) refused(inner, "a `return`", expr.body.statements.at(-1)?.span ?? expr.span)
    return {
      next: carries.map((c, i) => nextOf(inner, c, carryParams[i]!)),
      stacked: stackedIn(inner, flow.value, expr),
    }
  })
  // Values made inside are known only there.
  for (const key of section.made.keys()) if (!kept.has(key)) section.made.delete(key)
  if (result.next.includes(undefined) || !result.stacked || env.cx.diagnostics.hasErrors) {
    for (const c of carries) c.binding.value = v.ERROR
    return v.ERROR
  }
  const next = result.next.flatMap((list) => list ?? [])
  const region: ModelRegion = {
    params: [
      ...carryParams.flat().map((t, i) => ({ id: t.id, name: `carry.${i}`, type: t.type })),
      ...sliceParams.map((t, i) => ({ id: t.id, name: `at.${expr.names[i]!.text}`, type: t.type })),
      { id: iteration.id, name: "iteration", type: iteration.type },
    ],
    body,
    results: [...next, ...result.stacked.tensors].map((t) => t.id),
  }
  const loop = emitLoop(
    env,
    carries.flatMap((c) => c.first),
    sequences,
    region,
    expr.span,
  )
  let index = 0
  const take = (type: TensorType): Value =>
    emit(env, "scan_result", [loop], { index: index++, dtype: type.dtype, shape: type.shape }, expr.span)
  carries.forEach((c, i) => {
    const last = carryParams[i]!.map((t) => take(t.type))
    c.binding.value = v.withTensors(c.binding.value, last.flatMap(v.tensorsIn))
  })
  const stacks = result.stacked.tensors.map((t) =>
    moved(
      env,
      take(tensorType(t.type.dtype, [sequences.iterations, ...t.type.shape])),
      0,
      sequences.axis,
      expr.span,
    ),
  )
  return v.withTensors(result.stacked.value, stacks.flatMap(v.tensorsIn))
}

const isInLoop = (env: Env): boolean => env.loop?.iteration.section === env.section

/** Complains when this place is in the block of a scan. */
export function refused(env: Env, what: string, span: Span): boolean {
  if (!env.loop || !isInLoop(env)) return false
  complain(env, {
    code: "scan-block",
    message: `the block of a \`scan\` cannot contain ${what}`,
    span,
    label: "in the block of a `scan`",
    related: [{ span: env.loop.span, text: "this one" }],
    help: "give a `var` from outside its value for the next iteration, or stack values and use them after the loop",
  })
  return true
}

interface Sequences {
  /** With the axis that is walked in front. */
  readonly items: readonly TensorValue[]
  readonly iterations: number
  /** Where that axis was. */
  readonly axis: number
}

export function sequencesOf(env: Env, expr: ScanExpr): Sequences | undefined {
  const given = evalExpr(env, expr.sequence)
  const axis = evalExpr(env, expr.axis)
  if (v.hasError(given) || v.hasError(axis)) return undefined
  const fail = (message: string, at: Expr, label: string, help?: string): undefined =>
    void complain(env, { code: "scan-sequence", message, span: at.span, label, help })
  const items = given.kind === "tuple" || given.kind === "list" ? given.items : [given]
  if (axis.kind !== "int") return fail("`over` names an axis by its number", expr.axis, v.describe(axis))
  if (items.length !== expr.names.length)
    return fail(`${expr.names.length} names walk over ${v.describe(given)}`, expr.sequence, v.describe(given))
  const out: TensorValue[] = []
  let place: number | undefined
  let iterations: number | undefined
  for (const item of items) {
    if (item.kind !== "tensor")
      return fail(
        `\`scan\` walks over tensors, and this is ${v.describe(item)}`,
        expr.sequence,
        v.describe(item),
        "`for` walks over ranges and lists; `arange(n)` is a tensor of n numbers",
      )
    const { shape } = item.type
    const at = axis.value < 0 ? axis.value + shape.length : axis.value
    const size = shape[at]
    if (size === undefined)
      return fail(`${printType(item.type)} has no axis ${axis.value}`, expr.axis, `of ${shape.length} axes`)
    if (!isStatic(size))
      return fail(
        `axis ${axis.value} of ${printType(item.type)} has size ${printDim(size)}, which is known only when the program runs`,
        expr.axis,
        "the number of iterations must be known",
        "the batch is no time: walk over another axis",
      )
    if ((iterations ?? size) !== size || (place ?? at) !== at)
      return fail(
        "sequences walked together have the axis in one place and of one size",
        expr.sequence,
        items.map(v.describe).join(", "),
      )
    iterations = size
    place = at
    const front = moved(env, item, at, 0, expr.sequence.span)
    if (front.kind !== "tensor") return undefined
    out.push(front)
  }
  return { items: out, iterations: iterations ?? bug("a scan has a sequence"), axis: place ?? 0 }
}

/** The tensor with axis `from` at place `to`. */
function moved(env: Env, x: Value, from: number, to: number, span: Span): Value {
  if (x.kind !== "tensor" || from === to) return x
  const rest = x.type.shape.map((_, i) => i).filter((i) => i !== from)
  return emit(env, "transpose", [x], { perm: rest.toSpliced(to, 0, from) }, span)
}

interface Carry {
  readonly name: Name
  readonly binding: Binding
  readonly first: readonly TensorValue[]
}

/** The variables from outside that the block assigns, in order of their first assignment; numbers become scalars. */
export function carriedBy(env: Env, body: Block): Carry[] | undefined {
  const out: Carry[] = []
  for (const name of assignedIn(body)) {
    const binding = lookup(env.scope, name.text)
    // A name that is not there, or no variable, is reported where it is assigned.
    if (binding?.kind !== "var") continue
    if (v.hasError(binding.value)) return undefined
    const parts = partsOf(binding.value)
    if (!parts) {
      complain(env, {
        code: "scan-carry",
        message: `\`${name.text}\` is ${v.describe(binding.value)}, which cannot change from iteration to iteration`,
        span: name.span,
        label: "assigned in the block of a `scan`",
        related: [{ span: binding.span, text: "declared here" }],
        help: "only tensors and numbers are carried; start with zeros of the shape it will have",
      })
      return undefined
    }
    const from = { span: binding.span, text: `${name.text} is declared here` }
    const first = parts.map((part) => asTensor(env, part, undefined, binding.span)).flatMap(v.tensorsIn)
    if (first.length < parts.length) return undefined
    out.push({ name, binding, first: first.map((t) => ({ ...t, from })) })
  }
  return out
}

/** The tensors and numbers of a value; undefined when it holds anything else. */
function partsOf(value: Value): readonly Value[] | undefined {
  if (value.kind === "tensor" || v.isScalarConstant(value)) return [value]
  if (value.kind !== "tuple" && value.kind !== "list") return undefined
  const parts = value.items.map(partsOf)
  return parts.includes(undefined) ? undefined : parts.flatMap((p) => p ?? [])
}

/** Names that statements assign, those declared within left out. */
function assignedIn(block: Block, inner: ReadonlySet<string> = new Set()): Name[] {
  const own = new Set(inner)
  const out = new Map<string, Name>()
  const add = (names: readonly Name[]): void => names.forEach((n) => !out.has(n.text) && out.set(n.text, n))
  const visit = (s: Stmt): void => {
    if (s.kind === "var") own.add(s.name.text)
    else if (s.kind === "assign" && !own.has(s.name.text)) add([s.name])
    for (const part of blocksIn(s)) add(assignedIn(part, own))
  }
  block.statements.forEach(visit)
  return [...out.values()]
}

/** The outermost blocks within a statement: of `if`, `for` and `scan`, wherever they stand in it. */
function blocksIn(node: unknown): Block[] {
  if (typeof node !== "object" || node === null) return []
  if ("statements" in node) return [node as Block]
  return Object.entries(node).flatMap(([key, part]) => (key === "span" ? [] : blocksIn(part)))
}

/** The value of a carried variable after an iteration; undefined after a diagnostic. */
export function nextOf(
  env: Env,
  { name, binding, first }: Carry,
  before: readonly TensorValue[],
): TensorValue[] | undefined {
  const { value } = binding
  if (v.hasError(value)) return undefined
  const parts = partsOf(value)
  if (parts?.length !== before.length)
    return changes(env, name, binding, describeAll(first), v.describe(value))
  const out: TensorValue[] = []
  for (const [i, part] of parts.entries()) {
    const { type } = before[i]!
    if (part.kind === "tensor" && !sameType(part.type, type))
      return changes(env, name, binding, printType(type), printType(part.type))
    const fitted = part.kind === "tensor" ? part : fit(env, part, type, `\`${name.text}\``, name.span)
    if (fitted.kind !== "tensor") return undefined
    out.push(fitted)
  }
  return out
}
const describeAll = (tensors: readonly TensorValue[]): string =>
  tensors.map((t) => printType(t.type)).join(", ")

function changes(env: Env, name: Name, binding: Binding, was: string, is: string): undefined {
  complain(env, {
    code: "scan-carry",
    message: `\`${name.text}\` is ${was} before an iteration of this \`scan\` and ${is} after it`,
    span: name.span,
    label: `${is} here`,
    related: [{ span: binding.span, text: `${was} here` }],
    help: "what is carried keeps its type: start with a value of the shape and dtype that the block gives it",
  })
}

/** The value of the block as tensors that can be stacked where the sequences' axis was. */
export function stackedIn(
  env: Env,
  value: Value,
  expr: ScanExpr,
): { value: Value; tensors: TensorValue[] } | undefined {
  if (v.hasError(value)) return undefined
  if (value.kind === "none") return { value, tensors: [] }
  const parts = partsOf(value)
  const span = expr.body.statements.at(-1)?.span ?? expr.body.span
  if (!parts) {
    complain(env, {
      code: "scan-result",
      message: `the block of a \`scan\` gives tensors to stack, and this is ${v.describe(value)}`,
      span,
      label: v.describe(value),
    })
    return undefined
  }
  const tensors = parts.map((part) => asTensor(env, part, undefined, span)).flatMap(v.tensorsIn)
  const axis = evalExpr(env, expr.axis)
  const least = axis.kind === "int" ? (axis.value < 0 ? -axis.value - 1 : axis.value) : 0
  const flat = tensors.find((t) => t.type.shape.length < least)
  if (!flat) return tensors.length < parts.length ? undefined : { value, tensors }
  complain(env, {
    code: "scan-result",
    message: `the values of this block have too few axes to be stacked along axis ${axis.kind === "int" ? axis.value : 0}`,
    span,
    label: printType(flat.type),
    help: "walk over axis 0 (`transpose` brings it there), or give a value with the axes before it, the batch for instance",
  })
  return undefined
}

function emitLoop(
  env: Env,
  first: readonly TensorValue[],
  { items, iterations }: Sequences,
  region: ModelRegion,
  span: Span,
): TensorValue {
  const { section } = env
  const id = section.nextId++
  section.places.set(id, userSpan(env, span))
  const type = scalarType("i32")
  append(section, {
    kind: "op",
    id,
    op: "scan",
    args: [...first, ...items].map((t) => t.id),
    attrs: { iterations, carries: first.length, slices: items.length },
    type,
    origin: originAt(env, span),
    regions: [region],
  })
  return { kind: "tensor", id, type, section }
}
