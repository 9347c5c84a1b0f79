/** fuse: decides which nodes share a kernel.   Graph -> GroupedGraph
 *  Assumes:    every node has a lowering (`grad` and `scan` are gone).
 *  Guarantees: each stored value is made by one group; a group needs only groups before it; none binds more buffers than the
 *              target allows.
 *  How:        nodes in order. Views and cheap elementwise nodes are left to whoever reads them. A reduction or a contraction
 *              opens a group or joins one over the same space; an elementwise node joins the latest group that it depends on,
 *              where it can be computed there. Since it is the latest, groups never come to wait for each other.
 *  Not here:   how loops run (`choose/`), the order of dispatches and updates in place (`fuse/order.ts`). */
import type { Pass, PassContext } from "../../pass.js"
import { bug } from "../../source/bug.js"
import type { Graph, Node, ValueId } from "../../ir/graph/types.js"
import type { Expr } from "../../ir/kernels/types.js"
import { numel, printShape, sameDim, type Shape } from "../../ir/tensor.js"
import {
  BESIDE,
  dispatchSaved,
  joinsContractions,
  MOST_IN_CHAIN,
  nominal,
  rowsFillDevice,
} from "../cost/model.js"
import { joinProducts } from "./products.js"
import type { Group, GroupedGraph, GroupKind, Store } from "../../ir/groups/types.js"
import { inParts } from "./in-parts.js"
import { order } from "./order.js"
import { Probe, reordering } from "./probe.js"
import { type Loader, Loaders } from "./rematerialized.js"
import { type Draft, type Found, frameKey } from "./draft.js"
import { Uses } from "./uses.js"
import {
  defOf,
  elementsOf,
  type GraphIndex,
  indexGraph,
  loweringOf,
  typeOfValue,
} from "../../ir/graph/graph-index.js"

export const fuse: Pass<Graph, GroupedGraph> = {
  name: "fuse",
  summary: "group nodes that can share a kernel",
  run: (given, cx) => {
    const graph = inParts(given, cx.target.maxStorageBuffersPerStage)
    const g = indexGraph(graph)
    const alone = new Set<ValueId>()
    const kept = new Set<ValueId>()
    // A group with too many buffers loses its last member, or a value that it inlines gets a kernel of its own; then all over again.
    for (;;) {
      const grouping = new Grouping(g, cx, alone, kept)
      const groups = grouping.run()
      const large = grouping.tooLarge(groups)
      if (large.length === 0) return { graph, groups: joinProducts(g, groups, cx.target) }
      for (const group of large) grouping.relieve(group)
    }
  },
}

class Grouping {
  private readonly drafts: Draft[] = []
  /** The group that computes a value. */
  private readonly home = new Map<ValueId, Draft>()
  private readonly required: ReadonlySet<ValueId>
  private readonly uses: Uses
  private readonly latestMemo = new Map<ValueId, number>()
  private readonly frames = new Map<string, Draft>()
  /** Elementwise nodes up to this one. */
  private readonly chain = new Map<ValueId, number>()
  private readonly slotsOf = new Map<ValueId, ValueId[]>()
  /** The values that the finished groups read from buffers, by the number of the group. */
  private readonly loads = new Map<number, ReadonlySet<ValueId>>()

  constructor(
    private readonly g: GraphIndex,
    private readonly cx: PassContext,
    /** Nodes that may not join a group. */
    private readonly alone: Set<ValueId>,
    /** Nodes that may not be left to their readers. */
    private readonly kept: Set<ValueId>,
  ) {
    const { outputs, updates } = g.graph
    for (const u of updates) this.slotsOf.set(u.value, [...(this.slotsOf.get(u.value) ?? []), u.slot])
    this.required = new Set([...outputs.map((o) => o.value), ...updates.map((u) => u.value)])
    this.uses = new Uses(g, cx.target, this.required, this.home)
  }

  run(): Group[] {
    for (const node of this.g.graph.nodes) {
      if (!this.required.has(node.id) && this.uses.readers(node.id).length === 0) continue
      const lower = loweringOf(node)
      if (lower.kind === "none") bug(`%${node.id} = ${node.op}: ${lower.why}`)
      else if (lower.kind === "map") this.add(node)
      else this.reduce(node)
    }
    return this.finish()
  }

