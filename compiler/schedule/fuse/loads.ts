/** schedule: the values that a finished group reads from buffers. */
import { bug } from "../../source/bug.js"
import type { ValueId } from "../../ir/graph/types.js"
import type { Expr } from "../../ir/kernels/types.js"
import type { Group, GroupedGraph, Store } from "../../ir/groups/types.js"
import { Probe } from "./probe.js"
import { type GraphIndex, loweringOf } from "../../ir/graph/graph-index.js"

/** The group that makes each stored value. Copies into slots make nothing. */
export function makers(groups: readonly Group[]): Map<ValueId, number> {
  const out = new Map<ValueId, number>()
  for (const group of groups) {
    const members = new Set(group.members)
    for (const s of group.stores) if (members.has(s.value)) out.set(s.value, group.id)
  }
  return out
}
/** Whether a value is read from a buffer. */
export function storedIn(grouped: GroupedGraph): (v: ValueId) => boolean {
  const { inputs, state } = grouped.graph
  const stored = makers(grouped.groups)
  const outside = new Set([
    ...state.map((s) => s.id),
    ...inputs.filter((i) => i.source.kind !== "scalar").map((i) => i.id),
  ])
  return (v) => outside.has(v) || stored.has(v)
}

export interface GroupLoads {
  readonly values: ReadonlySet<ValueId>
  /** Slots that the group updates, but reads at other indices or in other loops than it writes. */
  readonly elsewhere: ReadonlySet<ValueId>
}

/** Several passes ask. The buffers are settled when a group is made, so the answer stays. */
const known = new WeakMap<Group, GroupLoads>()

export function groupLoads(g: GraphIndex, group: Group, inBuffer: (v: ValueId) => boolean): GroupLoads {
  const before = known.get(group)
  if (before !== undefined) return before
  const loads = workedOut(g, group, inBuffer)
  known.set(group, loads)
  return loads
}

function workedOut(g: GraphIndex, group: Group, inBuffer: (v: ValueId) => boolean): GroupLoads {
  if (group.kind === "pack") {
    const parts = group.parts.map((x) => groupLoads(g, x, inBuffer))
    return {
      values: new Set(parts.flatMap((x) => [...x.values])),
      elsewhere: new Set(parts.flatMap((x) => [...x.elsewhere])),
    }
  }
  if (group.kind === "chain") {
    const [product, row] = group.parts
    const between = new Set(product!.stores.map((s) => s.value))
    const parts = [product!, row!].map((x) => groupLoads(g, x, (v) => inBuffer(v) || between.has(v)))
    const values = parts.flatMap((x) => [...x.values]).filter((v) => !between.has(v))
    return { values: new Set(values), elsewhere: new Set() }
  }
  const members = new Set(group.members)
  const probe = new Probe(g, group.outer, group.inner, (v) => inBuffer(v) && !members.has(v), group.rootAxes)
  const { terms, stores } = expressionsOf(g, group, probe)
  const values = new Set(probe.loadsIn([...terms, ...stores.map((s) => s.value)]).map((l) => l.value))
  const elsewhere = new Set<ValueId>()
  for (const own of stores) {
    if (own.slot === null) continue
    const inTerms = probe.loadsIn(terms).some((l) => l.value === own.slot)
    const strange = stores.some((s) =>
      probe
        .loadsIn([s.value])
        .some((l) => l.value === own.slot && (l.linear !== own.linear || s.full !== own.full)),
    )
    if (inTerms || strange) elsewhere.add(own.slot)
  }
  return { values, elsewhere }
}

interface ProbedStore {
  readonly slot: ValueId | null
  readonly linear: Expr
  readonly value: Expr
  readonly full: boolean
}
/** The expressions of a group in the frame of `probe`: the terms of its sums, and the values that it stores. */
export function expressionsOf(
  g: GraphIndex,
  group: Group,
  probe: Probe,
): { terms: readonly Expr[]; stores: readonly ProbedStore[] } {
  const sums = group.members.map((m) => g.nodes.get(m)!).filter((n) => loweringOf(n).kind !== "map")
  const terms: Expr[] = []
  for (const node of sums) {
    terms.push(...(probe.terms(node) ?? bug(`%${node.id} does not fit its group`)))
    probe.add(node)
  }
  const at = (s: Store): { linear: Expr; value: Expr; full: boolean } => {
    const full = group.full.includes(s.value)
    const value =
      (full ? probe.atElements(s.value) : probe.atOuter(s.value)) ?? bug(`%${s.value} does not fit`)
    return { linear: full ? probe.elementIndex : probe.linear, value, full }
  }
  return { terms, stores: group.stores.map((s) => ({ slot: s.slot, ...at(s) })) }
}
