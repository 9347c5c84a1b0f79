/** check: dropouts that never run, because their probability is 0 wherever they are called, or because they stand only where
 *  `training` is false. Warnings. */
import type { Declaration } from "../ir/ast/types.js"
import type { Span } from "../source/source.js"
import { userSpan, type Cx, type Env } from "./env.js"
import { reportOnce } from "./report.js"
import { isNumber, type FnValue, type Value } from "./values.js"

/** One place in the user's files that drops, over all times it is elaborated. */
export interface DropoutUse {
  readonly span: Span
  /** The user's declaration around it; undefined in a train section. */
  readonly inside: Declaration | undefined
  ran: boolean
  /** It was called with a probability other than 0. */
  drops: boolean
}

/** To be called for every call of a library function; `p` is its argument. */
export function noteDropout(env: Env, fn: FnValue, p: Value | undefined, span: Span): void {
  if (fn.decl.name.text !== "dropout" || !fn.module.library || !calledByUser(env, span)) return
  const place = userSpan(env, span)
  const use: DropoutUse = env.cx.dropouts.get(place) ?? {
    span: place,
    inside: userDeclaration(env),
    ran: false,
    drops: false,
  }
  const drops = !(p && isNumber(p) && p.value === 0)
  use.drops ||= drops
  use.ran ||= drops && env.section.training
  env.cx.dropouts.set(place, use)
}

export function warnOfIdleDropouts(cx: Cx): void {
  for (const { span, inside, ran, drops } of cx.dropouts.values()) {
    // A model that no section trains drops nothing, and that is not the dropout's fault.
    if (ran || (drops && inside && !cx.trained.has(inside))) continue
    reportOnce(cx, {
      code: "dropout-idle",
      severity: "warning",
      message: drops
        ? "this dropout never runs: it stands only where `training` is false"
        : "this dropout never runs: its probability is 0",
      primary: { span, text: "drops nothing" },
      help: drops ? "move it to where training passes" : "remove it, or give it a probability",
    })
  }
}

/** Directly, or through the layer of the library that is nothing else. */
const calledByUser = (env: Env, span: Span): boolean =>
  !env.cx.stdlib.has(span.file) ||
  (env.frame !== undefined &&
    env.frame.decl.name.text === "Dropout" &&
    !env.cx.stdlib.has(env.frame.span.file))

function userDeclaration(env: Env): Declaration | undefined {
  let { frame } = env
  while (frame && env.cx.stdlib.has(frame.decl.span.file)) frame = frame.parent
  return frame?.decl
}