  // ---- reductions and contractions

  private reduce(node: Node): void {
    const lower = loweringOf(node)
    if (lower.kind === "map" || lower.kind === "none") return
    const inner = lower.extents(
      node.args.map((a) => typeOfValue(this.g, a)),
      node.attrs,
      node.type,
    )
    if (lower.kind === "contract") {
      this.open("contract", node, node.type.shape, inner)
      return
    }
    for (const draft of this.rowsToJoin(node, inner)) {
      const terms = draft.probe.terms(node)
      if (terms === undefined) continue
      const needed = draft.at === this.latest(node.id)
      const small = nominal(numel(node.type.shape)) * nominal(numel(inner)) <= BESIDE
      if (!needed && !small && !this.sharesLoads(draft, terms)) continue
      if (!this.leavesRoom(draft, node, terms)) continue
      this.join(draft, node, false, terms)
      draft.probe.add(node)
      return
    }
    this.open("row", node, node.type.shape, inner)
  }
  private rowsToJoin(node: Node, inner: Shape): Draft[] {
    if (this.alone.has(node.id)) return []
    const latest = this.latest(node.id)
    const fits = (d: Draft | undefined): d is Draft =>
      d !== undefined &&
      d.kind === "row" &&
      !d.closed &&
      d.at >= latest &&
      sameDim(numel(d.outer), numel(node.type.shape)) &&
      d.inner.length === inner.length &&
      d.inner.every((n, i) => sameDim(n, inner[i]!))
    const candidates = [this.drafts[latest], this.frames.get(frameKey("row", node.type.shape, inner))]
    return [...new Set(candidates)].filter(fits)
  }
  private sharesLoads(draft: Draft, exprs: readonly Expr[]): boolean {
    return draft.probe.loadsIn(exprs).some((l) => draft.loads.has(l.value))
  }

  // ---- elementwise nodes

  private add(node: Node): void {
    const endsChain = this.endsChain(node)
    const shrinks = this.uses.growth(node) < 1
    const required = endsChain || shrinks || this.required.has(node.id) || this.kept.has(node.id)
    const { kind } = defOf(node).traits
    if (kind === "view" && !required) return this.addTransposed(node)
    if (!required && this.uses.growth(node) > 1) return
    const found = this.draftFor(node)
    if (!required && !this.worthStoring(node, found)) return
    if (found === undefined) this.open("map", node, node.type.shape, [])
    else {
      const { draft, full, axes } = found
      if (axes !== undefined) this.reorder(draft, node, axes)
      const e = full ? draft.probe.atElements(node.id) : draft.probe.atOuter(node.id)
      this.join(draft, node, full, [e ?? bug(`%${node.id} left its group`)])
    }
    if (endsChain) this.home.get(node.id)!.closed = true
  }

  /** Whether the chain of elementwise nodes up to this one is as long as an expression may be. */
  private endsChain(node: Node): boolean {
    const length = 1 + Math.max(0, ...node.args.map((a) => this.chain.get(a) ?? 0))
    const ends = length >= MOST_IN_CHAIN
    this.chain.set(node.id, ends ? 0 : length)
    return ends
  }

  /** A contraction that is only ever read transposed is stored transposed: the gradients of weights. */
  private addTransposed(node: Node): void {
    const draft = this.drafts[this.latest(node.id)]
    const [source, ...others] = node.args
    if (draft?.kind !== "contract" || draft.members.length > 1 || others.length > 0) return
    const root = this.g.nodes.get(draft.members[0]!)!
    const only = source === root.id && this.g.consumers.get(root.id)?.length === 1
    if (!only || this.required.has(root.id)) return
    const axes = reordering(this.g, node, root, (v) => this.uses.isMaterialized(v))
    if (axes === undefined || axes.every((axis, n) => axis === n)) return
    this.reorder(draft, node, axes)
    this.join(draft, node, false, [draft.probe.atOuter(node.id) ?? bug(`%${node.id} left its group`)])
  }

