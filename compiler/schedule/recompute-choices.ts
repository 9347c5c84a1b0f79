/** schedule: which values a step may compute again instead of keeping them, from the cheapest choice to the smallest in memory.
 *  A step is early as far as its outputs need it (the forward part), and late after that (gradients and updates).
 *  Two kinds of choices. Single values: those that save the most, bytes times the time they wait, per operation it takes to make
 *  them again, none of them made from another. Segments (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016): the
 *  early groups are cut where few bytes go across, what goes across is kept, everything else is made again, a segment at a time,
 *  or of some segments, the last among them, only what is elementwise in what is kept.
 *  Not here:   how the graph is changed (`recompute.ts`), what memory it then really takes (memory/). */
import type { ValueId } from "../ir/graph/types.js"
import { bytesOf, type DimValues, evalDim, numel } from "../ir/tensor.js"
import type { Group, GroupedGraph } from "./group.js"
import { groupLoads, makers, storedIn } from "./group-loads.js"
import { type GraphIndex, indexGraph, loweringOf, typeOfValue } from "./values.js"

export interface Choice {
  readonly again: ReadonlySet<ValueId>
  /** The most bytes alive at once, were every group a kernel and nothing lost between buffers. */
  readonly bytes: number
  /** What it takes to compute them again. */
  readonly operations: number
}

/** A value this many times smaller than the largest is kept: it would cost more than it saves. */
const SMALL = 64
/** How many subsets of one choice are looked at. */
const SUBSETS = 8

/** None first; each further one takes more operations, and fewer bytes. */
export function choices(grouped: GroupedGraph, dims: DimValues): readonly Choice[] {
  const steps = new Steps(grouped, dims)
  const all = [
    steps.choice(new Set()),
    ...subsets(steps.singles()).map((values) => steps.choice(new Set(values))),
    ...steps.segmentations().flatMap((s) => subsets(s).map((list) => steps.choice(new Set(list.flat())))),
  ]
  all.sort((a, b) => a.operations - b.operations || a.bytes - b.bytes)
  const out: Choice[] = []
  for (const choice of all) if (choice.bytes < (out.at(-1)?.bytes ?? Infinity)) out.push(choice)
  return out
}

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

interface Again extends Step {
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
  private readonly open: ReadonlyMap<ValueId, Again>

  constructor({ graph, groups }: GroupedGraph, dims: DimValues) {
    const g = indexGraph(graph)
    const inBuffer = storedIn({ graph, groups })
    const made = makers(groups)
    const step = (x: Group): Step => ({
      loads: [...groupLoads(g, x, inBuffer).values].filter((v) => made.has(v)),
      stores: x.stores.filter((s) => s.slot === null && made.get(s.value) === x.id).map((s) => s.value),
      operations: x.members.reduce((n, v) => n + operationsOf(g, v, dims), 0),
    })
    const alone = (v: ValueId): Again => {
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

  /** The early steps cut into more and more segments: what is elementwise in what is kept, then what is made again of each segment
   *  but the last, the most worthwhile segment first. */
  segmentations(): readonly (readonly (readonly ValueId[])[])[] {
    const total = this.early.reduce((n, s) => n + this.storedBy(s), 0)
    const elementwise = this.singles().filter((v) => this.open.get(v)!.isMap)
    const out: (readonly ValueId[])[][] = []
    for (let count = 2; count <= this.early.length; count = Math.ceil(count * 1.3)) {
      const cuts = this.cuts(total / count)
      const kept = new Set(cuts.flatMap((c) => this.across(c)))
      const isOpen = (v: ValueId): boolean => this.open.has(v) && !kept.has(v)
      const segments = cuts.map((end, i) =>
        this.early.slice(cuts[i - 1] ?? 0, end).flatMap((s) => s.stores.filter(isOpen)),
      )
      const worth = new Map(segments.map((again) => [again, this.worth(again)]))
      segments.sort((a, b) => worth.get(b)! - worth.get(a)!)
      out.push([elementwise.filter(isOpen), ...segments].filter((x) => x.length > 0))
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

  /** Places between early steps, so that no segment stores much more than `most`, each where few bytes go across. */
  private cuts(most: number): readonly number[] {
    const out: number[] = []
    let [start, bytes] = [0, 0]
    for (let end = 0; end < this.early.length; end++) {
      bytes += this.storedBy(this.early[end]!)
      if (bytes <= most || end === start) continue
      let best = end
      for (let at = end; at > start + (end - start) / 2; at--)
        if (this.acrossBytes(at) < this.acrossBytes(best)) best = at
      out.push(best)
      start = best
      end = best - 1
      bytes = 0
    }
    return out
  }
  private storedBy({ stores }: Step): number {
    return stores.reduce((n, v) => n + this.size(v), 0)
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

  /** What memory and time it takes to make these again. */
  choice(again: ReadonlySet<ValueId>): Choice {
    const uses = new Map<string, { bytes: number; first: number; last: number }>()
    let at = 0
    const use = (key: string, v: ValueId): void => {
      const known = uses.get(key)
      if (known === undefined) uses.set(key, { bytes: this.size(v), first: at, last: at })
      else known.last = at
    }
    const copied = new Set<ValueId>()
    const name = (v: ValueId): string => (copied.has(v) ? `again ${v}` : `${v}`)
    const run = ({ loads, stores }: Step): void => {
      for (const v of [...loads, ...stores]) use(name(v), v)
      at++
    }
    let operations = 0
    const copy = (v: ValueId): void => {
      if (!again.has(v) || copied.has(v)) return
      const step = this.open.get(v)!
      step.loads.forEach(copy)
      copied.add(v)
      operations += step.operations
      run(step)
    }
    this.early.forEach(run)
    for (const step of this.late) {
      step.loads.forEach(copy)
      run(step)
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
