/** test: random programs: graphs of every family of operations, with gradients, updates of slots and several outputs.
 *  The same numbers always give the same graph, and fewer or smaller numbers a simpler one, so that fast-check can shrink. */
import fc from "fast-check"
import type { Graph } from "../../compiler/ir/graph/types.js"
import { type DimValues, isStatic, sameType } from "../../compiler/ir/tensor.js"
import type { Value } from "../../compiler/ops/op.js"
import { chooser, STEPS } from "./random-steps.js"
import { type Known, Values } from "./random-values.js"

export interface RandomProgram {
  /** Which step each time, and what it chooses. */
  readonly steps: readonly { readonly step: number; readonly choices: readonly number[] }[]
  /** How often it is differentiated. */
  readonly gradients: number
  /** How the slots are updated. */
  readonly update: number
}

export const randomProgram: fc.Arbitrary<RandomProgram> = fc.record({
  steps: fc.array(
    fc.record({
      step: fc.nat(STEPS.length - 1),
      choices: fc.array(fc.nat(63), { minLength: 6, maxLength: 6 }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  gradients: fc.constantFrom(0, 0, 1, 1, 1, 1, 2),
  update: fc.nat(3),
})

export function graphOf({ steps, gradients, update }: RandomProgram, dims: DimValues): Graph {
  const x = new Values(dims)
  x.input([{ terms: [{ coef: 1, syms: ["B"] }] }, 4])
  x.slot([4])
  for (const { step, choices } of steps) STEPS[step]!(x, chooser(choices))
  const { g } = x
  const read = new Set(g.built.flatMap((n) => n.args))
  const results = x.all.filter((k) => !read.has(k.value.id))
  results.forEach((k, i) => g.output(`y${i}`, k.value))
  const last = x.floats.at(-1)!
  if (!results.includes(last)) g.output("last", last.value)
  if (gradients > 0) differentiate(x, results.length === 0 ? [last] : results, gradients, update)
  else copySlots(x, update)
  return g.finish()
}

/** One loss of all results, one gradient per slot and input, and steps of an optimizer. */
function differentiate(x: Values, results: readonly Known[], order: number, update: number): void {
  const { g } = x
  const floats = results.filter((k) => k.value.type.dtype === "f32")
  const sources = x.floats.filter((k) => g.node(k.value) === undefined)
  // The sources themselves too: without a way from one to the loss but through a comparison, there is no gradient.
  const terms = [...floats, ...sources].map(({ value }, i) =>
    i % 2 === 0 ? g.binary("mul", value, value) : value,
  )
  let loss = terms.map((v) => mean(x, v)).reduce((a, b) => g.binary("add", a, b), g.constant(0))
  if (order === 2) {
    const first = sources.map((k) => g.apply("grad", [loss, k.value]))
    loss = first.map((d) => mean(x, g.binary("mul", d, d))).reduce((a, b) => g.binary("add", a, b), loss)
  }
  g.output("loss", loss)
  sources.forEach((k, i) => {
    const d = g.apply("grad", [loss, k.value])
    const isSlot = k.value.type.shape.every(isStatic) && k.grain === null
    if (!isSlot) return g.output(`d${i}`, d)
    const scaled = g.binary("mul", d, g.constant(0.125))
    if (update === 0) return g.update(k.value, g.binary("sub", k.value, scaled))
    const moment = g.slot(`m${i}`, k.value.type, "optimizer")
    const next = g.binary("add", g.binary("mul", moment, g.constant(0.5)), scaled)
    g.update(moment, next)
    if (update === 1) return g.update(k.value, g.binary("sub", k.value, next))
    const root = g.apply("sqrt", [g.binary("add", g.binary("mul", next, next), g.constant(0.01))])
    g.update(k.value, g.binary("sub", k.value, g.binary("div", scaled, root)))
    if (update === 3) g.output(`d${i}`, d)
  })
}
/** Sums grow with what they sum; means do not. */
function mean(x: Values, v: Value): Value {
  const { g } = x
  const { shape } = v.type
  if (shape.length === 0) return v
  const sum = g.apply("sum", [v], { axes: [...shape.keys()], keepdim: false })
  return g.binary("div", sum, g.constant(x.count(shape)))
}

/** Slots take each other's values, or a result. */
function copySlots(x: Values, update: number): void {
  const { g } = x
  const slots = x.floats.filter((k) => g.node(k.value) === undefined && k.grain === null)
  slots.forEach((slot, i) => {
    const alike = x.floats.filter((k) => sameType(k.value.type, slot.value.type))
    if ((update + i) % 2 === 0) g.update(slot.value, alike[(update + i) % alike.length]!.value)
  })
}
