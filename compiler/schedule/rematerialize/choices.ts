/** schedule: the sets of values that a step may rematerialize, from the cheapest choice to the smallest in memory.
 *  A step is early as far as its outputs need it (the forward part), and late after that (gradients and updates).
 *  Two kinds of choices. Single values: those that save the most, bytes times the time they wait, per operation it takes to make
 *  them again, none of them made from another. Segments (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016): the
 *  early groups are cut where few bytes go across, those bytes are kept, everything else is made again, a segment at a time,
 *  or of some segments, the last among them, only values that are elementwise in kept ones. A segment may be cut in turn, and the values
 *  between those cuts are then made twice again: less memory, for another pass.
 *  Not here:   changing the graph (`rematerialize/rematerialize.ts`), the memory that it then really takes (memory/). */
import type { ValueId } from "../../ir/graph/types.js"
import { bytesOf, type DimValues, evalDim, numel } from "../../ir/tensor.js"
import type { Again } from "./rematerialize.js"
import type { Group, GroupedGraph } from "../../ir/groups/types.js"
import { groupLoads, makers, storedIn } from "../fuse/loads.js"
import { type GraphIndex, indexGraph, loweringOf, typeOfValue } from "../../ir/graph/graph-index.js"

export interface Choice {
  readonly again: Again
  /** The most bytes alive at once, were every group a kernel and nothing lost between buffers. */
  readonly bytes: number
  /** The operations that it takes to compute them again. */
  readonly operations: number
}

/** A value this many times smaller than the largest is kept: it would cost more than it saves. */
const SMALL = 64
/** How many subsets of one choice are looked at. */
const SUBSETS = 8
/** Into how many parts segments are cut in turn. */
const PARTS = [1, 2, 3, 4]

/** None first; each further one takes more operations, and fewer bytes. */
export function choices(grouped: GroupedGraph, dims: DimValues): readonly Choice[] {
  const steps = new Steps(grouped, dims)
  const all = [
    steps.choice(new Map()),
    ...subsets(steps.singles()).map((values) => steps.choice(times(1, values))),
    ...steps.segmentations().flatMap((s) => subsets(s).map((list) => steps.choice(joined(list)))),
  ]
  all.sort((a, b) => a.operations - b.operations || a.bytes - b.bytes)
  const out: Choice[] = []
  for (const choice of all) if (choice.bytes < (out.at(-1)?.bytes ?? Infinity)) out.push(choice)
  return out
}

const times = (count: number, values: readonly ValueId[]): Again => new Map(values.map((v) => [v, count]))
const joined = (list: readonly Again[]): Again => new Map(list.flatMap((again) => [...again]))

/** The first few, more, and at last all. */
function subsets<T>(list: readonly T[]): readonly (readonly T[])[] {
  const counts = new Set(
    Array.from({ length: SUBSETS }, (_, i) => Math.ceil((list.length * (i + 1)) / SUBSETS)),
  )
  return [...counts].filter((n) => n > 0).map((n) => list.slice(0, n))
}

export function lateGroups({ graph, groups }: GroupedGraph): (group: Group) => boolean {
  const g = indexGraph(graph)
  const inBuffer = storedIn({ graph, groups })
  const made = makers(groups)
  const byId = new Map(groups.map((x) => [x.id, x]))
  const early = new Set<number>()
  const wanted = graph.outputs.map((o) => o.value)
  for (let v = wanted.pop(); v !== undefined; v = wanted.pop()) {
    const group = byId.get(made.get(v) ?? -1)
    if (group === undefined || early.has(group.id)) continue
    early.add(group.id)
    wanted.push(...groupLoads(g, group, inBuffer).values)
  }
  return (group) => !early.has(group.id)
}

interface Step {
  readonly loads: readonly ValueId[]
  /** Into buffers of their own. */
  readonly stores: readonly ValueId[]
  readonly operations: number
}

interface Alone extends Step {
  /** Nothing is summed up. */
  readonly isMap: boolean
}

class Steps {
  private readonly early: readonly Step[]
  private readonly late: readonly Step[]
  private readonly bytes = new Map<ValueId, number>()
  /** Where an early value is made, and where a late step first wants it. */
  private readonly madeAt = new Map<ValueId, number>()
  private readonly wantedAt = new Map<ValueId, number>()
  /** The last early step that reads an early value. */
  private readonly readUntil = new Map<ValueId, number>()
  private readonly outputs: ReadonlySet<ValueId>
  /** Early values that may be made again, each as a step of its own. */
  private readonly open: ReadonlyMap<ValueId, Alone>

