/** lower: cuts an evaluation in two: partial results of every batch, and a computation from all of them together, so that a metric is that of
 *  all rows in one batch, however many there are in a batch.
 *  A mean over rows stays in the first graph: the mean of its values, weighted by rows, is exact. Everything else is followed back to
 *  where rows are added up (or compared); these sums are joined over all batches, and the nodes behind them are the second graph,
 *  in which `B` is the number of all rows.
 *  Guarantees: the first graph gives the partial results as outputs `rows.REDUCE.K`; the second is fed them joined. A value that rows of a batch share
 *              before they are added up (a batch's mean, the other rows of a contrastive loss) stays that of the batch. */
import { renumbered } from "../ir/graph/build.js"
import type { Graph, Input, Node, ValueId } from "../ir/graph/types.js"
import { rowTotalName, type RowReduction } from "../ir/graph/row-totals.js"
import { isFloat, isStatic, type TensorType } from "../ir/tensor.js"
import { opDef } from "../ops/index.js"
import { bug } from "../source/bug.js"
import { prune } from "./prune.js"

/** The graph itself when nothing is to be computed from all rows at once. `name`: of the second graph. */
export function cutAtRowTotals(graph: Graph, name: string): readonly Graph[] {
  const facts = factsOf(graph)
  const of = (id: ValueId): Fact => facts.get(id) ?? bug(`no value ${id}`)
  const isLate = (value: ValueId): boolean =>
    of(value).isJoinable && !["mean", "fixed"].includes(of(value).form)
  const lateOutputs = graph.outputs.filter((o) => isLate(o.value))
  if (lateOutputs.length === 0) return [prune(graph)]
  const totals = neededTotals(graph, lateOutputs, of)
  const late = prune({
    ...graph,
    name,
    inputs: [
      ...graph.inputs,
      ...totals.map(({ node: { id, type, origin }, name: total }): Input => {
        return { id, name: total, type, source: { kind: "feed" }, origin }
      }),
    ],
    nodes: graph.nodes.filter((n) => of(n.id).total === undefined),
    outputs: lateOutputs,
  })
  const early = prune({
    ...graph,
    outputs: [
      ...graph.outputs.filter((o) => !isLate(o.value)),
      ...totals.map(({ node, name: total }) => ({ name: total, value: node.id })),
    ],
  })
  return [early, renumbered(late)]
}

/** Where rows come together on the way to these outputs, in order. */
function neededTotals(
  graph: Graph,
  outputs: Graph["outputs"],
  of: (id: ValueId) => Fact,
): { readonly node: Node; readonly name: string }[] {
  const needed = new Set(outputs.map((o) => o.value))
  const found: { readonly node: Node; readonly reduce: RowReduction }[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!needed.has(node.id)) continue
    const { total } = of(node.id)
    if (total !== undefined) found.push({ node, reduce: total })
    else for (const arg of node.args) needed.add(arg)
  }
  return found.reverse().map(({ node, reduce }, k) => ({ node, name: rowTotalName(reduce, k) }))
}

/** How a value without rows depends on them. mean: the mean of batches, weighted by rows, is that of all rows (so is a value that
 *  does not depend on rows). sum: batches add up. count: a multiple of the number of rows. */
type Form = "mean" | "fixed" | "sum" | "count" | "other"

interface Fact {
  readonly form: Form
  /** Whether it can be had for all rows at once. */
  readonly isJoinable: boolean
  /** Where rows come together: how batches join. */
  readonly total?: RowReduction | undefined
}

const OTHER: Fact = { form: "other", isJoinable: false }
const FIXED: Fact = { form: "fixed", isJoinable: true }

function factsOf(graph: Graph): ReadonlyMap<ValueId, Fact> {
  const facts = new Map<ValueId, Fact>()
  const types = new Map<ValueId, TensorType>()
  for (const input of [...graph.inputs, ...graph.state]) {
    types.set(input.id, input.type)
    facts.set(input.id, hasRows(input.type) ? OTHER : FIXED)
  }
  for (const node of graph.nodes) {
    types.set(node.id, node.type)
    const args = node.args.map((a) => facts.get(a) ?? bug(`no value ${a}`))
    const readsRows = node.args.some((a) => hasRows(types.get(a) ?? bug(`no type of ${a}`)))
    facts.set(node.id, factOf(node, args, readsRows))
  }
  return facts
}

const hasRows = ({ shape }: TensorType): boolean => !shape.every(isStatic)

function factOf(node: Node, args: readonly Fact[], readsRows: boolean): Fact {
  if (hasRows(node.type)) return OTHER
  if (readsRows) {
    const total = reductionOf(node)
    return total === undefined ? OTHER : { form: total === "sum" ? "sum" : "other", isJoinable: true, total }
  }
  if (Object.values(node.attrs).some((a) => typeof a === "object" && a !== null && "terms" in a))
    return { form: isMultipleOfRows(node) ? "count" : "other", isJoinable: true }
  if (args.every((a) => a.form === "fixed")) return FIXED
  if (node.regions !== undefined || opDef(node.op).traits.kind === "meta") return OTHER
  return {
    form: formOf(
      node,
      args.map((a) => a.form),
    ),
    isJoinable: args.every((a) => a.isJoinable),
  }
}

/** The reduction of an operation that reads rows and leaves none. */
function reductionOf(node: Node): RowReduction | undefined {
  const { lower: lowering } = opDef(node.op)
  if (node.regions !== undefined) return undefined
  if (lowering.kind === "contract") return "sum"
  return lowering.kind === "reduce" && lowering.combine !== "prod" ? lowering.combine : undefined
}

function isMultipleOfRows({ attrs: { dim } }: Node): boolean {
  if (typeof dim !== "object" || dim === null || !("terms" in dim)) return false
  const [term, ...others] = dim.terms
  return others.length === 0 && term?.syms.length === 1
}

/** The form of an operation on values without rows, some of them not fixed: linear operations keep it. */
function formOf({ op, type }: Node, forms: readonly Form[]): Form {
  const [a, b] = forms
  if (!isFloat(type.dtype) || a === undefined) return "other"
  if (op === "cast" || op === "neg" || opDef(op).traits.kind === "view") return common(forms)
  if (b === undefined) return "other"
  if (op === "add" || op === "sub") return common(forms)
  if (op === "mul") return a === "fixed" ? b : b === "fixed" ? a : "other"
  if (op === "div") return b === "fixed" ? a : a === "sum" && b === "count" ? "mean" : "other"
  return "other"
}

/** A mean and a fixed value give a mean; otherwise all have to be the same. */
function common(forms: readonly Form[]): Form {
  const kinds = new Set(forms)
  if (kinds.has("mean")) kinds.delete("fixed")
  const [only, ...more] = kinds
  return only === undefined || more.length > 0 ? "other" : only
}