  /** A group that can compute the node on its way. */
  private draftFor(node: Node): Found | undefined {
    if (this.alone.has(node.id)) return undefined
    const latest = this.latest(node.id)
    const own = this.drafts[latest]
    if (own !== undefined && !own.closed && (own.kind !== "contract" || joinsContractions(this.cx.target))) {
      const outer = own.probe.atOuter(node.id)
      if (outer !== undefined && this.leavesRoom(own, node, [outer])) return { draft: own, full: false }
      const root = this.g.nodes.get(own.members[0]!)!
      if (own.kind === "contract" && own.members.length === 1) {
        const axes = reordering(this.g, node, root, (v) => this.uses.isMaterialized(v))
        if (axes !== undefined) return { draft: own, full: false, axes }
      }
      const size = nominal(elementsOf(this.g, node.id))
      const fills = rowsFillDevice(nominal(numel(own.outer)), size, this.cx.target)
      const element = fills ? own.probe.atElements(node.id) : undefined
      if (element !== undefined && this.leavesRoom(own, node, [element])) return { draft: own, full: true }
    }
    const beside = this.frames.get(frameKey("map", node.type.shape, []))
    if (beside === undefined || beside.closed || beside.at <= latest) return undefined
    const e = beside.probe.atOuter(node.id)
    if (e === undefined) return undefined
    // All that updates one parameter belongs together, and apart from other parameters: equal ones run side by side (`fuse/pack.ts`).
    const size = elementsOf(this.g, node.id)
    const related = beside.probe
      .loadsIn([e])
      .some((l) => beside.loads.has(l.value) && sameDim(elementsOf(this.g, l.value), size))
    const small = nominal(size) <= BESIDE && !this.slotsOf.has(node.id)
    if (!related && !small) return undefined
    return this.leavesRoom(beside, node, [e]) ? { draft: beside, full: false } : undefined
  }

  /** Whether the group still binds few enough buffers with the node. Readers that are not placed yet count as outside. */
  private leavesRoom(draft: Draft, node: Node, exprs: readonly Expr[]): boolean {
    const loads = new Set([...draft.loads, ...draft.probe.loadsIn(exprs).map((l) => l.value)])
    const members = [...draft.members, node.id]
    const limit = this.cx.target.maxStorageBuffersPerStage
    if (loads.size + members.length <= limit) return true
    const inside = (v: ValueId): boolean =>
      this.uses.readers(v).every((r) => {
        if (r.id === node.id || this.home.get(r.id) === draft) return true
        return !this.home.has(r.id) && r.id < node.id && inside(r.id)
      })
    const stored = members.filter((m) => {
      const slots = this.slotsOf.get(m)
      if (slots !== undefined) return !slots.some((s) => loads.has(s))
      return this.required.has(m) || !inside(m)
    })
    return loads.size + stored.length <= limit
  }

  /** Whether the node gets a buffer, rather than being computed again by everyone who reads it. */
  private worthStoring(node: Node, found: Found | undefined): boolean {
    const size = nominal(elementsOf(this.g, node.id))
    if (found !== undefined && !found.full && this.replacesStore(node, found.draft)) return true
    // A scalar out of run-time scalars is worked out once per invocation: never worth a buffer.
    if (elementsOf(this.g, node.id) === 1 && this.uses.materializedBelow(node.id).length === 0) return false
    const cost = this.uses.cost(node.id)
    const readers = this.uses.readers(node.id)
    // Scalars are worked out once per invocation, not once per element.
    const again = readers.reduce((n, r) => n + this.uses.reuse(node, r), 0) / (size === 1 ? 16 : 1)
    const inlined = again * size * cost
    const stored =
      size * cost + (again + 1) * size + (found === undefined ? dispatchSaved(cost, this.cx.target) : 0)
    return inlined > stored
  }
  /** Whether the group would have to store an argument for this node alone: then it may as well store the node. */
  private replacesStore(node: Node, draft: Draft): boolean {
    const size = elementsOf(this.g, node.id)
    return this.uses
      .materializedBelow(node.id)
      .some(
        (v) =>
          this.home.get(v) === draft &&
          !this.required.has(v) &&
          sameDim(elementsOf(this.g, v), size) &&
          this.uses.readers(v).length === 1,
      )
  }
  // ---- drafts

