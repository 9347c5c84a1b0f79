/** ir/graph: prints graphs and reads them back.
 *  Guarantees: print, parse, print gives the same text. Ids of inputs and slots are not printed (they are named), so a graph that
 *              was read may number them differently.
 *  Not here:   checking (verify.ts): any well-formed text of operations that there are is read.
 *
 *      graph step(x: f32[R, 30] data, step: i32 scalar) {
 *        state @linear.weight: f32[16, 30] param  // net.nn:5:3
 *        %3 = matmul x, %2 : f32[B, 16]  // net.nn:10:8 in linear
 *        %4 = sum %3 {axes: [0], keepdim: false} : f32[16]
 *        return loss = %4
 *        update @linear.weight = %5
 *      }
 */
import { jsonText } from "../../source/visible.js"
import { printDim, printType } from "../tensor.js"
import type { Dim } from "../tensor.js"
import { Cursor, type Locations, type Token } from "../text/scanner.js"
import {
  originComment,
  parseDimAt,
  parseName,
  parseOp,
  parseOrigin,
  parseTypeAt,
  printName,
} from "../text/notation.js"
import { printNumber, printSlotName } from "../text/notation.js"
import type { Attrs, AttrValue, Graph, Input, InputSource, Node, Output, Row, ScalarName } from "./types.js"
import { SLOT_ROLES } from "./types.js"
import type { StateSlot, Update, ValueId } from "./types.js"

export const printGraph = (graph: Graph): string => printLines(graph).join("\n") + "\n"

/** Several graphs, one after another. */
export const printGraphs = (graphs: readonly Graph[]): string => graphs.map(printGraph).join("\n")

function printLines(graph: Graph): string[] {
  const names = valueNames(graph)
  const name = (id: ValueId): string => names.get(id) ?? `%${id}`
  return [
    ...printHeader(graph),
    ...graph.state.map(
      (s) => `  state ${printSlotName(s.name)}: ${printType(s.type)} ${s.role}${originComment(s.origin)}`,
    ),
    ...graph.nodes.flatMap((n) => printNode(n, name).map((line) => `  ${line}`)),
    ...graph.outputs.map((o) => `  return ${printName(o.name)} = ${name(o.value)}${printInto(o, name)}`),
    ...graph.updates.map((u) => `  update ${name(u.slot)} = ${name(u.value)}`),
    "}",
  ]
}

/** How a value is written in this graph's text: `x`, `@w`, `%3`. */
export function valueNames(graph: Graph): ReadonlyMap<ValueId, string> {
  return new Map([
    ...graph.inputs.map((i): [ValueId, string] => [i.id, printName(i.name)]),
    ...graph.state.map((s): [ValueId, string] => [s.id, printSlotName(s.name)]),
    ...graph.nodes.map((n): [ValueId, string] => [n.id, `%${n.id}`]),
  ])
}

/** On one line, unless inputs have origins to say. */
function printHeader(graph: Graph): string[] {
  const start = `graph ${printName(graph.name)}${graph.mixed ? " mixed" : ""}(`
  if (graph.inputs.every((i) => originComment(i.origin) === ""))
    return [`${start}${graph.inputs.map(printInput).join(", ")}) {`]
  return [start, ...graph.inputs.map((i) => `  ${printInput(i)},${originComment(i.origin)}`), ") {"]
}
function printInput(i: Input): string {
  return `${printName(i.name)}: ${printType(i.type)}${printSource(i.source, i.name)}`
}
function printSource(source: InputSource, name: string): string {
  switch (source.kind) {
    case "feed":
      return ""
    case "data":
      return source.field === name ? " data" : ` data(${printName(source.field)})`
    case "scalar":
      return source.scalar === name ? " scalar" : ` scalar(${source.scalar})`
  }
}

function printNode(n: Node, name: (id: ValueId) => string): string[] {
  const args = n.args.length === 0 ? "" : ` ${n.args.map(name).join(", ")}`
  const attrs = Object.keys(n.attrs).length === 0 ? "" : ` ${printAttrs(n.attrs)}`
  const line = `%${n.id} = ${n.op}${args}${attrs} : ${printType(n.type)}`
  if (n.regions === undefined || n.regions.length === 0) return [line + originComment(n.origin)]
  return [
    `${line} with {${originComment(n.origin)}`,
    ...n.regions.flatMap((r) => printLines(r).map((inner) => `  ${inner}`)),
    "}",
  ]
}

