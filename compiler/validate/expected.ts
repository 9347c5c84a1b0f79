/** validate: what a program must give, in double precision, and how exactly a device can be asked for it. */
import { evalValues } from "../ir/graph/eval.js"
import type { Graph, ValueId } from "../ir/graph/types.js"
import { isFloat } from "../ir/tensor.js"
import type { NdArray } from "../ops/op.js"
import { randomNumbers, SCALARS, type Values } from "./values.js"

/** A result of a program: an output, or the new value of a slot (`@name`). */
export interface Result {
  readonly name: string
  readonly value: ValueId
}
export const resultsOf = (graph: Graph): readonly Result[] => {
  const slots = new Map(graph.state.map((s) => [s.id, s.name]))
  return [
    ...graph.outputs.map(({ name, value }) => ({ name, value })),
    ...graph.updates.map(({ slot, value }) => ({ name: `@${slots.get(slot)!}`, value })),
  ]
}

/** By the name of the result. */
export type Results = ReadonlyMap<string, ArrayLike<number>>

/** Results that no gradient is needed for: `grad` is for autodiff to expand. */
export function evaluated(graph: Graph, { inputs, state, dims }: Values): Results {
  const whole = withoutGradients(graph)
  const values = evalValues(whole, { inputs, state, dims, scalars: SCALARS })
  return new Map(resultsOf(whole).map(({ name, value }) => [name, values.get(value)!.data]))
}

function withoutGradients(graph: Graph): Graph {
  const lost = new Set<ValueId>()
  for (const node of graph.nodes)
    if (node.op === "grad" || node.args.some((a) => lost.has(a))) lost.add(node.id)
  if (lost.size === 0) return graph
  return {
    ...graph,
    nodes: graph.nodes.filter((n) => !lost.has(n.id)),
    outputs: graph.outputs.filter((o) => !lost.has(o.value)),
    updates: graph.updates.filter((u) => !lost.has(u.value)),
  }
}

/** How far each result moves when what is read moves by as much as f32 rounds: a device rounds everything on the way. */
export function sensitivity(graph: Graph, values: Values, results: Results): ReadonlyMap<string, number> {
  const most = new Map<string, number>()
  for (const seed of [1, 2]) {
    const next = randomNumbers(seed)
    const shaken = (given: Values["inputs"], floats: ReadonlySet<string>): Values["inputs"] =>
      Object.fromEntries(
        Object.entries(given).map(([name, { shape, data }]): [string, NdArray] => [
          name,
          { shape, data: floats.has(name) ? data.map((v) => v * (1 + EPSILON * (2 * next() - 1))) : data },
        ]),
      )
    const floatsIn = (list: readonly { name: string; type: Graph["nodes"][number]["type"] }[]) =>
      new Set(list.filter((v) => isFloat(v.type.dtype)).map((v) => v.name))
    const moved = evaluated(graph, {
      ...values,
      inputs: shaken(values.inputs, floatsIn(graph.inputs)),
      state: shaken(values.state, floatsIn(graph.state)),
    })
    for (const [name, now] of moved) {
      const was = results.get(name)!
      let far = most.get(name) ?? 0
      for (let i = 0; i < was.length; i++) {
        const by = Math.abs(now[i]! - was[i]!)
        if (by > far) far = by
      }
      most.set(name, far)
    }
  }
  return most
}
/** Four roundings of f32. */
const EPSILON = 2 ** -22

export interface Mismatch {
  readonly name: string
  readonly element: number
  readonly is: number
  readonly expected: number
}

/** The first element of each result that is not what it must be. A result that `now` lacks is none of its concern. */
export function mismatches(
  expected: Results,
  now: Results,
  tolerance: (name: string, scale: number) => number,
): Mismatch[] {
  return [...expected].flatMap(([name, want]): Mismatch[] => {
    const got = now.get(name)
    if (got === undefined) return []
    if (got.length !== want.length) return [{ name, element: 0, is: NaN, expected: want[0] ?? NaN }]
    let scale = 1
    for (let i = 0; i < want.length; i++) {
      const size = Math.abs(want[i]!)
      if (Number.isFinite(size) && size > scale) scale = size
    }
    const allowed = tolerance(name, scale)
    for (let i = 0; i < want.length; i++) {
      const [is, must] = [got[i]!, want[i]!]
      // What f32 cannot hold is infinite on a device.
      if (Object.is(is, must) || is === must || is === Math.fround(must)) continue
      if (Number.isNaN(is) && Number.isNaN(must)) continue
      if (Math.abs(is - must) <= allowed) continue
      return [{ name, element: i, is, expected: must }]
    }
    return []
  })
}
