/** ir/graph: whether a graph is well formed. It guarantees, for the graph and its regions:
 *   - each id is bound once; names of inputs, of slots and of outputs are unique;
 *   - an argument, output or update names an input, a slot or a node that stands earlier;
 *   - every operation exists, its attributes are complete and of their kinds;
 *   - the recorded type of a node is the one that the operation's `infer` gives now;
 *   - a scan and its region agree, a result is one of its scan;
 *   - run-time scalars are scalars of their dtype; data starts with the axis R;
 *   - an update goes to a slot, each slot at most once, with a value of the slot's type.
 *  Not here: that a graph can be scheduled (`grad` may stand in it), or that it means what the source said. */
import { opDef, givenType } from "../../ops/index.js"
import { bug } from "../../source/bug.js"
import type { Complaint } from "../complaint.js"
import { DATA_ROWS, isStatic, printType, sameDim, sameType } from "../tensor.js"
import type { DType, TensorType } from "../tensor.js"
import { isScan, isScanResult, wrongScan, wrongScanResult } from "./scan.js"
import { printGraph, valueNames } from "./text.js"
import type { Graph, Input, Node, ScalarName, StateSlot, ValueId } from "./types.js"

/** Graphs do not change, and passes hand on those that they have nothing to do with. */
const sound = new WeakSet<Graph>()

/** All that is wrong, in the order of the text; empty when the graph is well formed. */
export function verifyGraph(graph: Graph): Complaint[] {
  if (sound.has(graph)) return []
  const complaints = complaintsOf(graph)
  if (complaints.length === 0) sound.add(graph)
  return complaints
}

function complaintsOf(graph: Graph): Complaint[] {
  const complaints: Complaint[] = []
  const names = valueNames(graph)
  const name = (id: ValueId): string => names.get(id) ?? `%${id}`
  const known = new Map<ValueId, TensorType>()
  const complain = (where: string, message: string, of: object): void =>
    void complaints.push({ where, message, of })
  const bind = (thing: Input | StateSlot | Node): void => {
    if (known.has(thing.id)) complain(name(thing.id), "its id is bound twice", thing)
    known.set(thing.id, thing.type)
  }

  const nameOf = ({ name }: { readonly name: string }): string => name
  unique(graph.inputs, nameOf, (i) => complain(i.name, "two inputs have this name", i))
  unique(graph.state, nameOf, (s) => complain(`@${s.name}`, "two slots have this name", s))
  unique(graph.outputs, nameOf, (o) => complain(o.name, "two outputs have this name", o))

  for (const i of graph.inputs) {
    bind(i)
    const wrong = wrongSource(i)
    if (wrong !== undefined) complain(i.name, wrong, i)
  }
  for (const s of graph.state) bind(s)
  for (const node of graph.nodes) {
    for (const message of wrongNode(node, known, name)) complain(name(node.id), message, node)
    for (const message of wrongLoop(graph, node, known)) complain(name(node.id), message, node)
    for (const region of node.regions ?? [])
      for (const inner of verifyGraph(region))
        complain(name(node.id), `in ${region.name}, ${inner.where}: ${inner.message}`, inner.of ?? node)
    bind(node)
  }
  for (const o of graph.outputs)
    if (!known.has(o.value)) complain(o.name, `${name(o.value)} is not defined`, o)

  const slots = new Map(graph.state.map((s) => [s.id, s]))
  unique(
    graph.updates,
    (u) => name(u.slot),
    (u) => complain(name(u.slot), "it is updated twice", u),
  )
  for (const update of graph.updates) {
    const { slot, value } = update
    const target = slots.get(slot)
    const type = known.get(value)
    if (target === undefined) complain(name(slot), "an update goes to a slot", update)
    else if (type === undefined) complain(name(slot), `${name(value)} is not defined`, update)
    else if (!sameType(type, target.type))
      complain(name(slot), `it is ${printType(target.type)}, updated with ${printType(type)}`, update)
  }
  return complaints
}

/** Stops with all complaints and the graph's text unless it is well formed. */
export function assertGraph(graph: Graph): void {
  const complaints = verifyGraph(graph)
  if (complaints.length === 0) return
  const list = complaints.map((c) => `${c.where}: ${c.message}`).join("\n")
  bug(`graph ${graph.name} is not well formed:\n${list}\n\n${printGraph(graph)}`)
}

function unique<T>(things: readonly T[], key: (thing: T) => string, twice: (thing: T) => void): void {
  const seen = new Set<string>()
  for (const thing of things) {
    if (seen.has(key(thing))) twice(thing)
    seen.add(key(thing))
  }
}

const SCALAR_DTYPES: Readonly<Record<ScalarName, DType>> = {
  step: "i32",
  epoch: "i32",
  seed: "u32",
  start: "i32",
  iteration: "i32",
}
function wrongSource(i: Input): string | undefined {
  if (i.source.kind === "scalar") {
    const want = SCALAR_DTYPES[i.source.scalar]
    if (i.type.dtype !== want || i.type.shape.length > 0)
      return `the run-time scalar ${i.source.scalar} is ${want}, not ${printType(i.type)}`
  }
  if (i.source.kind === "data" && !isData(i.type))
    return `data on the device starts with the axis R, or is the same for all rows, not ${printType(i.type)}`
  return undefined
}

/** Rows, or a list of the values of their codes. */
const isData = ({ shape: [first, ...others] }: TensorType): boolean =>
  first !== undefined && others.every(isStatic) && (isStatic(first) || sameDim(first, DATA_ROWS))

/** A scan against its region, a result against its scan. */
function wrongLoop(graph: Graph, node: Node, known: ReadonlyMap<ValueId, TensorType>): string[] {
  if (node.args.some((a) => !known.has(a))) return []
  if (isScan(node))
    return wrongScan(
      node,
      node.args.map((a) => known.get(a)!),
    )
  if (!isScanResult(node)) return []
  return wrongScanResult(
    node,
    graph.nodes.find((n) => n.id === node.args[0]),
  )
}

function wrongNode(
  node: Node,
  known: ReadonlyMap<ValueId, TensorType>,
  name: (id: ValueId) => string,
): string[] {
  const def = opDef(node.op)
  const missing = node.args.filter((a) => !known.has(a))
  if (missing.length > 0) return missing.map((a) => `${name(a)} is used before it is defined`)
  const absent = Object.keys(def.attrs).filter((key) => !(key in node.attrs))
  const type = givenType(
    def,
    node.args.map((a) => known.get(a)!),
    node.attrs,
  )
  if (typeof type === "string") return [type]
  if (absent.length > 0) return [`${node.op} lacks the attribute \`${absent.join("`, `")}\``]
  return sameType(type, node.type) ? [] : [`its type is ${printType(type)}, not ${printType(node.type)}`]
}