const printInto = ({ into }: Output, name: (id: ValueId) => string): string =>
  into === undefined ? "" : ` into ${name(into.input)} ${into.row}`

/** `{axes: [0], keepdim: false}` */
export const printAttrs = (attrs: Attrs): string =>
  `{${Object.entries(attrs)
    .map(([k, v]) => `${k}: ${printAttr(v)}`)
    .join(", ")}}`

function printAttr(value: AttrValue): string {
  if (typeof value === "number") return printNumber(value)
  if (typeof value === "string") return jsonText(value)
  if (typeof value === "boolean" || value === null) return String(value)
  return isList(value) ? `[${value.map(printAttr).join(", ")}]` : printDim(value)
}
const isList = (value: AttrValue): value is readonly AttrValue[] => Array.isArray(value)

/** Reads one graph. Throws `IrTextError`. */
export function parseGraph(text: string, locations?: Locations): Graph {
  const c = new Cursor(text, locations)
  const graph = parseGraphAt(c)
  c.end()
  return graph
}
/** Reads graphs to the end of the text. */
export function parseGraphs(text: string, locations?: Locations): Graph[] {
  const c = new Cursor(text, locations)
  const graphs: Graph[] = []
  while (!c.isKind("end")) graphs.push(parseGraphAt(c))
  return graphs
}

/** A value as written, before inputs and slots have ids. */
type Written = { readonly at: Token } & (
  { readonly kind: "node"; readonly id: ValueId } | { readonly kind: "name" | "slot"; readonly name: string }
)

/** Reads a graph that is part of a larger text. */
export function parseGraphAt(c: Cursor): Graph {
  c.expect("graph")
  const name = parseName(c, "the graph's name")
  const mixed = c.accept("mixed")
  const inputs = parseInputs(c)
  c.expect("{")
  const state: Omit<StateSlot, "id">[] = []
  const nodes: (Omit<Node, "args"> & { readonly args: readonly Written[] })[] = []
  const outputs: WrittenOutput[] = []
  const updates: { readonly slot: Written; readonly value: Written }[] = []
  while (!c.accept("}")) {
    if (c.isKind("value")) nodes.push(c.located(() => parseNode(c)))
    else if (c.accept("state")) state.push(c.located(() => parseSlot(c)))
    else if (c.accept("return")) {
      do outputs.push(c.located(() => parseOutput(c)))
      while (c.accept(","))
    } else if (c.accept("update")) updates.push(c.located(() => parseUpdate(c)))
    else c.fail("expected a node (`%3 = ...`), `state`, `return`, `update` or `}`")
  }

  const free = freeIds(new Set(nodes.map((n) => n.id)))
  const inputList = inputs.map((i): Input => c.same(i, { id: free(), ...i }))
  const stateList = state.map((s): StateSlot => c.same(s, { id: free(), ...s }))
  const byName = new Map(inputList.map((i) => [i.name, i.id]))
  const bySlot = new Map(stateList.map((s) => [s.name, s.id]))
  const resolve = (w: Written): ValueId => {
    if (w.kind === "node") return w.id
    const id = (w.kind === "name" ? byName : bySlot).get(w.name)
    return id ?? c.fail(`graph ${name} has no ${w.kind === "name" ? "input" : "slot"} \`${w.name}\``, w.at)
  }
  return {
    name,
    ...(mixed && { mixed }),
    inputs: inputList,
    state: stateList,
    nodes: nodes.map((n): Node => c.same(n, { ...n, args: n.args.map(resolve) })),
    outputs: outputs.map((o): Output =>
      c.same(o, {
        name: o.name,
        value: resolve(o.value),
        ...(o.into && { into: { ...o.into, input: resolve(o.into.input) } }),
      }),
    ),
    updates: updates.map((u): Update => c.same(u, { slot: resolve(u.slot), value: resolve(u.value) })),
  }
}

/** The smallest ids that no node has, one per call. */
function freeIds(taken: ReadonlySet<ValueId>): () => ValueId {
  let next = 0
  return () => {
    while (taken.has(next)) next++
    return next++
  }
}

