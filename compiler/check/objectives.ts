/** check: `minimize`: which parameters a loss moves, and whether a gradient gets there.
 *  Assumes:    the statements of the train section are elaborated; losses are values of its section.
 *  Guarantees: every parameter is updated by at most one optimizer; one that gets no gradient is not updated, and that is said. */
import type { Expr, MinimizeStmt } from "../ir/ast/types.js"
import { type Producer, producersIn } from "../ir/model/statements.js"
import type { ModelValue, Objective, ParameterUpdate, Slot, TrainSection } from "../ir/model/types.js"
import { tensorType } from "../ir/tensor.js"
import { opDef } from "../ops/index.js"
import { zeroGrad } from "../ops/op.js"
import type { Fix } from "../source/diagnostic.js"
import { type Span, spanText } from "../source/source.js"
import { originAt, type Cx, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { optimizerOf, updateOf } from "./optimizer.js"
import { complain, withoutStage, type Complaint } from "./report.js"
import { finish, nested, newSection } from "./section.js"
import * as v from "./values.js"
import type { Value } from "./values.js"

/** A `minimize` and the loss it named; undefined where the loss is erroneous. */
export interface Loss {
  readonly statement: MinimizeStmt
  readonly name: string
  readonly value: ModelValue | undefined
}

/** `settings` gets the values of the step that optimizers read, by the names of the results they are to be. */
export function objectivesOf(
  env: Env,
  losses: readonly Loss[],
  settings: Map<ModelValue, string>,
): Objective[] {
  const producers = producersIn(env.section.bodies[0]!)
  const owners = new Map<string, Span>()
  const objectives = losses.map((loss): Objective => {
    if (loss.value === undefined) checkOptimizers(env, loss, producers)
    const reach = loss.value === undefined ? undefined : reachOf(loss.value, producers)
    return {
      loss: loss.name,
      updates: reach ? updatesFor(env, loss, reach, producers, { owners, settings }) : [],
      origin: originAt(env, loss.statement.span),
    }
  })
  if (losses.length > 0 && !env.cx.diagnostics.hasErrors) noteIdle(env, producers, owners)
  return objectives
}

/** Beside an erroneous loss: the optimizers' own mistakes, as they would move a matrix. */
function checkOptimizers(env: Env, { statement }: Loss, producers: Producers): void {
  const slot: Slot = {
    name: "a parameter",
    type: tensorType("f32", [2, 2]),
    role: "param",
    frozen: false,
    init: finish(newSection(true), [], () => true),
    origin: originAt(env, statement.span),
  }
  const entry = { slot, span: statement.span, user: statement.span }
  const apart: Env = { ...env, cx: { ...env.cx, slots: new Map([[slot.name, entry]]) } }
  for (const { over, optimizer: written } of statement.groups) {
    if (over) selected(env, over, producers)
    const optimizer = optimizerOf(env, written)
    if (optimizer) updateOf(apart, optimizer, written, slot, new Map())
  }
}

type Producers = ReadonlyMap<ModelValue, Producer>

/** The parameters behind a loss, and those a gradient gets to. */
interface Reach {
  readonly read: ReadonlySet<string>
  readonly moved: ReadonlySet<string>
  /** Operations that let no gradient through on purpose: `stop_gradient`, and steps. */
  readonly stops: readonly ModelValue[]
  /** Operations without a gradient on the way. */
  readonly blocks: readonly { readonly id: ModelValue; readonly op: string; readonly reason: string }[]
}

function reachOf(loss: ModelValue, producers: Producers): Reach {
  const read = new Set<string>()
  const moved = new Set<string>()
  const stops: ModelValue[] = []
  const blocks = new Map<ModelValue, Reach["blocks"][number]>()
  const seen = { through: new Set<ModelValue>(), past: new Set<ModelValue>() }
  const stack: { id: ModelValue; flows: boolean }[] = [{ id: loss, flows: true }]
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { id, flows } = next
    const visited = flows ? seen.through : seen.past
    if (visited.has(id)) continue
    visited.add(id)
    const s = producers.get(id)
    if (!s) continue
    if (s.kind === "read") {
      read.add(s.slot)
      if (flows) moved.add(s.slot)
      continue
    }
    const def = opDef(s.op)
    // `grad` is expanded into operations with gradients of their own.
    const none = typeof def.grad !== "function" && def.traits.kind !== "meta" ? def.grad.none : undefined
    if (flows && none !== undefined) blocks.set(id, { id, op: s.op, reason: none })
    if (flows && def.grad === zeroGrad) stops.push(id)
    const on = flows && none === undefined && def.grad !== zeroGrad
    for (const arg of s.args) stack.push({ id: arg, flows: on })
    for (const region of s.regions ?? []) for (const r of region.results) stack.push({ id: r, flows: on })
  }
  return { read, moved, stops, blocks: [...blocks.values()] }
}