  constructor({ graph, groups }: GroupedGraph, dims: DimValues) {
    const g = indexGraph(graph)
    const inBuffer = storedIn({ graph, groups })
    const made = makers(groups)
    const step = (x: Group): Step => ({
      loads: [...groupLoads(g, x, inBuffer).values].filter((v) => made.has(v)),
      stores: x.stores.filter((s) => s.slot === null && made.get(s.value) === x.id).map((s) => s.value),
      operations: x.members.reduce((n, v) => n + operationsOf(g, v, dims), 0),
    })
    const alone = (v: ValueId): Alone => {
      const loads = new Set<ValueId>()
      const inlined = new Set<ValueId>()
      const visit = (x: ValueId): void => {
        inlined.add(x)
        for (const a of g.nodes.get(x)?.args ?? [])
          if (made.has(a)) loads.add(a)
          else if (!inlined.has(a)) visit(a)
      }
      visit(v)
      const operations = [...inlined].reduce((n, x) => n + operationsOf(g, x, dims), 0)
      const isMap = [...inlined].every((x) => !g.nodes.has(x) || loweringOf(g.nodes.get(x)!).kind === "map")
      return { loads: [...loads], stores: [v], operations, isMap }
    }
    const isLate = lateGroups({ graph, groups })
    this.early = groups.filter((x) => !isLate(x)).map(step)
    this.late = groups.filter(isLate).map(step)
    for (const { stores } of [...this.early, ...this.late])
      for (const v of stores) {
        const { dtype, shape } = typeOfValue(g, v)
        this.bytes.set(v, evalDim(numel(shape), dims) * bytesOf(dtype))
      }
    this.early.forEach(({ loads, stores }, at) => {
      for (const v of stores) this.madeAt.set(v, at)
      for (const v of loads) this.readUntil.set(v, at)
    })
    this.late.forEach(({ loads }, at) => {
      for (const v of loads) if (!this.wantedAt.has(v)) this.wantedAt.set(v, this.early.length + at)
    })
    this.outputs = new Set([...graph.outputs, ...graph.updates].map((o) => o.value))
    const largest = Math.max(0, ...this.bytes.values())
    const isOpen = (v: ValueId): boolean => !this.outputs.has(v) && this.size(v) * SMALL >= largest
    this.open = new Map([...this.madeAt.keys()].filter(isOpen).map((v) => [v, alone(v)]))
  }

  private size(v: ValueId): number {
    return this.bytes.get(v) ?? 0
  }

  /** Values none of which is made from another, the most worthwhile first. */
  singles(): readonly ValueId[] {
    const worth = new Map([...this.wantedAt.keys()].map((v) => [v, this.open.has(v) ? this.worth([v]) : 0]))
    const wanted = [...worth.keys()].filter((v) => worth.get(v)! > 0)
    wanted.sort((a, b) => worth.get(b)! - worth.get(a)!)
    const chosen = new Set<ValueId>()
    const read = new Set<ValueId>()
    for (const v of wanted) {
      const { loads } = this.open.get(v)!
      if (read.has(v) || loads.some((x) => chosen.has(x))) continue
      chosen.add(v)
      for (const x of loads) read.add(x)
    }
    return [...chosen]
  }

  /** The early steps cut into more and more segments: first values that are elementwise in kept ones, then the other values of each segment
   *  but the last, the most worthwhile segment first. */
  segmentations(): readonly (readonly Again[])[] {
    const end = this.early.length
    const total = this.storedBy(0, end)
    const elementwise = this.singles().filter((v) => this.open.get(v)!.isMap)
    const out: (readonly Again[])[] = []
    for (let count = 1.5; count <= end; count *= 1.12) {
      const cuts = this.cuts(0, end, total / count)
      const kept = new Set(cuts.flatMap((c) => this.across(c)))
      const isOpen = (v: ValueId): boolean => this.open.has(v) && !kept.has(v)
      for (const parts of PARTS) {
        const segments = cuts.map((to, i): Again => {
          const from = cuts[i - 1] ?? 0
          const values = this.early.slice(from, to).flatMap((s) => s.stores.filter(isOpen))
          if (parts === 1) return times(1, values)
          const inner = new Set(this.cuts(from, to, total / count / parts).flatMap((c) => this.across(c)))
          return new Map(values.map((v) => [v, inner.has(v) ? 1 : 2]))
        })
        const worth = new Map(segments.map((again) => [again, this.worth([...again.keys()])]))
        segments.sort((a, b) => worth.get(b)! - worth.get(a)!)
        out.push([times(1, elementwise.filter(isOpen)), ...segments].filter((x) => x.size > 0))
      }
    }
    return out
  }
  /** Bytes times how long they wait, per operation. */
  private worth(again: readonly ValueId[]): number {
    const saved = again.reduce((n, v) => n + this.size(v) * this.waits(v), 0)
    return saved / again.reduce((n, v) => n + this.open.get(v)!.operations, 1)
  }
  private waits(v: ValueId): number {
    return (this.wantedAt.get(v) ?? 0) - this.madeAt.get(v)!
  }

