/** validate: the expected results of a program, in double precision, and the precision that a device can reach. */
import { type EvalInputs, evalValues } from "../ir/graph/eval.js"
import type { Graph, ValueId } from "../ir/graph/types.js"
import { type Allowed, apart, type Spread, spreadOver } from "./nearness.js"
import { type Precision, rounding } from "./rounding.js"
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
export function evaluated(graph: Graph, { inputs, state, dims }: Values, held?: EvalInputs["held"]): Results {
  const whole = withoutGradients(graph)
  const values = evalValues(whole, { inputs, state, dims, scalars: SCALARS, ...(held && { held }) })
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

/** By the name of the result. */
export type SpreadOf = (name: string) => Spread

/** How far rounding moves each result, worked out when it is first asked for. */
export function spreading(graph: Graph, values: Values, exact: Results, precision: Precision): SpreadOf {
  const noisy: Results[] = []
  return (name) => (runs) => {
    while (noisy.length < runs)
      noisy.push(evaluated(graph, values, rounding(precision, randomNumbers(noisy.length + 1))))
    return spreadOver(
      exact.get(name)!,
      noisy.slice(0, runs).map((run) => run.get(name)!),
    )
  }
}

export interface Mismatch {
  readonly name: string
  readonly element: number
  readonly is: number
  readonly expected: number
}

/** The first wrong element of each result. Results that `now` lacks are not compared. */
export function mismatches(expected: Results, now: Results, spread: SpreadOf, allowed: Allowed): Mismatch[] {
  return [...expected].flatMap(([name, want]): Mismatch[] => {
    const got = now.get(name)
    if (got === undefined) return []
    if (got.length !== want.length) return [{ name, element: 0, is: NaN, expected: want[0] ?? NaN }]
    const found = apart(want, got, spread(name), allowed)
    if (found === "near" || found === "vague") return []
    return [{ name, element: found.element, is: got[found.element]!, expected: want[found.element]! }]
  })
}
