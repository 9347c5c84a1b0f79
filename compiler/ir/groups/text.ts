/** ir/groups: grouped graphs as text that reads back: the graph, then its groups in order.
 *
 *      groups {
 *        row 5 over [B] x [10] {
 *          compute %51, %55
 *          elements %77
 *          store %77
 *        }
 *        contract 8 over [16, 30] axes [1, 0] x [B] {
 *          plan tile {rows: 4, columns: 4, taps: 1, lanes: 64, vector: false, split: true, staged: false}
 *          compute %69, %76
 *          store %76 into @linear.weight
 *        }
 *      }
 */
import { bug } from "../../source/bug.js"
import { parseGraph, printGraph, valueNames } from "../graph/text.js"
import type { ValueId } from "../graph/types.js"
import { printShape } from "../tensor.js"
import { parseDimAt, printSlotName } from "../text/notation.js"
import { Cursor, IrTextError, type Locations } from "../text/scanner.js"
import { parsePlan, printPlan } from "./plans.js"
import { chainOf, type Group, type GroupedGraph, type GroupKind, type Store } from "./types.js"

export function printGroups(grouped: GroupedGraph): string {
  const names = valueNames(grouped.graph)
  const name = (v: ValueId): string => names.get(v) ?? bug(`no value %${v}`)
  const lines = grouped.groups.flatMap((x) => printGroup(x, name))
  return [printGraph(grouped.graph), START, ...lines.map((line) => `  ${line}`), "}", ""].join("\n")
}

/** Throws `IrTextError`. */
export function parseGroups(text: string, locations?: Locations): GroupedGraph {
  const at = text.indexOf(`\n${START}`)
  const before = text.slice(0, at + 1)
  const lines = before.split("\n").length
  if (at < 0) throw new IrTextError(lines, 1, "no groups follow the graph")
  const graph = parseGraph(before, locations)
  const values = new Map([...valueNames(graph)].map(([id, name]) => [name, id]))
  const c = new Cursor("\n".repeat(lines - 1) + text.slice(at + 1), locations)
  const groups: Group[] = []
  c.expect("groups")
  c.expect("{")
  while (!c.accept("}")) groups.push(c.located(() => parseGroup(c, values)))
  c.end()
  return { graph, groups }
}

const START = "groups {"
const KINDS: readonly GroupKind[] = ["map", "row", "contract", "pack", "chain"]

/** `contract 8 over [16, 30] axes [1, 0] x [B]`: which group it is, and the space that it runs over. */
export function printHead({ kind, id, outer, rootAxes, inner }: GroupHead): string {
  const axes = rootAxes === null ? "" : ` axes [${rootAxes.map((a) => (a === null ? "_" : a)).join(", ")}]`
  const over = kind === "map" || kind === "pack" || kind === "chain" ? "" : ` x ${printShape(inner)}`
  return `${kind} ${id} over ${printShape(outer)}${axes}${over}`
}

function printGroup(x: Group, name: (v: ValueId) => string): string[] {
  const plan = x.plan === null ? [] : [`  plan ${printPlan(x.plan)}`]
  if (x.kind === "pack" || x.kind === "chain") {
    const parts = x.parts.flatMap((part) => printGroup(part, name).map((line) => `  ${line}`))
    return [`${printHead(x)} {`, ...plan, ...parts, "}"]
  }
  const outer = x.members.filter((m) => !x.full.includes(m))
  return [
    `${printHead(x)} {`,
    ...plan,
    ...(outer.length === 0 ? [] : [`  compute ${outer.map(name).join(", ")}`]),
    ...(x.full.length === 0 ? [] : [`  elements ${x.full.map(name).join(", ")}`]),
    ...x.stores.map((s) => `  store ${name(s.value)}${s.slot === null ? "" : ` into ${name(s.slot)}`}`),
    "}",
  ]
}

/** The fields that tell a group from the others of its program. */
export type GroupHead = Pick<Group, "kind" | "id" | "outer" | "rootAxes" | "inner">

/** Reads the text that `printHead` prints. */
export function parseHead(c: Cursor): GroupHead {
  const at = c.peek()
  const word = c.name("a kind of group")
  const kind = KINDS.find((k) => k === word) ?? c.fail(`expected ${KINDS.join(", ")}`, at)
  const id = c.integer()
  c.expect("over")
  const shape = (): Group["outer"] => c.list("[", "]", () => parseDimAt(c))
  const outer = shape()
  const rootAxes = c.accept("axes") ? c.list("[", "]", () => (c.accept("_") ? null : c.integer())) : null
  return { kind, id, outer, rootAxes, inner: c.accept("x") ? shape() : [] }
}

function parseGroup(c: Cursor, values: ReadonlyMap<string, ValueId>): Group {
  const at = c.peek()
  const { kind, id, outer, rootAxes, inner } = parseHead(c)
  const outerMembers: ValueId[] = []
  const full: ValueId[] = []
  const stores: Store[] = []
  c.expect("{")
  const plan = c.accept("plan") ? c.located(() => parsePlan(c)) : null
  if (kind === "pack" || kind === "chain") {
    const parts: Group[] = []
    while (!c.accept("}")) parts.push(c.located(() => parseGroup(c, values)))
    const [product, row] = parts
    if (kind === "chain")
      return {
        ...chainOf(
          product ?? c.fail("a chain has two groups", at),
          row ?? c.fail("a chain has two groups", at),
        ),
        plan,
      }
    const [members, all] = [parts.flatMap((x) => x.members), parts.flatMap((x) => x.stores)]
    return { id, kind, outer, rootAxes, inner, members, full, stores: all, parts, plan }
  }
  while (!c.accept("}")) {
    if (c.accept("compute")) outerMembers.push(...valueList(c, values))
    else if (c.accept("elements")) full.push(...valueList(c, values))
    else if (c.accept("store")) {
      const value = parseValue(c, values)
      stores.push({ value, slot: c.accept("into") ? parseValue(c, values) : null })
    } else c.fail("expected `compute`, `elements` or `store`")
  }
  const members = [...outerMembers, ...full].sort((a, b) => a - b)
  return { id, kind, outer, rootAxes, inner, members, full, stores, parts: [], plan }
}

function valueList(c: Cursor, values: ReadonlyMap<string, ValueId>): ValueId[] {
  const out = [parseValue(c, values)]
  while (c.accept(",")) out.push(parseValue(c, values))
  return out
}
function parseValue(c: Cursor, values: ReadonlyMap<string, ValueId>): ValueId {
  const at = c.peek()
  const text = c.isKind("value")
    ? `%${c.value()}`
    : c.isKind("slot")
      ? printSlotName(c.slot())
      : c.name("a value")
  return values.get(text) ?? c.fail(`the graph has no value ${text}`, at)
}