  /** Cuts between early steps, so that no segment stores much more than `most` together with the values that cross the cuts before it,
   *  which are there when it is made again; each where few bytes go across. */
  private cuts(from: number, to: number, most: number): readonly number[] {
    const out: number[] = []
    let [start, bytes, kept] = [from, 0, 0]
    for (let end = from; end < to; end++) {
      bytes += this.storedBy(end, end + 1)
      if (bytes + kept <= most || end === start) continue
      let best = end
      for (let at = end; at > start + (end - start) / 2; at--)
        if (this.acrossBytes(at) < this.acrossBytes(best)) best = at
      out.push(best)
      start = best
      end = best - 1
      bytes = 0
      kept += this.acrossBytes(best)
    }
    return out
  }
  private storedBy(from: number, to: number): number {
    return this.early.slice(from, to).reduce((n, s) => s.stores.reduce((m, v) => m + this.size(v), n), 0)
  }
  private readonly acrossMemo = new Map<number, readonly ValueId[]>()
  /** Early values that are made before a place and read by early steps behind it. */
  private across(at: number): readonly ValueId[] {
    let known = this.acrossMemo.get(at)
    if (known === undefined) {
      known = [...this.readUntil].flatMap(([v, until]) =>
        this.madeAt.get(v)! < at && at <= until ? [v] : [],
      )
      this.acrossMemo.set(at, known)
    }
    return known
  }
  private acrossBytes(at: number): number {
    return this.across(at).reduce((n, v) => n + this.size(v), 0)
  }

  /** The memory and time that it takes to make these again. */
  choice(again: Again): Choice {
    const uses = new Map<string, { bytes: number; first: number; last: number }>()
    let at = 0
    const use = (key: string, v: ValueId): void => {
      const known = uses.get(key)
      if (known === undefined) uses.set(key, { bytes: this.size(v), first: at, last: at })
      else known.last = at
    }
    const run = ({ loads, stores }: Step, name: (v: ValueId) => string): void => {
      for (const v of [...loads, ...stores]) use(name(v), v)
      at++
    }
    const first = (v: ValueId): string => `${v}`
    const last = (v: ValueId): string => copyName(v, again.get(v) ?? 0)
    const copied = new Set<string>()
    let operations = 0
    const copy = (v: ValueId, number: number): void => {
      const name = copyName(v, number)
      if (number === 0 || copied.has(name)) return
      copied.add(name)
      const step = this.open.get(v)!
      const numberOf = (x: ValueId): number => Math.min(number, again.get(x) ?? 0)
      for (const x of step.loads) copy(x, numberOf(x))
      operations += step.operations
      run(step, (x) => copyName(x, x === v ? number : numberOf(x)))
    }
    for (const step of this.early) run(step, first)
    for (const step of this.late) {
      for (const v of step.loads) copy(v, again.get(v) ?? 0)
      run(step, last)
    }
    const change = new Float64Array(at + 2)
    for (const [key, { bytes, first, last }] of uses) {
      const isOutput = this.outputs.has(Number(key))
      change[first]! += bytes
      change[isOutput ? at + 1 : last + 1]! -= bytes
    }
    let [live, most] = [0, 0]
    for (const by of change) most = Math.max(most, (live += by))
    return { again, bytes: most, operations }
  }
}

const copyName = (v: ValueId, number: number): string => (number === 0 ? `${v}` : `${v} ${number}`)

/** Multiplications and the like. */
function operationsOf(g: GraphIndex, v: ValueId, dims: DimValues): number {
  const node = g.nodes.get(v)
  if (node === undefined) return 0
  const out = evalDim(numel(node.type.shape), dims)
  const lower = loweringOf(node)
  if (lower.kind === "map" || lower.kind === "none") return out
  const types = node.args.map((a) => typeOfValue(g, a))
  return out * evalDim(numel(lower.extents(types, node.attrs, node.type)), dims)
}
