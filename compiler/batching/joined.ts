/** batching: the graphs of several runs of one program that differ in numbers only -> graphs that read those numbers from slots.
 *  Assumes:    the graphs of each run are optimised, so no pass that would fold these numbers runs after this.
 *  Guarantees: with the values of a run in the slots, the joined graphs compute the same as that run's own graphs.
 *  Not here:   memory and kernels for several runs (across-runs.ts). */
import { buildLike, finishLike, rewritten, valueIn, withoutOrigins } from "../ir/graph/build.js"
import { printGraphs } from "../ir/graph/text.js"
import type { Graph, Node, ValueId } from "../ir/graph/types.js"
import { floatAttr } from "../ops/attrs.js"
import { opDef } from "../ops/index.js"
import type { Value } from "../ops/op.js"
import { constant } from "../ops/source.js"

export interface Joined {
  readonly graphs: readonly Graph[]
  readonly numbers: readonly RunNumbers[]
}
/** A slot that no program writes. */
export interface RunNumbers {
  readonly slot: string
  /** By run. */
  readonly values: readonly number[]
}

/** The runs that differ in numbers only, in order. */
export function alike(runs: readonly (readonly Graph[])[]): readonly (readonly number[])[] {
  const classes = new Map<string, number[]>()
  runs.forEach((graphs, run) => {
    const key = printGraphs(graphs.map((graph) => withoutNumbers(withoutOrigins(withOwnNumbers(graph)))))
    classes.set(key, [...(classes.get(key) ?? []), run])
  })
  return [...classes.values()]
}

/** Joins runs that are alike. */
export function joined(given: readonly (readonly Graph[])[]): Joined {
  const numbers = new Map<string, RunNumbers>()
  const runs = given.map((graphs) => graphs.map(withOwnNumbers))
  const [first = []] = runs
  const graphs = first.map((graph, at) => {
    const differing = new Map<number, string>()
    graph.nodes.forEach((node, n) => {
      if (!isNumber(node)) return
      const values = runs.map((own) => floatAttr(own[at]!.nodes[n]!.attrs, "value"))
      if (values.every((value) => Object.is(value, values[0]))) return
      const key = `${node.type.dtype} ${values.join()}`
      const known = numbers.get(key) ?? { slot: `run.number.${numbers.size}`, values }
      numbers.set(key, known)
      differing.set(node.id, known.slot)
    })
    const slots = new Map<string, Value>()
    return rewritten(graph, (g, node) => {
      const name = differing.get(node.id)
      if (name === undefined)
        return isNumber(node) ? g.constant(floatAttr(node.attrs, "value"), node.type.dtype) : undefined
      const slot = slots.get(name) ?? g.slot(name, node.type, "run", node.origin)
      slots.set(name, slot)
      return slot
    })
  })
  return { graphs, numbers: [...numbers.values()] }
}

/** Numbers within loops over time stay where they are: a region has no slots. */
const isNumber = ({ op, type }: Node): boolean =>
  opDef(op) === constant && (type.dtype === "f32" || type.dtype === "i32")

/** A number for each of its uses: two that are equal in one run need not be so in another. */
function withOwnNumbers(graph: Graph): Graph {
  const { g, values } = buildLike(graph)
  const numbers = new Map(graph.nodes.filter(isNumber).map((node) => [node.id, node]))
  const use = (id: ValueId): Value => {
    const number = numbers.get(id)
    return number ? g.copy(number, []) : valueIn(values, id)
  }
  for (const node of graph.nodes) if (!isNumber(node)) values.set(node.id, g.copy(node, node.args.map(use)))
  for (const { value } of [...graph.outputs, ...graph.updates])
    if (numbers.has(value) && !values.has(value)) values.set(value, use(value))
  return finishLike(graph, g, values)
}

const withoutNumbers = (graph: Graph): Graph => ({
  ...graph,
  nodes: graph.nodes.map((node) => (isNumber(node) ? { ...node, attrs: { ...node.attrs, value: 0 } } : node)),
})
