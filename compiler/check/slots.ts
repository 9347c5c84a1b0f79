/** check: `param` and `state`: a slot each, its first value in a section of its own, and the statement that reads it.
 *  Guarantees: a slot is declared once; calling its instance again must ask for the same type.
 *  Not here:   the states of optimizers (optimizer.ts), instances (layers.ts). */
import type { Expr, ParamStmt, StateStmt, UpdateStmt } from "../ir/ast/types.js"
import type { Section, Slot } from "../ir/model/types.js"
import { printType, sameType, type TensorType } from "../ir/tensor.js"
import type { Span } from "../source/source.js"
import { evalArgs, resolveType } from "./args.js"
import { callFn } from "./call.js"
import { asTensor, emit, stretch } from "./emit.js"
import { followed, newNaming, originAt, under, userSpan, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { complain } from "./report.js"
import { refused } from "./scan.js"
import type { Binding } from "./scope.js"
import { append, finish, newSection } from "./section.js"
import { rearranged } from "./shape-help.js"
import { declareOptimizerState } from "./optimizer.js"
import { declare, numbered } from "./stmt.js"
import { noteArray } from "./weights.js"
import * as v from "./values.js"
import type { TensorValue, Value } from "./values.js"

export function declareParam(env: Env, s: ParamStmt): void {
  const type = resolveType(env, s.type)
  const name = s.as ? writtenName(env, s.as) : slotName(env, s)
  const slot = type && name !== undefined ? ensureSlot(env, s, name, type, "param") : undefined
  if (slot && s.from) noteArray(env, followed(env.cx, slot.name) ?? slot.name, s.from)
  const value = slot ? readSlot(env, slot, s) : v.ERROR
  declare(env, s.name, { value, span: s.name.span, kind: "param" })
}

export function declareState(env: Env, s: StateStmt): void {
  if (env.optimizing) {
    declareOptimizerState(env, env.optimizing, s)
    return
  }
  if (!s.type) {
    complain(env, {
      code: "state-type",
      message: `the state \`${s.name.text}\` needs a type`,
      span: s.name.span,
      label: "which shape?",
      help: `write \`state ${s.name.text}: f32[...] = ...\`; only in an optimizer the first value tells`,
    })
    declare(env, s.name, { value: v.ERROR, span: s.name.span, kind: "state" })
    return
  }
  const type = resolveType(env, s.type)
  const name = slotName(env, s)
  const slot = type && ensureSlot(env, s, name, type, "state")
  const value = slot ? readSlot(env, slot, s) : v.ERROR
  declare(env, s.name, { value, span: s.name.span, kind: "state", slot: name })
}

/** `param w as "weight_l" + string(l)`: the text in place of the name, and no number of the iteration. */
function writtenName(env: Env, as: Expr): string | undefined {
  const value = evalExpr(env, as)
  if (value.kind === "string" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value.value))
    return under(env.naming.path, uniqueName(env, value.value))
  if (!v.hasError(value))
    complain(env, {
      code: "param-as",
      message: `what a \`param\` is called must be a text that is a name, and this is ${v.describe(value)}`,
      span: as.span,
      label: v.describe(value),
      help: 'for instance `as "weight_l" + string(l)`',
    })
  return undefined
}

/** Unique within one call of the instance. */
function slotName(env: Env, s: ParamStmt | StateStmt): string {
  return under(env.naming.path, uniqueName(env, numbered(env, s.name)))
}

/** `name`, or with a number when the same body has made one of this name already (a fn called twice). */
export function uniqueName(env: Env, name: string): string {
  const { taken } = env.naming
  let unique = name
  for (let i = 1; taken.has(unique); i++) unique = `${name}.${i}`
  taken.add(unique)
  return unique
}

/** The slot of this name; undefined after a diagnostic. */
function ensureSlot(
  env: Env,
  s: ParamStmt | StateStmt,
  name: string,
  type: TensorType,
  role: Slot["role"],
): Slot | undefined {
  const before = env.cx.slots.get(name)
  if (before) {
    if (sameType(before.slot.type, type)) return before.slot
    complain(env, {
      code: "slot-type",
      message: `\`${name}\` is ${printType(before.slot.type)} at one call and ${printType(type)} at another`,
      span: s.name.span,
      label: `${printType(type)} here`,
      help: "one instance has one set of parameters: call it with inputs of one shape, or make two instances",
    })
    return undefined
  }
  const leader = followed(env.cx, name)
  if (leader !== undefined) return ensureFollowing(env, s, name, ensureSlot(env, s, leader, type, role))
  const frozen = s.kind === "param" && s.frozen
  const slot: Slot = {
    name,
    type,
    role,
    frozen,
    init: initialValue(env, s.init, name, type),
    origin: originAt(env, s.span),
  }
  env.cx.slots.set(name, { slot, span: s.name.span, user: userSpan(env, s.span) })
  return slot
}

