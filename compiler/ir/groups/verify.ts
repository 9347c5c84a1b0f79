/** ir/groups: whether groups are well formed. It guarantees, beside the rules of their graph:
 *   - groups, those within packs and chains too, have numbers of their own;
 *   - members are nodes of the graph, of the kind that a group of that kind computes; packs are of maps, a chain is of a product and rows;
 *   - a group stores a value that it computes, or a copy, with as many elements as its space has;
 *   - every update is stored once, into its slot or by a copy, and every output is in a buffer.
 *  Not here:   whether dispatches are in an order in which the program is right. */
import type { Complaint } from "../complaint.js"
import { valueNames } from "../graph/text.js"
import type { ValueId } from "../graph/types.js"
import { verifyGraph } from "../graph/verify.js"
import { type Dim, mulDim, numel, printDim, sameDim } from "../tensor.js"
import type { Group, GroupedGraph, GroupKind } from "./types.js"
import { elementsOf, type GraphIndex, indexGraph, loweringOf } from "../graph/graph-index.js"

/** All that is wrong; empty when the groups are well formed. */
export function verifyGroups(grouped: GroupedGraph): Complaint[] {
  const found = verifyGraph(grouped.graph)
  if (found.length > 0) return found
  const check = new GroupCheck(grouped)
  for (const group of grouped.groups) check.group(group)
  check.whole()
  return check.complaints
}

const PARTS: Partial<Record<GroupKind, readonly GroupKind[]>> = { chain: ["contract", "row"] }

class GroupCheck {
  readonly complaints: Complaint[] = []
  private readonly g: GraphIndex
  private readonly names: ReadonlyMap<ValueId, string>
  /** New values of slots. */
  private readonly updates: ReadonlyMap<ValueId, ValueId>
  private readonly numbers = new Set<number>()
  /** Slots that are stored into, and values that have a buffer of their own. */
  private readonly slots = new Set<ValueId>()
  private readonly buffers = new Set<ValueId>()

  constructor(private readonly grouped: GroupedGraph) {
    this.g = indexGraph(grouped.graph)
    this.names = valueNames(grouped.graph)
    this.updates = new Map(grouped.graph.updates.map((u) => [u.slot, u.value]))
  }

  group(x: Group): void {
    const say = (message: string): void =>
      void this.complaints.push({ where: `${x.kind} ${x.id}`, message, of: x })
    // A chain goes by the number of its rows.
    if (x.kind !== "chain" && this.numbers.has(x.id)) say("another group has its number")
    if (x.kind !== "chain") this.numbers.add(x.id)
    if (x.kind === "pack" || x.kind === "chain") {
      const kinds = PARTS[x.kind] ?? x.parts.map((): GroupKind => "map")
      if (x.parts.length !== kinds.length || x.parts.some((p, i) => p.kind !== kinds[i]))
        say(x.kind === "pack" ? "a pack is of map groups" : "a chain is of a contract and a row group")
      for (const part of x.parts) {
        if (part.plan !== null) say("it has one plan for all of its parts")
        this.group(part)
      }
      return
    }
    this.members(x, say)
    for (const s of x.stores) this.store(x, s.value, s.slot, say)
  }

  private members(x: Group, say: (message: string) => void): void {
    const sums = x.members.flatMap((m): string[] => {
      const node = this.g.nodes.get(m)
      if (node === undefined) {
        say(`${this.name(m)} is no node, and nothing is computed for it`)
        return []
      }
      const { kind } = loweringOf(node)
      if (kind === "none") say(`${this.name(m)} is replaced before graphs are grouped`)
      return kind === "map" ? [] : [kind]
    })
    if (new Set(x.members).size < x.members.length) say("a member is there twice")
    if (x.kind === "map" && sums.length > 0) say("a map group sums nothing")
    if (x.kind === "contract" && sums.filter((k) => k === "contract").length === 0)
      say("a contract group has a contraction")
    if (x.kind !== "contract" && sums.includes("contract"))
      say("contractions are in groups of their own kind")
    if (x.kind === "row" && sums.length === 0) say("a row group reduces something")
  }

  private store(x: Group, value: ValueId, slot: ValueId | null, say: (message: string) => void): void {
    const elements = this.elements(value)
    if (elements === undefined) return say(`there is no value ${this.name(value)}`)
    const outer = numel(x.outer)
    const space = x.full.includes(value) ? mulDim(outer, numel(x.inner)) : outer
    if (!sameDim(elements, space))
      say(
        `${this.name(value)} has ${printDim(elements)} elements, and the group one for each of ${printDim(space)} places`,
      )
    if (slot === null) {
      if (this.buffers.has(value)) say(`${this.name(value)} is stored twice`)
      this.buffers.add(value)
      return
    }
    if (this.slots.has(slot)) say(`${this.name(slot)} is stored twice`)
    this.slots.add(slot)
    if (this.updates.get(slot) !== value) say(`${this.name(slot)} is not updated with ${this.name(value)}`)
  }

  /** Checks that some group computes each result of the graph. */
  whole(): void {
    const { graph } = this.grouped
    for (const u of graph.updates)
      if (!this.slots.has(u.slot))
        this.complaints.push({ where: this.name(u.slot), message: "no group stores its new value", of: u })
    const held = (v: ValueId): boolean =>
      this.buffers.has(v) || this.g.slots.has(v) || this.g.inputs.has(v) || this.storedInSlot(v)
    for (const o of graph.outputs)
      if (!held(o.value)) this.complaints.push({ where: o.name, message: "no group stores it", of: o })
  }

  private storedInSlot(v: ValueId): boolean {
    return this.grouped.graph.updates.some((u) => u.value === v && this.slots.has(u.slot))
  }
  private elements(v: ValueId): Dim | undefined {
    return this.names.has(v) ? elementsOf(this.g, v) : undefined
  }
  private name(v: ValueId): string {
    return this.names.get(v) ?? `%${v}`
  }
}
