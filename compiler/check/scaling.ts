/** check: `precision mixed with GradScaler()`: the factor of the loss, and its update after a step.
 *  Guarantees: a slot `TRAIN/loss_scale`, and a section as an optimizer's for it: `g` says whether a gradient was not finite.
 *  Not here:   which operations read f16 (precision/), how a step is skipped (lower/). */
import type { Expr, SettingStmt } from "../ir/ast/types.js"
import type { ModelValue, ParameterUpdate, Slot } from "../ir/model/types.js"
import { scalarType } from "../ir/tensor.js"
import { newNaming, originAt, userSpan, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { optimizerOf, type OptimizerValue, updateOf } from "./optimizer.js"
import { newSection } from "./section.js"
import { initSection } from "./slots.js"
import * as v from "./values.js"

export function scalingOf(
  env: Env,
  train: string,
  setting: SettingStmt | undefined,
  /** The settings, as in `updateOf`. */
  settings: Map<ModelValue, string>,
): ParameterUpdate | null {
  if (!setting) return null
  const expr: Expr = setting.value ?? { kind: "name", name: "GradScaler", span: setting.span }
  const scaler = setting.value ? optimizerOf(env, expr) : libraryScaler(env)
  if (!scaler) return null
  const name = `${train}/loss_scale`
  const type = scalarType("f32")
  const first = firstScale(scaler, expr)
  const section = newSection(true)
  const inner: Env = { ...env, section, naming: newNaming(name), iterations: [], stepsFrom: 0 }
  const value = first ? evalExpr(inner, first) : v.float(1)
  const slot: Slot = {
    name,
    type,
    role: "optimizer",
    frozen: false,
    init: initSection(inner, value, name, type, first?.span ?? setting.span),
    origin: originAt(env, setting.span),
  }
  env.cx.slots.set(name, { slot, span: setting.span, user: userSpan(env, setting.span) })
  return updateOf(env, scaler, expr, slot, settings) ?? null
}

function libraryScaler({ module }: Env): OptimizerValue | undefined {
  const scaler = module.libraryNames.get("GradScaler")
  return scaler?.kind === "value" && scaler.value.kind === "optimizer" ? scaler.value : undefined
}

/** The scaler's setting `init_scale`, or its default. */
function firstScale({ decl }: OptimizerValue, expr: Expr): Expr | undefined {
  const isFirst = (a: { readonly name?: { readonly text: string } }): boolean => a.name?.text === "init_scale"
  const stated = expr.kind === "call" ? expr.args.find(isFirst)?.value : undefined
  return stated ?? decl.config.find(isFirst)?.default
}
