/** check: `model Target follows Online by ema(decay: 0.99)`: the updates of a model that follows another, in each step that moves that one.
 *  Guarantees: each of its slots has one next value, made after that of the slot that it follows.
 *  Not here:   which model follows which (resolve.ts), how its slots start (slots.ts), how a value goes after another (a fn, ema or copy
 *              of the library). */
import type { ParameterAverage, Section, Slot, TrainSection } from "../ir/model/types.js"
import { nextOf } from "./average.js"
import { followed, newNaming, topEnv, type Cx, type Env, type Follower } from "./env.js"
import { evalExpr } from "./expr.js"
import { complain } from "./report.js"
import { addInput, finish, newSection } from "./section.js"
import * as v from "./values.js"
import type { FnValue } from "./values.js"

/** Adds to each section the updates of the models that follow those it moves. */
export function withFollowers(cx: Cx, trains: readonly TrainSection[]): readonly TrainSection[] {
  if (cx.followers.size === 0) return trains
  const all = inOrder(cx).map(([name, follower]) => ({
    name,
    leader: follower.leader,
    updates: updatesOf(cx, name, follower),
  }))
  return trains.map((train) => {
    const moved = train.objectives.flatMap((o) => o.updates.map(({ param }) => param))
    const active = new Set<string>()
    for (const { name, leader } of all)
      if (active.has(leader) || moved.some((param) => param.startsWith(`${leader}.`))) active.add(name)
    return { ...train, follows: all.flatMap(({ name, updates }) => (active.has(name) ? updates : [])) }
  })
}

/** The followers; each stands after the model that it follows. */
function inOrder({ followers }: Cx): readonly (readonly [name: string, Follower])[] {
  const depth = (name: string): number => {
    const follower = followers.get(name)
    return follower ? 1 + depth(follower.leader) : 0
  }
  return [...followers].sort(([a], [b]) => depth(a) - depth(b))
}

const slotsOf = ({ slots }: Cx, model: string): Slot[] =>
  [...slots.values()]
    .map(({ slot }) => slot)
    .filter(({ name, role }) => name.startsWith(`${model}.`) && (role === "param" || role === "state"))

function updatesOf(cx: Cx, name: string, follower: Follower): ParameterAverage[] {
  const fn = ruleOf(cx, follower)
  return fn ? slotsOf(cx, name).flatMap((slot) => updateOf(cx, slot, fn, follower) ?? []) : []
}

function ruleOf(cx: Cx, { by, module }: Follower): FnValue | undefined {
  const env = topEnv(cx, module, newSection(true))
  const fn = evalExpr(env, by.kind === "call" ? by.callee : by)
  if (fn.kind === "fn") return fn
  if (!v.hasError(fn))
    complain(env, {
      code: "follows-by",
      message: `after \`by\` stands a fn of the value so far and the one it follows, and this is ${v.describe(fn)}`,
      span: by.span,
      label: v.describe(fn),
      help: "for instance `by ema(decay: 0.99)`, or `by copy(every: 100)`",
    })
  return undefined
}

/** Makes the next value of one slot; undefined where it never changes, or after a diagnostic. */
function updateOf(cx: Cx, slot: Slot, fn: FnValue, { by, module }: Follower): ParameterAverage | undefined {
  const param = followed(cx, slot.name)
  const leader = param === undefined ? undefined : cx.slots.get(param)?.slot
  if (param === undefined || !leader) return undefined
  if (leader.frozen && followed(cx, param) === undefined) return undefined
  const env: Env = { ...topEnv(cx, module, newSection(true)), naming: newNaming(slot.name), stepsFrom: 1 }
  const section = slot.type.dtype === "f32" ? nextOf(env, fn, by, slot) : copied(slot)
  return section && { param, slot: slot.name, section }
}

function copied({ type }: Slot): Section {
  const section = newSection(true)
  addInput(section, "average", type, { kind: "feed" })
  const p = addInput(section, "p", type, { kind: "feed" })
  return finish(section, [{ name: "average", value: p.id }])
}
