/** check: a warning about two consecutive matrices that each start with all numbers equal: the units between them get equal gradients and
 *  never become different. This does not hold where another matrix comes between (the low-rank factors of LoRA), or where something is
 *  added that differs by unit (a residual branch that starts with zeros). */
import type { Producer } from "../../ir/model/statements.js"
import type { ModelStmt, ModelValue } from "../../ir/model/types.js"
import type { Env } from "../env.js"
import { complain } from "../report.js"
import type { Flow } from "./flow.js"

export function warnOfEqualStarts(env: Env, flow: Flow): void {
  for (const { name, args } of flow.done) {
    if (name !== "matmul" && name !== "linear") continue
    const [x, weight] = args.values()
    const second = weight?.kind === "tensor" ? equalSlot(env, flow, weight.id) : undefined
    if (second === undefined || x?.kind !== "tensor") continue
    const first = firstBehind(env, flow, x.id)
    if (first === undefined) continue
    const entry = env.cx.slots.get(first)
    if (!entry) continue
    const after = env.cx.slots.get(second)
    complain(env, {
      severity: "warning",
      code: "start-equal",
      message: `\`${first}\` and \`${second}\` start with all numbers equal: the units between them get equal gradients and never become different`,
      span: entry.span,
      label: "all equal at the start",
      related: [after && { span: after.span, text: "and so is this" }],
      help: "start with random numbers: `normal(0, 0.1)`, or `kaiming_uniform`",
    })
  }
}

/** The parameter that a value is, turned round or not, where all of its numbers start equal. */
function equalSlot(env: Env, flow: Flow, id: ModelValue): string | undefined {
  let producer = flow.producer(id)
  while (producer?.kind === "op" && producer.op === "transpose") producer = flow.producer(producer.args[0]!)
  if (producer?.kind !== "read") return undefined
  const slot = env.cx.slots.get(producer.slot)?.slot
  if (slot?.role !== "param" || slot.type.shape.length < 2) return undefined
  return isUniform(slot.init.body) ? slot.name : undefined
}

const UNIFORM = new Set(["constant", "broadcast", "reshape", "cast"])
const isUniform = (body: readonly ModelStmt[]): boolean =>
  body.every((s) => (s.kind === "call" ? isUniform(s.body) : s.kind === "op" && UNIFORM.has(s.op)))

/** The matrix that starts equal on the way to a value, where every way to it from numbers that differ leads through such a one. */
function firstBehind(env: Env, flow: Flow, from: ModelValue): string | undefined {
  let found: string | undefined
  const isMixed = (producer: Producer | undefined): boolean => {
    if (producer?.kind === "read") return !isUniform(env.cx.slots.get(producer.slot)?.slot.init.body ?? [])
    return producer === undefined || producer.op === "iota"
  }
  const isEqual = (producer: Producer): boolean => {
    const isProduct = producer.kind === "op" && producer.op === "matmul"
    const slot = isProduct ? equalSlot(env, flow, producer.args[1]!) : undefined
    found ??= slot
    return slot !== undefined
  }
  return flow.comesFrom(from, (_, producer) => isMixed(producer), isEqual) ? undefined : found
}