function parseInputs(c: Cursor): Omit<Input, "id">[] {
  const inputs: Omit<Input, "id">[] = []
  let more = true
  const input = (): Omit<Input, "id"> => {
    const name = parseName(c, "an input's name")
    c.expect(":")
    const type = parseTypeAt(c)
    const source = parseSource(c, name)
    // The origin stands behind the comma that ends the input.
    more = c.accept(",")
    return { name, type, source, origin: parseOrigin(c.comment()) }
  }
  c.expect("(")
  while (more && !c.is(")")) inputs.push(c.located(input))
  c.expect(")")
  return inputs
}
const SCALARS: readonly ScalarName[] = ["step", "epoch", "seed", "start", "iteration"]
function parseSource(c: Cursor, name: string): InputSource {
  const inParens = (): string => {
    if (!c.accept("(")) return name
    const inner = parseName(c)
    c.expect(")")
    return inner
  }
  if (c.accept("data")) return { kind: "data", field: inParens() }
  if (c.accept("scalar")) {
    const token = c.peek()
    const given = inParens()
    const scalar = SCALARS.find((s) => s === given)
    return scalar === undefined
      ? c.fail(`\`${given}\` is no run-time scalar; there are ${SCALARS.join(", ")}`, token)
      : { kind: "scalar", scalar }
  }
  c.accept("feed")
  return { kind: "feed" }
}

function parseSlot(c: Cursor): Omit<StateSlot, "id"> {
  const name = c.slot()
  c.expect(":")
  const type = parseTypeAt(c)
  const role = SLOT_ROLES.find((r) => c.accept(r)) ?? c.fail(`expected one of ${SLOT_ROLES.join(", ")}`)
  return { name, type, role, origin: parseOrigin(c.comment()) }
}

function parseNode(c: Cursor): Omit<Node, "args"> & { readonly args: readonly Written[] } {
  const id = parseId(c)
  c.expect("=")
  const op = parseOp(c)
  const args: Written[] = []
  if (!c.is("{") && !c.is(":"))
    do args.push(parseValue(c))
    while (c.accept(","))
  const attrs = c.is("{") ? parseAttrs(c) : {}
  c.expect(":")
  const type = parseTypeAt(c)
  const node = { id, op, args, attrs, type }
  if (!c.accept("with")) return { ...node, origin: parseOrigin(c.comment()) }
  c.expect("{")
  const origin = parseOrigin(c.comment())
  const regions: Graph[] = []
  while (!c.accept("}")) regions.push(parseGraphAt(c))
  return { ...node, origin, regions }
}
function parseId(c: Cursor): ValueId {
  const token = c.peek()
  const text = c.value()
  return /^\d+$/.test(text) ? Number(text) : c.fail(`%${text} is not numbered; nodes are %0, %1, ...`, token)
}
function parseValue(c: Cursor): Written {
  const at = c.peek()
  if (c.isKind("value")) return { kind: "node", id: parseId(c), at }
  if (c.isKind("slot")) return { kind: "slot", name: c.slot(), at }
  return { kind: "name", name: parseName(c, "a value"), at }
}
const ROWS: readonly Row[] = ["first", "iteration", "next", "other"]
interface WrittenOutput {
  readonly name: string
  readonly value: Written
  readonly into?: { readonly input: Written; readonly row: Row }
}
function parseOutput(c: Cursor): WrittenOutput {
  const name = parseName(c, "an output's name")
  c.expect("=")
  const value = parseValue(c)
  if (!c.accept("into")) return { name, value }
  const input = parseValue(c)
  const row = ROWS.find((r) => c.accept(r)) ?? c.fail(`expected ${ROWS.join(", ")}`)
  return { name, value, into: { input, row } }
}
function parseUpdate(c: Cursor): { slot: Written; value: Written } {
  const at = c.peek()
  const slot: Written = { kind: "slot", name: c.slot(), at }
  c.expect("=")
  return { slot, value: parseValue(c) }
}

/** Reads the text that `printAttrs` prints. */
export const parseAttrs = (c: Cursor): Attrs =>
  Object.fromEntries(
    c.list("{", "}", (): [string, AttrValue] => {
      const name = c.name("an attribute's name")
      c.expect(":")
      return [name, parseAttr(c)]
    }),
  )

function parseAttr(c: Cursor): AttrValue {
  if (c.isKind("string")) return c.string()
  if (c.is("[")) return c.list("[", "]", () => parseAttr(c))
  if (c.accept("true")) return true
  if (c.accept("false")) return false
  if (c.accept("null")) return null
  const afterNumber = c.peek(c.is("-") ? 2 : 1).text
  const isDim = !c.isNumber() || afterNumber === "*"
  return isDim ? attrOfDim(parseDimAt(c)) : c.number()
}
const attrOfDim = (dim: Dim): AttrValue => dim