  private open(kind: GroupKind, node: Node, outer: Shape, inner: Shape): void {
    const at = this.drafts.length
    const probe = this.probe(at, outer, inner, null)
    const draft: Draft = {
      at,
      kind,
      outer,
      rootAxes: null,
      inner,
      members: [],
      full: new Set(),
      loads: new Set(),
      probe,
      closed: false,
    }
    this.drafts.push(draft)
    this.frames.set(frameKey(kind, outer, inner), draft)
    this.join(draft, node, false, [])
    const exprs = kind === "map" ? [probe.atOuter(node.id)!] : probe.terms(node)!
    for (const l of probe.loadsIn(exprs)) draft.loads.add(l.value)
    if (kind !== "map") probe.add(node)
  }
  private probe(at: number, outer: Shape, inner: Shape, rootAxes: readonly (number | null)[] | null): Probe {
    const elsewhere = (v: ValueId): boolean => this.uses.isMaterialized(v) && this.home.get(v)?.at !== at
    return new Probe(this.g, outer, inner, elsewhere, rootAxes)
  }
  /** Lets a contraction's group run over the axes of a node that reads it transposed. */
  private reorder(draft: Draft, node: Node, axes: readonly (number | null)[]): void {
    draft.outer = node.type.shape
    draft.rootAxes = axes
    draft.probe = this.probe(draft.at, draft.outer, draft.inner, axes)
    draft.probe.add(this.g.nodes.get(draft.members[0]!)!)
  }
  private join(draft: Draft, node: Node, full: boolean, exprs: readonly Expr[]): void {
    for (const l of draft.probe.loadsIn(exprs)) draft.loads.add(l.value)
    draft.members.push(node.id)
    if (full) draft.full.add(node.id)
    this.home.set(node.id, draft)
  }
  /** The last group that the value needs. */
  private latest(v: ValueId): number {
    const home = this.home.get(v)
    if (home !== undefined) return home.at
    const known = this.latestMemo.get(v)
    if (known !== undefined) return known
    const latest = Math.max(-1, ...(this.g.nodes.get(v)?.args ?? []).map((a) => this.latest(a)))
    this.latestMemo.set(v, latest)
    return latest
  }
  // ---- results