function updatesFor(
  env: Env,
  { statement }: Loss,
  reach: Reach,
  producers: Producers,
  { owners, settings }: { owners: Map<string, Span>; settings: Map<ModelValue, string> },
): ParameterUpdate[] {
  const slots = [...env.cx.slots.values()].map((e) => e.slot).filter((s) => s.role === "param" && !s.frozen)
  if (!slots.some((s) => reach.moved.has(s.name))) {
    noParameter(env, statement, reach, producers, slots)
    return []
  }
  const named = statement.groups.map((group) => group.over && selected(env, group.over, producers))
  if (named.includes("unknown")) return []
  const claimed = new Set(
    named.flatMap((select) =>
      slots.filter((s) => typeof select === "function" && select(s.name)).map((s) => s.name),
    ),
  )
  return statement.groups.flatMap((group, i) => {
    const select = named[i]
    const targets = slots.filter((s) =>
      typeof select === "function" ? select(s.name) : reach.moved.has(s.name) && !claimed.has(s.name),
    )
    const optimizer = optimizerOf(env, group.optimizer)
    if (!optimizer) {
      for (const slot of targets) owners.set(slot.name, group.optimizer.span)
      return []
    }
    if (targets.length === 0) nothingToMove(env, group, statement)
    return targets.flatMap((slot) => {
      if (!own(env, slot, group.optimizer.span, owners)) return []
      if (!reach.moved.has(slot.name)) {
        noGradient(env, slot, reach, producers, group.optimizer.span)
        return []
      }
      const update = updateOf(env, optimizer, group.optimizer, slot, settings)
      return update ? [update] : []
    })
  })
}

function own(env: Env, slot: Slot, span: Span, owners: Map<string, Span>): boolean {
  const before = owners.get(slot.name)
  owners.set(slot.name, span)
  if (!before) return true
  complain(env, {
    code: "optimized-twice",
    message: `\`${slot.name}\` is moved by two optimizers`,
    span,
    label: "the second",
    related: [{ span: before, text: "the first" }],
    help: "say with `over` what each loss may move: `minimize loss over critic with ...`",
  })
  return false
}

type Select = (name: string) => boolean

/** Which parameters `over a, b` names; "unknown" after a diagnostic. */
function selected(env: Env, over: readonly Expr[], producers: Producers): Select | "unknown" {
  const tests: Select[] = []
  for (const expr of over) {
    // Reading a parameter here only names it: the statements that the read writes are dropped.
    const { result: value, body } = nested(env.section, () => evalExpr(env, expr))
    const reads = new Map([...producers, ...producersIn(body)])
    const test = selects(value, reads)
    if (test) tests.push(test)
    else {
      notAPart(env, expr, value)
      return "unknown"
    }
  }
  return (name) => tests.some((test) => test(name))
}

function selects(value: Value, producers: Producers): Select | undefined {
  switch (value.kind) {
    case "instance":
      return (name) => name.startsWith(`${value.instance.path}.`)
    case "model":
      return (name) => name.startsWith(`${value.decl.name.text}.`)
    case "tensor": {
      const read = producers.get(value.id)
      return read?.kind === "read" ? (name) => name === read.slot : undefined
    }
    case "string":
      return (name) => fits(name, value.value)
    case "list":
    case "tuple": {
      const tests = value.items.map((item) => selects(item, producers))
      return tests.includes(undefined) ? undefined : (name) => tests.some((test) => test?.(name))
    }
    default:
      return undefined
  }
}

