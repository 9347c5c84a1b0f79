/** rematerialize: values of early groups are computed again for the late groups that need them.   GroupedGraph -> Graph
 *  Assumes:    groups are in dispatch order; `again` holds values that early groups store, and no output or new value of a slot.
 *  How often:  a value has as many copies as `again` says; late groups read the last one. Copy number n is made from the copies of
 *              that number, and where a value has fewer, from the last it has: those are kept while the values between them are made
 *              again, and again.
 *  Guarantees: every value stays the same: a random draw is a function of its stream, so that it is the same once more. A value that is
 *              computed again starts `after` the value computed just before its use, so that no fusion makes it earlier, and is
 *              told from the first time by it, so that nobody takes the two for equal.
 *  Not here:   which values (`rematerialize/choices.ts`). */
import { buildLike, type GraphBuild } from "../../ir/graph/build.js"
import type { Graph, Node, ValueId } from "../../ir/graph/types.js"
import { after } from "../../ops/after.js"
import type { Value } from "../../ops/op.js"
import { bug } from "../../source/bug.js"
import type { Group, GroupedGraph } from "../../ir/groups/types.js"
import { makers } from "../fuse/loads.js"

/** How many times more a value is computed. */
export type Again = ReadonlyMap<ValueId, number>

export function rematerialize(grouped: GroupedGraph, again: Again, isLate: (group: Group) => boolean): Graph {
  const { graph, groups } = grouped
  const r = new Rematerialization(grouped, again, new Set(groups.filter(isLate).flatMap((x) => x.members)))
  for (const x of groups) if (!isLate(x)) r.early(x)
  for (const x of groups) if (isLate(x)) r.late(x)
  for (const o of graph.outputs) r.g.output(o.name, r.inLate(o.value))
  for (const u of graph.updates) r.g.update(r.first(u.slot), r.inLate(u.value))
  return r.g.finish()
}

class Rematerialization {
  readonly g: GraphBuild
  private readonly nodes: ReadonlyMap<ValueId, Node>
  private readonly stored: ReadonlyMap<ValueId, number>
  /** The first copy of each value. */
  private readonly values: Map<ValueId, Value>
  /** The values that late groups see in place of early values that are in no buffer. */
  private readonly seen = new Map<ValueId, Value>()
  private readonly copies = new Map<string, Value>()
  /** The values that are inlined into copies, by the value that they wait for. */
  private readonly parts = new Map<string, Value>()
  /** The value that was stored last. */
  private last: Value | undefined

  constructor(
    { graph, groups }: GroupedGraph,
    private readonly again: Again,
    private readonly lateMembers: ReadonlySet<ValueId>,
  ) {
    const { g, values } = buildLike(graph)
    this.g = g
    this.values = values
    this.nodes = new Map(graph.nodes.map((n) => [n.id, n]))
    this.stored = makers(groups)
  }

  early(group: Group): void {
    for (const m of group.members) this.first(m)
    this.done(group)
  }
  late(group: Group): void {
    for (const m of group.members) this.inLate(m)
    this.done(group)
  }
  private done({ stores }: Group): void {
    const last = stores.at(-1)
    if (last !== undefined) this.last = this.values.get(last.value) ?? this.last
  }

  first(v: ValueId): Value {
    const known = this.values.get(v)
    if (known !== undefined) return known
    return this.made(v, (a) => this.first(a))
  }
  private made(v: ValueId, argument: (a: ValueId) => Value): Value {
    const node = this.node(v)
    const value = this.g.copy(node, node.args.map(argument))
    this.values.set(v, value)
    return value
  }

  inLate(v: ValueId): Value {
    const copies = this.again.get(v)
    if (copies !== undefined) return this.copy(v, copies)
    if (this.lateMembers.has(v)) {
      const known = this.values.get(v)
      return known ?? this.made(v, (a) => this.inLate(a))
    }
    if (this.isKept(v)) return this.first(v)
    const known = this.seen.get(v)
    if (known !== undefined) return known
    const node = this.node(v)
    const args = node.args.map((a) => this.inLate(a))
    const same = args.every((a, n) => a.id === this.values.get(node.args[n]!)?.id)
    const value = same ? this.first(v) : this.g.copy(node, args)
    this.seen.set(v, value)
    return value
  }

  /** Whether a value stays in a buffer from the first time on. */
  private isKept(v: ValueId): boolean {
    return !this.nodes.has(v) || (this.stored.has(v) && !this.again.has(v))
  }

  private copy(v: ValueId, number: number): Value {
    const key = `${v} ${number}`
    let value = this.copies.get(key)
    if (value === undefined) this.copies.set(key, (value = this.onceMore(this.node(v), number)))
    return value
  }
  private onceMore(node: Node, number: number): Value {
    const args = node.args.map((a) => this.part(a, number))
    return this.g.copy({ ...node, origin: { ...node.origin, by: "rematerialize" } }, args)
  }
  /** An argument of a copy. */
  private part(v: ValueId, number: number): Value {
    const copies = this.again.get(v) ?? 0
    if (copies >= number) return this.copy(v, number)
    const node = this.nodes.get(v)
    if (node !== undefined && node.args.length === 0) return this.first(v)
    const token = this.last ?? bug("nothing is stored before something is computed again")
    const key = `${v} ${number} ${token.id}`
    let value = this.parts.get(key)
    if (value === undefined) {
      const kept = copies > 0 ? this.copy(v, copies) : this.isKept(v) ? this.first(v) : undefined
      value = kept ? this.g.apply(after.name, [kept, token]) : this.onceMore(this.node(v), number)
      this.parts.set(key, value)
    }
    return value
  }

  private node(v: ValueId): Node {
    return this.nodes.get(v) ?? bug(`%${v} is no node`)
  }
}
