/** check: an optimizer, written out for one parameter.
 *  Guarantees: the section has inputs `p` and `g` and gives `p`; in the body `step` counts from 1, in the arguments (schedules)
 *              from 0; its states are slots `PARAM/name`.
 *  Not here:   which parameters a loss moves (objectives.ts). */
import type { Expr, StateStmt } from "../ir/ast/types.js"
import type { ModelValue, ParameterUpdate, Section, Slot } from "../ir/model/types.js"
import { sameType, type TensorType } from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import { assign, bindAll, bindSizes, byName, evalArgs, resolveType, type Given } from "./args.js"
import { newSignature } from "./dims.js"
import { warnOfRates } from "./doubts/rates.js"
import { outOfReach } from "./emit.js"
import { frameOf, newNaming, originAt, userSpan, type Env, type Optimizing } from "./env.js"
import { evalExpr } from "./expr.js"
import { complain } from "./report.js"
import { newScope } from "./scope.js"
import { addInput, finish, fromStep, newSection } from "./section.js"
import { evalInitialiser, initSection, readSlot, readValue } from "./slots.js"
import { declare, runBlock } from "./stmt.js"
import * as v from "./values.js"
import type { Value } from "./values.js"

export type OptimizerValue = Value & { readonly kind: "optimizer" }

/** The optimizer that an expression after `with` names; undefined after a diagnostic. */
export function optimizerOf(env: Env, expr: Expr): OptimizerValue | undefined {
  const value = evalExpr(env, expr.kind === "call" ? expr.callee : expr)
  if (value.kind === "optimizer") return value
  if (!v.hasError(value))
    complain(env, {
      code: "optimizer-expected",
      message: `an optimizer stands after \`with\`, and this is ${v.describe(value)}`,
      span: expr.span,
      label: v.describe(value),
      help: "for instance `with Adam(lr: 1e-3)`",
    })
  return undefined
}

export function updateOf(
  env: Env,
  optimizer: OptimizerValue,
  expr: Expr,
  slot: Slot,
  /** Values of the step that optimizers read, by the names of the results they become. */
  settings: Map<ModelValue, string>,
): ParameterUpdate | undefined {
  const { decl, module } = optimizer
  const section = newSection(true, { step: { section: env.section, results: settings } })
  const p = addInput(section, "p", slot.type, { kind: "feed" })
  const g = addInput(section, "g", slot.type, { kind: "feed" })
  const outer: Env = { ...env, section, naming: newNaming(slot.name), stepsFrom: 0 }
  const given = expr.kind === "call" ? evalArgs(outer, expr.args) : []
  if (given.some((a) => v.hasError(a.value) || !isInReach(outer, a))) return undefined
  const network = given.find(({ value }) => /^(model|instance|layer)$/.test(value.kind))
  if (network) {
    complain(outer, {
      code: "argument-type",
      message: `\`${decl.name.text}\` is given ${v.describe(network.value)}, and an optimizer takes its settings only`,
      span: network.span,
      label: v.describe(network.value),
      help: "it moves every parameter that the loss depends on; `over` before `with` names a part of them",
    })
    return undefined
  }
  const assigned = assign(outer, decl.config, given, decl.name.text, expr.span)
  if (!assigned) return undefined
  if (module.library) warnOfRates(outer, decl.name.text, byName(assigned))
  const optimizing: Optimizing = { param: slot.name, name: decl.parameter.text, type: slot.type }
  const inner: Env = {
    ...outer,
    module,
    scope: newScope(),
    iterations: [],
    stepsFrom: 1,
    optimizing,
    frame: frameOf(env, decl, expr.span, byName(assigned)),
  }
  const signature = newSignature()
  if (!bindAll(outer, inner, decl.config, assigned, signature, decl.name.text, "config")) return undefined
  bindSizes(inner, signature)
  inner.scope.names.set(decl.parameter.text, { value: p, span: decl.parameter.span, kind: "state" })
  inner.scope.names.set(decl.gradient.text, { value: g, span: decl.gradient.span, kind: "argument" })
  env.cx.elaborated.add(decl)
  if (v.hasError(runBlock(inner, decl.body).value)) return undefined
  if (!optimizing.updated) {
    if (optimizing.failed) return undefined
    complain(inner, {
      code: "optimizer-idle",
      message: `\`${decl.name.text}\` never gives \`${decl.parameter.text}\` a new value`,
      span: decl.name.span,
      label: `no \`${decl.parameter.text} <- ...\` is reached`,
    })
    return undefined
  }
  const fed = (name: string): boolean => name === "p" || name === "g"
  return {
    param: slot.name,
    section: finish(section, [{ name: "p", value: optimizing.updated.id }], (input) => !fed(input.name)),
  }
}

/** Settings may depend on `step` and `epoch`, and on single numbers that the training step computes. */
function isInReach(env: Env, { value, span }: Given): boolean {
  const far = v.tensorsIn(value).find((t) => t.section !== env.section && !fromStep(env.section, t))
  if (far) outOfReach(env, far, span)
  return !far
}

/** `state m = zeros_like(p)`: a slot of the parameter's own. Its first value may depend on that of `p`. */
export function declareOptimizerState(env: Env, optimizing: Optimizing, s: StateStmt): void {
  const slot = ensureState(env, optimizing, s)
  const value = slot ? readSlot(env, slot, s) : v.ERROR
  declare(env, s.name, { value, span: s.name.span, kind: "state", ...(slot && { slot: slot.name }) })
}

function ensureState(env: Env, optimizing: Optimizing, s: StateStmt): Slot | undefined {
  const base = `${optimizing.param}/${s.name.text}`
  const section = newSection(true)
  const inner: Env = {
    ...env,
    optimizing: undefined,
    section,
    scope: newScope(env.scope),
    naming: newNaming(base),
    iterations: [],
    stepsFrom: 0,
  }
  const param = env.cx.slots.get(optimizing.param)?.slot ?? bug(`there is no slot ${optimizing.param}`)
  const p = readValue(inner, param, s.span)
  inner.scope.names.set(optimizing.name, { value: p, span: s.span, kind: "argument" })
  const written = s.type && resolveType(env, s.type)
  if (s.type && !written) return undefined
  const value = evalInitialiser(inner, s.init, written ?? optimizing.type)
  if (v.hasError(value)) return undefined
  const type: TensorType = written ?? (value.kind === "tensor" ? value.type : { dtype: "f32", shape: [] })
  const init = initSection(inner, value, base, type, s.init.span)
  // Sections with optimizers of their own may have states of one name that start differently.
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}.${n}`
    const before = env.cx.slots.get(name)?.slot
    if (before && sameType(before.type, type) && startText(before.init) === startText(init)) return before
    if (before) continue
    const slot: Slot = { name, type, role: "optimizer", frozen: false, init, origin: originAt(env, s.span) }
    env.cx.slots.set(name, { slot, span: s.name.span, user: userSpan(env, s.span) })
    return slot
  }
}

/** Equal where two first values are computed alike, wherever that was written. */
const startText = (init: Section): string =>
  JSON.stringify(init, (key, value: unknown) => (key === "origin" ? undefined : value))
