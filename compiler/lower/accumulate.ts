/** lower: `accumulate N`: the gradients of N batches averaged, then one update.
 *  Each moved parameter gets a slot that holds the sum so far. Every step adds to it; every N-th lets the optimizer's new values
 *  through and empties it. Optimizers and their schedules count updates, not batches. */
import type { GraphBuild } from "../ir/graph/build.js"
import type { Model, Slot, TrainSection } from "../ir/model/types.js"
import { bug } from "../source/bug.js"
import type { Value } from "../ops/op.js"
import type { GraphInputs } from "./inputs.js"
import type { SlotValues } from "./slots.js"

/** How a step handles gradients and updates when there is one update for `every` batches. */
export interface Accumulation {
  /** The mean gradients so far, this batch included. */
  add(params: readonly string[], gradients: readonly Value[]): readonly Value[]
  /** Updates made before this one. */
  readonly step: Value
  /** Undoes the optimizers' writes, unless this batch completes an update. */
  settle(): void
}

export function accumulation(
  g: GraphBuild,
  slots: SlotValues,
  inputs: GraphInputs,
  train: TrainSection,
): Accumulation {
  const origin = { ...train.origin, by: "accumulate" }
  const every = g.at(origin).constant(train.settings.accumulate, "i32")
  const batches = inputs.scalar("step")
  const one = g.constant(1, "i32")
  const completed = g.apply("rem", [g.apply("add", [batches, one]), every])
  const isLast = g.apply("eq", [completed, g.constant(0, "i32")])
  const sums = new Map<string, Value>()
  return {
    step: g.apply("div", [batches, every]),
    add: (params, gradients) =>
      gradients.map((gradient, i) => {
        const name = sumSlot(params[i] ?? bug("a gradient of no parameter"))
        const part = g
          .at(origin)
          .binary("div", gradient, g.constant(train.settings.accumulate, gradient.type.dtype))
        const sum = g.apply("add", [slots.read(name), part])
        sums.set(name, sum)
        return sum
      }),
    settle() {
      g.at(origin)
      slots.keepUnless(isLast, train.follows)
      for (const [name, sum] of sums) slots.write(name, g.apply("where", [isLast, g.full(0, sum.type), sum]))
    },
  }
}

/** The model with the slots that accumulation needs. */
export function withSums(model: Model): Model {
  const params = new Set(
    model.trains
      .filter((train) => train.settings.accumulate > 1)
      .flatMap((train) => train.objectives.flatMap((o) => o.updates.map((u) => u.param))),
  )
  if (params.size === 0) return model
  const sums = model.slots.filter((s) => params.has(s.name)).map(sumOf)
  return { ...model, slots: [...model.slots, ...sums] }
}

const sumSlot = (param: string): string => `${param}/grad_sum`

function sumOf(param: Slot): Slot {
  const origin = { ...param.origin, by: "accumulate" }
  const { dtype, shape } = param.type
  return {
    name: sumSlot(param.name),
    type: param.type,
    role: "optimizer",
    frozen: false,
    init: {
      inputs: [],
      body: [
        {
          kind: "op",
          id: 0,
          op: "constant",
          args: [],
          attrs: { value: 0, dtype },
          type: { dtype, shape: [] },
          origin,
        },
        { kind: "op", id: 1, op: "broadcast", args: [0], attrs: { shape }, type: param.type, origin },
      ],
      results: [{ name: "value", value: 1 }],
    },
    origin,
  }
}