/** Makes a slot that starts as its leader does, and that no optimizer moves. */
function ensureFollowing(
  env: Env,
  s: ParamStmt | StateStmt,
  name: string,
  leader: Slot | undefined,
): Slot | undefined {
  if (!leader) return undefined
  const slot: Slot = {
    ...leader,
    name,
    frozen: leader.role === "param",
    init: sameStart(env, leader, s.span),
    origin: originAt(env, s.span),
  }
  env.cx.slots.set(name, { slot, span: s.name.span, user: userSpan(env, s.span) })
  return slot
}

/** A first value that is that of another slot. */
export function sameStart(env: Env, other: Slot, span: Span): Section {
  const section = newSection(true)
  const value = readValue({ ...env, section, replaced: undefined }, other, span)
  return finish(section, [{ name: "value", value: value.id }])
}

/** Adds the statement that reads a slot. */
export function readSlot(env: Env, slot: Slot, s: ParamStmt | StateStmt): TensorValue {
  return readValue(env, slot, s.span, {
    span: { ...s.span, end: s.type?.span.end ?? s.name.span.end },
    text: `${s.name.text} is declared here: ${printType(slot.type)}`,
  })
}

export function readValue(env: Env, slot: Slot, span: Span, from?: TensorValue["from"]): TensorValue {
  const instead = env.replaced?.get(slot.name)
  if (instead) return instead
  const id = env.section.nextId++
  append(env.section, { kind: "read", id, slot: slot.name, type: slot.type, origin: originAt(env, span) })
  return { kind: "tensor", id, type: slot.type, section: env.section, ...(from && { from }) }
}

/** A section that gives the first value: an expression of the type, or of a scalar, or an initialiser that is told the shape. */
function initialValue(env: Env, init: Expr, name: string, type: TensorType): Section {
  const section = newSection(true)
  const inner: Env = {
    ...env,
    section,
    naming: newNaming(name),
    iterations: [],
    stepsFrom: 0,
    replaced: undefined,
  }
  const value = evalInitialiser(inner, init, type)
  return initSection(inner, value, name, type, init.span)
}

/** Closes an initial section: brings `value` to `type`. */
export function initSection(env: Env, value: Value, name: string, type: TensorType, span: Span): Section {
  const fitted = fit(env, value, type, `the first value of \`${name}\``, span)
  return finish(
    env.section,
    fitted.kind === "tensor" ? [{ name: "value", value: fitted.id }] : [],
    () => true,
  )
}

/** `zeros`, `uniform(-k, k)`: a fn whose first parameter is called `like_shape` is handed the declared shape. */
export function evalInitialiser(env: Env, init: Expr, type: TensorType): Value {
  const callee = init.kind === "call" ? init.callee : init
  if (callee.kind !== "name") return evalExpr(env, init)
  const fn = evalExpr(env, callee)
  if (fn.kind !== "fn" || fn.decl.params[0]?.name.text !== "like_shape")
    return init === callee ? fn : evalExpr(env, init)
  const args = init.kind === "call" ? init.args : []
  // `zeros([3])` gives the shape itself.
  if (args.some((a, i) => (a.name ? a.name.text === "like_shape" : i === 0 && a.value.kind === "list")))
    return evalExpr(env, init)
  const shape = { value: v.list(type.shape.map(v.fromDim)), span: init.span }
  return callFn(env, fn, [shape, ...evalArgs(env, args)], init.span)
}

/** The value as exactly this type; a scalar is repeated over the shape. */
export function fit(env: Env, value: Value, type: TensorType, what: string, span: Span): Value {
  const tensor = asTensor(env, value, type.dtype, span)
  if (tensor.kind !== "tensor") return v.ERROR
  if (sameType(tensor.type, type))
    return tensor.section === env.section
      ? tensor
      : emit(env, "broadcast", [tensor], { shape: type.shape }, span)
  if (tensor.type.dtype === type.dtype && tensor.type.shape.length === 0)
    return stretch(env, tensor, type.shape, span)
  return complain(env, {
    code: tensor.type.dtype === type.dtype ? "shape-mismatch" : "dtype-mismatch",
    message: `${what} must be ${printType(type)}, and this is ${printType(tensor.type)}`,
    span,
    label: printType(tensor.type),
    related: [tensor.from],
    help: rearranged(tensor.type.shape, type.shape, "it"),
  })
}

/** `slot <- value`; the name reads the new value from here on. In an optimizer `p <- value` settles the parameter. */
export function updateSlot(env: Env, s: UpdateStmt, binding: Binding, value: Value): void {
  if (refused(env, "`<-`", s.span)) return
  const before = binding.value
  if (before.kind !== "tensor") return
  const next = fit(env, value, before.type, `the new value of \`${s.name.text}\``, s.value.span)
  if (next.kind !== "tensor") {
    if (env.optimizing && binding.slot === undefined) env.optimizing.failed = true
    return
  }
  if (binding.slot !== undefined) {
    // A follower gets its next value from the slot that it follows.
    if (followed(env.cx, binding.slot) === undefined)
      append(env.section, {
        kind: "update",
        slot: binding.slot,
        value: next.id,
        origin: originAt(env, s.span),
      })
  } else if (env.optimizing) env.optimizing.updated = next
  binding.value = { ...next, ...(before.from && { from: before.from }) }
}
