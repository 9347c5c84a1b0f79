/** check: `keep average ema(decay: 0.999)`: an average of every moved parameter, which evaluation and prediction read.
 *  Guarantees: a parameter has one average, in a slot `PARAM/average`; its section has inputs `average` and `p` and gives `average`;
 *              no train section moves a parameter past the average that another keeps of it.
 *  Not here:   how an average goes on (a fn, ema or swa of the library), who reads it (lower/). */
import type { Expr, SettingStmt } from "../ir/ast/types.js"
import type { Objective, ParameterAverage, Section, Slot, TrainSection } from "../ir/model/types.js"
import { evalArgs } from "./args.js"
import { callFn } from "./call.js"
import { newNaming, originAt, userSpan, type Cx, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { complain, reportOnce } from "./report.js"
import { addInput, finish, newSection } from "./section.js"
import { fit, sameStart } from "./slots.js"
import * as v from "./values.js"
import type { FnValue } from "./values.js"

export function averagesOf(
  env: Env,
  setting: SettingStmt | undefined,
  objectives: readonly Objective[],
): readonly ParameterAverage[] {
  if (!setting?.value) return []
  const { value: expr } = setting
  const fn = evalExpr(env, expr.kind === "call" ? expr.callee : expr)
  if (fn.kind !== "fn") {
    if (!v.hasError(fn))
      complain(env, {
        code: "average-expected",
        message: `\`keep average\` needs a fn of the average and the parameter, and this is ${v.describe(fn)}`,
        span: expr.span,
        label: v.describe(fn),
        help: "for instance `keep average ema(decay: 0.999)`",
      })
    return []
  }
  const moved = new Set(objectives.flatMap((o) => o.updates.map((u) => u.param)))
  return [...moved].flatMap((param) => {
    const slot = env.cx.slots.get(param)?.slot
    const average = slot && averageOf(env, fn, setting, slot)
    return average ? [average] : []
  })
}

function averageOf(env: Env, fn: FnValue, setting: SettingStmt, param: Slot): ParameterAverage | undefined {
  const slot = `${param.name}/average`
  const section = nextOf({ ...env, naming: newNaming(slot), stepsFrom: 0 }, fn, setting.value!, param)
  if (!section) return undefined
  env.cx.slots.set(slot, {
    slot: {
      name: slot,
      type: param.type,
      role: "average",
      frozen: false,
      init: sameStart(env, param, setting.span),
      origin: originAt(env, setting.span),
    },
    span: setting.span,
    user: userSpan(env, setting.span),
  })
  return { param: param.name, slot, section }
}

/** The section that makes the next value of `average` from the one so far and `p`, of the type of a slot. */
export function nextOf(env: Env, fn: FnValue, expr: Expr, of: Slot): Section | undefined {
  const section = newSection(true)
  const average = addInput(section, "average", of.type, { kind: "feed" })
  const p = addInput(section, "p", of.type, { kind: "feed" })
  const inner: Env = { ...env, section }
  const given = [average, p].map((value) => ({ value, span: expr.span }))
  const more = expr.kind === "call" ? evalArgs(inner, expr.args) : []
  const result = callFn(inner, fn, [...given, ...more], expr.span)
  if (v.hasError(result)) return undefined
  const next = fit(inner, result, of.type, `the average of \`${of.name}\``, expr.span)
  if (next.kind !== "tensor") return undefined
  return finish(section, [{ name: "average", value: next.id }], ({ source }) => source.kind !== "feed")
}

/** Only sections that keep the average of a parameter may move it, or evaluation and prediction would lag behind. */
export function checkPartialAverages(cx: Cx, trains: readonly TrainSection[]): void {
  const kept = new Map(trains.flatMap((t) => t.averages.map((a) => [a.param, t] as const)))
  for (const train of trains)
    for (const { param } of train.objectives.flatMap((o) => o.updates)) {
      const keeper = kept.get(param)
      if (!keeper || train.averages.some((a) => a.param === param)) continue
      const span = cx.slots.get(`${param}/average`)?.span
      reportOnce(cx, {
        code: "average-partly",
        severity: "error",
        message: `\`${param}\` is averaged in \`train ${keeper.name}\` and moved without it in \`train ${train.name}\``,
        ...(span && { primary: { span, text: "predictions read this average" } }),
        help: `say \`keep average\` in \`train ${train.name}\` too`,
      })
    }
}
