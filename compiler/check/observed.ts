/** check: `observed("loss")`: the value of a metric of this train section at the last report, and whether this step is the first
 *  to know it. The runtime writes both into slots of the run, so a schedule that follows a metric is resumed exactly.
 *  Guarantees: two slots per metric; states of the layers that ask belong to the run, not to the network. */
import type { Observation, Section, Slot } from "../ir/model/types.js"
import { scalarType, type DType } from "../ir/tensor.js"
import { NOWHERE } from "../ir/origin.js"
import type { Span } from "../source/source.js"
import type { Given } from "./args.js"
import { pointwise } from "./emit.js"
import { userSpan, type Cx, type Env } from "./env.js"
import { complain, didYouMean } from "./report.js"
import { scalarInput } from "./section.js"
import { readValue } from "./slots.js"
import * as v from "./values.js"
import type { Value } from "./values.js"

/** The questions of a train section about its metrics. */
export interface Observed {
  readonly train: string
  readonly asked: Map<string, { readonly observation: Observation; readonly span: Span }>
  /** Paths of the instances that ask. */
  readonly by: Set<string>
}
export const nothingObserved = (train: string): Observed => ({ train, asked: new Map(), by: new Set() })

export function callObserved(env: Env, given: readonly Given[], span: Span): Value {
  const { observed } = env.section
  const metric = given[0]?.value
  if (metric?.kind !== "string" || given.length > 1)
    return complain(env, {
      code: "argument-type",
      message: "`observed` takes the name of a metric as a text",
      span,
      label: metric ? v.describe(metric) : "nothing is given",
      help: 'for instance `observed("loss")`',
    })
  if (!observed)
    return complain(env, {
      code: "observed-place",
      message: "only a train section knows what its metrics were",
      span,
      label: "not in a `train`",
      help: "call it in the section itself, and use the result in the settings of the optimizer",
    })
  if (env.naming.path !== "") observed.by.add(env.naming.path)
  const name = metric.value
  const observation = {
    metric: name,
    value: `${observed.train}/${name}`,
    at: `${observed.train}/${name}.at`,
  }
  if (!observed.asked.has(name)) observed.asked.set(name, { observation, span: userSpan(env, span) })
  const value = readValue(env, runSlot(env.cx, observation.value, "f32", 0, span), span)
  // No step has this number.
  const at = readValue(env, runSlot(env.cx, observation.at, "i32", -1, span), span)
  const fresh = pointwise(env, "eq", [at, scalarInput(env.section, "step")], {}, span)
  return { kind: "tuple", items: [value, fresh] }
}

function runSlot(cx: Cx, name: string, dtype: DType, first: number, span: Span): Slot {
  const known = cx.slots.get(name)
  if (known) return known.slot
  const type = scalarType(dtype)
  const init: Section = {
    inputs: [],
    body: [
      { kind: "op", id: 0, op: "constant", args: [], attrs: { value: first, dtype }, type, origin: NOWHERE },
    ],
    results: [{ name: "value", value: 0 }],
  }
  const slot: Slot = { name, type, role: "run", frozen: false, init, origin: NOWHERE }
  cx.slots.set(name, { slot, span, user: span })
  return slot
}

/** The observations of a section, once its reports are known. `numbers`: the reports that are one number. */
export function observationsOf(env: Env, observed: Observed, numbers: readonly string[]): Observation[] {
  const known = ["loss", ...numbers]
  for (const [name, { span }] of observed.asked)
    if (!known.includes(name))
      complain(env, {
        code: "observed-unknown",
        message: `\`${name}\` cannot be observed: this section reports no number of that name`,
        span,
        label: "not reported",
        help: didYouMean(name, known) ?? `known are ${known.map((k) => `\`${k}\``).join(", ")}`,
      })
  for (const entry of env.cx.slots.values())
    if (
      entry.slot.role === "state" &&
      [...observed.by].some((path) => entry.slot.name.startsWith(`${path}.`))
    )
      env.cx.slots.set(entry.slot.name, { ...entry, slot: { ...entry.slot, role: "run" } })
  return [...observed.asked.values()].map(({ observation }) => observation)
}