/** `*.bias`: `*` is any characters. */
function fits(name: string, pattern: string): boolean {
  const [head = "", ...parts] = pattern.split("*")
  const tail = parts.pop()
  if (tail === undefined) return name === pattern
  let at = head.length
  for (const part of parts) {
    const found = name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return name.startsWith(head) && name.endsWith(tail) && name.length - tail.length >= at
}

function notAPart(env: Env, expr: Expr, value: Value): void {
  if (!v.hasError(value))
    complain(env, {
      code: "over-target",
      message: `\`over\` names models, layers or parameters, or a pattern of their names, and this is ${v.describe(value)}`,
      span: expr.span,
      label: v.describe(value),
    })
}

function noParameter(
  env: Env,
  statement: MinimizeStmt,
  reach: Reach,
  producers: Producers,
  slots: readonly Slot[],
): void {
  const behind = slots.filter((s) => reach.read.has(s.name))
  const block = reach.blocks.find(({ id }) => behind.some((s) => reachOf(id, producers).read.has(s.name)))
  if (behind.length > 0 && block) {
    complain(env, {
      code: "no-gradient",
      message: `no gradient gets from this loss to any parameter: \`${block.op}\` has none (${block.reason})`,
      span: env.section.places.get(block.id) ?? statement.loss.span,
      label: "the gradient stops here",
      related: [{ span: statement.loss.span, text: "the loss" }],
      help: "minimise something smooth, such as `cross_entropy` or `mse`, and `report` this instead",
    })
    return
  }
  const stop = reach.stops.find((id) => behind.some((s) => reachOf(id, producers).read.has(s.name)))
  const stopped = stop === undefined ? undefined : env.section.places.get(stop)
  if (behind.length > 0 && stopped) {
    complain(env, {
      code: "loss-no-param",
      message: "this loss reaches no parameter, because no gradient gets through here",
      span: stopped,
      label: "the gradient stops here",
      related: [{ span: statement.loss.span, text: "the loss" }],
      help: "leave this out on the way from the parameters to the loss",
      ...withoutStage(stopped),
    })
    return
  }
  const frozen = [...reach.read].some((name) => env.cx.slots.get(name)?.slot.frozen === true)
  complain(env, {
    code: "loss-no-param",
    message: "this loss reaches no parameter, so there is nothing to minimise",
    span: statement.loss.span,
    label:
      behind.length > 0
        ? "every way to a parameter goes through `stop_gradient` or a step function"
        : frozen
          ? "every `param` behind it is frozen"
          : "depends on no `param`",
    help: frozen
      ? "leave out `frozen` where training may change a parameter"
      : slots.length > 0
        ? "compute it from the output of the model"
        : "no model or layer is called before it",
  })
}

function nothingToMove(env: Env, group: MinimizeStmt["groups"][number], statement: MinimizeStmt): void {
  const over = group.over?.[0]
  const follower = over && env.cx.followers.get(spanText(over.span))
  complain(env, {
    code: "optimizer-over-nothing",
    message: "this optimizer has no parameter to move",
    span: over ? over.span : group.optimizer.span,
    label: follower
      ? `follows \`${follower.leader}\`, and no optimizer moves it`
      : over
        ? "holds no parameter that is not frozen"
        : "every parameter is named by another group",
    related: [{ span: statement.loss.span, text: "the loss" }],
  })
}

function noGradient(env: Env, slot: Slot, reach: Reach, producers: Producers, span: Span): void {
  const behind = (id: ModelValue): boolean => reachOf(id, producers).read.has(slot.name)
  const stopped = reach.stops.find(behind)
  const block = stopped === undefined ? reach.blocks.find(({ id }) => behind(id)) : undefined
  const place = env.section.places.get(stopped ?? block?.id ?? -1)
  const read = reach.read.has(slot.name)
  complain(env, {
    severity: "warning",
    code: "param-no-gradient",
    message: `\`${slot.name}\` gets no gradient from this loss and will not change`,
    span: place ?? span,
    label:
      stopped !== undefined
        ? "no gradient gets through here"
        : block
          ? `\`${block.op}\` has no gradient`
          : "the loss does not depend on it",
    related: place && [{ span, text: "this optimizer leaves it as it is" }],
    help:
      stopped !== undefined
        ? "leave this out on the way from the parameter to the loss"
        : read
          ? "declare it `frozen param` if that is meant"
          : "compute the loss from what the model gives, or declare it `frozen param`",
    ...(stopped !== undefined && place && withoutStop(place)),
  })
}

/** Parameters that the step reads and does not move. Whether another section moves them is known when all are checked. */
function noteIdle(env: Env, producers: Producers, owners: ReadonlyMap<string, Span>): void {
  for (const s of producers.values()) {
    if (s.kind !== "read" || owners.has(s.slot)) continue
    const entry = env.cx.slots.get(s.slot)
    if (entry?.slot.role === "param" && !entry.slot.frozen) env.cx.idle.set(s.slot, env)
  }
}

/** `stop_gradient(x)` becomes `x`, and of a pipe the stage goes. */
function withoutStop(place: Span): { fix?: Fix } {
  const text = spanText(place)
  const inner = /^(?:stop_gradient|detach)\((.*)\)$/s.exec(text)?.[1]
  return inner === undefined ? withoutStage(place) : { fix: { span: place, replacement: inner } }
}

/** Where a gradient is stopped on the way to it, or where it is made. */
function idleAt(env: Env, slot: string, made: Span): Pick<Complaint, "span" | "label" | "help" | "fix"> {
  const producers = producersIn(env.section.bodies[0]!)
  const stop = [...producers.values()].find(
    (s) => s.kind === "op" && s.op === "stop_gradient" && reachOf(s.id, producers).read.has(slot),
  )
  const place = stop && env.section.places.get(stop.id)
  if (place)
    return {
      span: place,
      label: "no gradient gets through here",
      help: "leave this out, or declare what is behind it `frozen param`",
      ...withoutStop(place),
    }
  return {
    span: made,
    label: "its parameters take part in no loss",
    help: "use it in a loss, or declare it `frozen param`",
  }
}

/** Warns of parameters that sections read and none of them moves, unless they start from a file. */
export function warnOfIdle(cx: Cx, trains: readonly TrainSection[]): void {
  const moved = new Set(trains.flatMap((t) => t.objectives.flatMap((o) => o.updates.map((u) => u.param))))
  for (const [slot, env] of cx.idle) {
    const entry = cx.slots.get(slot)
    const given = [...cx.weights.keys()].some((of) => slot === of || slot.startsWith(`${of}.`))
    if (!entry || given || moved.has(slot)) continue
    complain(env, {
      severity: "warning",
      code: "param-no-gradient",
      message: `\`${slot}\` gets no gradient and will not change`,
      ...idleAt(env, slot, entry.user),
    })
  }
}
