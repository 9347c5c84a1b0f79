/** lower: the program `finite`: which slots hold something that is not finite, 1 or 0 for each under its name.
 *  A state whose first value is made with an infinite constant, as a best value so far may be, is infinite on purpose: only NaN is
 *  asked for there. The run's own records of metrics are left out: a metric may be any number.
 *  Not here:   when it is asked (runtime/train). */
import { GraphBuild } from "../ir/graph/build.js"
import type { Graph } from "../ir/graph/types.js"
import type { Model, ModelStmt, Slot } from "../ir/model/types.js"
import { isFloat } from "../ir/tensor.js"
import type { Value } from "../ops/op.js"
import { SlotValues } from "./slots.js"

export function lowerFinite(model: Model): Graph {
  const g = new GraphBuild("finite")
  const slots = new SlotValues(g, model.slots)
  const observed = new Set(model.trains.flatMap((t) => t.observed.map((o) => o.value)))
  for (const slot of model.slots) {
    if (!isFloat(slot.type.dtype) || observed.has(slot.name)) continue
    const x = slots.initial(slot.name)
    g.at(slot.origin)
    const bad = mayBeInfinite(slot) ? g.apply("ne", [x, x]) : g.apply("nonfinite", [x])
    g.output(slot.name, largest(g, g.apply("cast", [bad], { dtype: "f32" })))
  }
  return g.finish()
}

function largest(g: GraphBuild, x: Value): Value {
  const axes = x.type.shape.map((_, axis) => axis)
  return axes.length === 0 ? x : g.apply("max", [x], { axes, keepdim: false })
}

const mayBeInfinite = ({ role, init }: Slot): boolean => role !== "param" && init.body.some(makesInfinity)
const makesInfinity = (s: ModelStmt): boolean =>
  s.kind === "call"
    ? s.body.some(makesInfinity)
    : s.kind === "op" && s.op === "constant" && !Number.isFinite(Math.fround(Number(s.attrs["value"])))