  /** Goes from the last group to the first: a group stores the members that later groups load. */
  private finish(): Group[] {
    const wanted = new Set(this.required)
    const out: Group[] = []
    const loaders = new Loaders()
    const again = new Set<ValueId>()
    const isLoaded = (v: ValueId): boolean => this.uses.isMaterialized(v) && !again.has(v)
    for (const draft of [...this.drafts].reverse()) {
      for (const m of draft.members) {
        if (!wanted.has(m) || this.required.has(m) || this.kept.has(m)) continue
        if (!loaders.giveUp(this.g, m, isLoaded, (node) => this.uses.operations(node))) continue
        again.add(m)
        wanted.delete(m)
      }
      const stored = draft.members.filter((m) => wanted.has(m))
      if (stored.length === 0) continue
      const { members, loads, operands } = this.needed(draft, stored)
      loaders.add({ loads, operands })
      for (const v of loads) wanted.add(v)
      const stores = stored.map((value): Store => ({ value, slot: this.slotsOf.get(value)?.[0] ?? null }))
      // Nothing is left to sum up where views between leave all of it out.
      const isMap = !members.some((m) => this.isSum(m))
      const group: Group = {
        id: draft.at,
        kind: isMap ? "map" : draft.kind,
        outer: draft.outer,
        rootAxes: isMap ? null : draft.rootAxes,
        inner: isMap ? [] : draft.inner,
        members,
        full: members.filter((m) => draft.full.has(m)),
        stores,
        parts: [],
        plan: null,
      }
      out.push(group)
      this.loads.set(group.id, loads)
    }
    return [...out.reverse(), ...this.copies()]
  }
  /** Groups that bind too many buffers, now or once `order` has put new values beside old ones that are still needed. */
  tooLarge(groups: readonly Group[]): Group[] {
    const limit = this.cx.target.maxStorageBuffersPerStage
    const bound = ({ id, stores }: Group): number => {
      const loads = this.loads.get(id) ?? stores.map((s) => s.value)
      return new Set([...loads, ...stores.map((s) => s.slot ?? s.value)]).size
    }
    const large = groups.filter((x) => bound(x) > limit)
    if (large.length > 0) return large
    const full = groups.filter((x) => bound(x) + x.stores.filter((s) => s.slot !== null).length > limit)
    if (full.length === 0) return []
    const { groups: ordered } = order.run({ graph: this.g.graph, groups }, { ...this.cx, remark: () => {} })
    const after = new Map(ordered.map((x) => [x.id, x]))
    return full.filter((x) => bound(after.get(x.id)!) > limit)
  }
  /** The members that the stored ones need, and the values that they load. */
  private needed(draft: Draft, stored: readonly ValueId[]): Loader & { members: ValueId[] } {
    const { probe } = draft
    const exprs: Expr[] = []
    const terms: Expr[] = []
    const sums = new Set<ValueId>()
    const needSums = (list: readonly Expr[]): void => {
      exprs.push(...list)
      for (const s of probe.sumsIn(list)) {
        if (sums.has(s)) continue
        sums.add(s)
        const own = probe.terms(this.g.nodes.get(s)!) ?? bug(`%${s} left its group`)
        if (draft.kind === "contract") terms.push(...own)
        needSums(own)
      }
    }
    for (const v of stored) {
      needSums([(draft.full.has(v) ? probe.atElements(v) : probe.atOuter(v)) ?? bug(`%${v} left its group`)])
    }
    // The reduction that says how elements are walked over stays, needed or not.
    const { walker } = probe
    if (walker !== undefined && !sums.has(walker) && stored.some((v) => draft.full.has(v))) {
      sums.add(walker)
      needSums(probe.terms(this.g.nodes.get(walker)!) ?? bug(`%${walker} left its group`))
    }
    // Without it there are no elements, and nothing that is wanted reads any.
    const walks = walker !== undefined && sums.has(walker)
    const members = draft.members.filter((m) => (this.isSum(m) ? sums.has(m) : walks || !draft.full.has(m)))
    const loaded = (list: readonly Expr[]): Set<ValueId> => new Set(probe.loadsIn(list).map((l) => l.value))
    return { members, loads: loaded(exprs), operands: loaded(terms) }
  }
  private isSum(value: ValueId): boolean {
    return loweringOf(this.g.nodes.get(value)!).kind !== "map"
  }
  /** Slots and outputs whose new value is not made by a group, or is made for another slot already. */
  private copies(): Group[] {
    const out: Group[] = []
    for (const [value, slots] of this.slotsOf) {
      for (const slot of this.home.has(value) ? slots.slice(1) : slots) {
        const { shape } = typeOfValue(this.g, value)
        const id = this.drafts.length + out.length
        out.push({
          id,
          kind: "map",
          outer: shape,
          rootAxes: null,
          inner: [],
          members: [],
          full: [],
          stores: [{ value, slot }],
          parts: [],
          plan: null,
        })
      }
    }
    return out
  }

  /** Makes a group with too many buffers smaller next time. */
  relieve(group: Group): void {
    const last = group.members.at(-1)!
    if (group.members.length > 1 && !this.alone.has(last)) {
      this.alone.add(last)
      this.cx.remark(`%${last} gets a kernel of its own: too many buffers over ${printShape(group.outer)}`)
      return
    }
    const limit = this.cx.target.maxStorageBuffersPerStage
    const below = new Set(group.members.flatMap((m) => this.uses.inlinedIn(m)))
    const inlined = [...below].filter((v) => this.uses.materializedBelow(v).length < limit)
    const best = inlined.sort(
      (a, b) => this.uses.materializedBelow(b).length - this.uses.materializedBelow(a).length || a - b,
    )[0]
    if (best === undefined || this.uses.materializedBelow(best).length < 2) {
      bug(`%${last} alone reads more buffers than ${this.cx.target.name} allows`)
    }
    this.kept.add(best!)
    this.alone.add(best!)
    this.cx.remark(`%${best} is stored: its readers bind too many buffers`)
  }
}
