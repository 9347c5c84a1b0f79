/** schedule: dispatch order, and which updates are written into their slots in place.   GroupedGraph -> GroupedGraph
 *  Assumes:    groups are in an order where each needs only earlier ones; every store of an updated value names its slot.
 *  Guarantees: a group that writes into a slot runs after every group that needs the slot's old value. Where that cannot be, the
 *              new value waits in a buffer of its own and is copied at the end. What a pack walks over are all slots or all none: a pack
 *              of which only some parts read a value that waits is taken apart. */
import type { Pass } from "../../pass.js"
import { bug } from "../../source/bug.js"
import type { ValueId } from "../../ir/graph/types.js"
import type { Group, GroupedGraph, Store } from "../../ir/groups/types.js"
import { groupLoads, type GroupLoads, makers, storedIn } from "./loads.js"
import { packOperands, slotHolding } from "./pack.js"
import { indexGraph, typeOfValue } from "../../ir/graph/graph-index.js"

export const order: Pass<GroupedGraph, GroupedGraph> = {
  name: "order",
  summary: "order the kernels and decide what is updated in place",
  run: (grouped, cx) => {
    const g = indexGraph(grouped.graph)
    const inBuffer = storedIn(grouped)
    const loads = new Map<number, GroupLoads>()
    for (const x of grouped.groups) {
      for (const y of x.kind === "pack" ? [x, ...x.parts] : [x]) loads.set(y.id, groupLoads(g, y, inBuffer))
    }
    let groups = [...grouped.groups]
    let nextId = Math.max(-1, ...groups.map((x) => x.id)) + 1
    const copies: Group[] = []
    const aside = (group: Group, which: (s: Store) => boolean): Group => {
      for (const s of group.stores.filter(which)) {
        const { shape } = typeOfValue(g, s.value)
        const copy: Group = {
          id: nextId++,
          kind: "map",
          outer: shape,
          rootAxes: null,
          inner: [],
          members: [],
          full: [],
          stores: [s],
          parts: [],
          plan: null,
        }
        copies.push(copy)
        loads.set(copy.id, { values: new Set([s.value]), elsewhere: new Set() })
        cx.remark(`slot %${s.slot} is updated through a copy: its old value is needed later or elsewhere`)
      }
      return { ...group, stores: group.stores.map((s) => (which(s) ? { ...s, slot: null } : s)) }
    }
    // A group that reads the slot at other indices than it writes cannot write in place.
    groups = groups.map((x) => aside(x, (s) => s.slot !== null && loads.get(x.id)!.elsewhere.has(s.slot)))
    for (;;) {
      const all = [...groups, ...copies]
      const { sorted, stuck } = sort(all, (x) => loads.get(x.id)!.values)
      if (stuck.size === 0) {
        const slotOf = slotHolding(g, sorted)
        const isEven = (x: Group): boolean =>
          packOperands(g, x, inBuffer).every(
            (vs) => new Set(vs.map((v) => slotOf(v) === undefined)).size === 1,
          )
        return {
          graph: grouped.graph,
          groups: sorted.flatMap((x) => (x.kind === "pack" && !isEven(x) ? x.parts : [x])),
        }
      }
      const first = groups.find((x) => stuck.has(x.id) && x.stores.some((s) => s.slot !== null))
      if (first === undefined) return bug("slots are swapped: their updates wait for each other")
      groups = groups.flatMap((x) => {
        if (x !== first) return [x]
        if (x.kind === "pack") return x.parts
        const wanted = (s: Store): boolean =>
          s.slot !== null &&
          all.some((y) => y !== x && stuck.has(y.id) && loads.get(y.id)!.values.has(s.slot!))
        return [aside(x, x.stores.some(wanted) ? wanted : (s) => s.slot !== null)]
      })
    }
  },
}

/** Kahn's algorithm, earliest given first. `stuck`: groups that wait for each other. */
function sort(
  groups: readonly Group[],
  loads: (x: Group) => ReadonlySet<ValueId>,
): { sorted: Group[]; stuck: Set<number> } {
  const stored = makers(groups)
  const before = new Map<number, Set<number>>(groups.map((x) => [x.id, new Set()]))
  const readers = new Map<ValueId, number[]>()
  for (const x of groups) {
    for (const v of loads(x)) {
      const maker = stored.get(v)
      if (maker !== undefined && maker !== x.id) before.get(x.id)!.add(maker)
      readers.set(v, [...(readers.get(v) ?? []), x.id])
    }
  }
  for (const x of groups) {
    for (const s of x.stores) {
      if (s.slot === null) continue
      for (const r of readers.get(s.slot) ?? []) if (r !== x.id) before.get(x.id)!.add(r)
    }
  }
  const waits = new Map([...before].map(([id, set]) => [id, set.size]))
  const after = new Map<number, number[]>()
  for (const [id, set] of before) for (const b of set) after.set(b, [...(after.get(b) ?? []), id])
  const byId = new Map(groups.map((x) => [x.id, x]))
  const position = new Map(groups.map((x, i) => [x.id, i]))
  const ready = groups.filter((x) => waits.get(x.id) === 0).map((x) => position.get(x.id)!)
  const sorted: Group[] = []
  const stuck = new Set(groups.map((x) => x.id))
  while (ready.length > 0) {
    ready.sort((a, b) => b - a)
    const x = groups[ready.pop()!]!
    sorted.push(byId.get(x.id)!)
    stuck.delete(x.id)
    for (const id of after.get(x.id) ?? []) {
      waits.set(id, waits.get(id)! - 1)
      if (waits.get(id) === 0) ready.push(position.get(id)!)
    }
  }
  return { sorted, stuck }
}
