/** schedule: a graph with loops over time -> graphs without, to be scheduled one by one and joined again (loops/link.ts).
 *      Graph -> Part[]: the nodes before a loop, one iteration of the loop, the nodes after it, ...
 *  Assumes:    loops index their sequences themselves (optimize/sequences).
 *  Guarantees: the parts run in this order, those with `iterations` so many times; a value that one part gives another is an output of one and an
 *              input of the other of the same name; a graph without loops is its only part, as it was.
 *  A carry lives in a buffer with a row for each iteration and one more, or with two rows in alternation when no stack of it is
 *  wanted: an iteration reads one row and writes the next, so nothing is ever copied or overwritten too early. A stack that only
 *  repeats a carried value is that buffer.
 *  Not here:   anything about kernels. */
import { buildLike, GraphBuild, renumbered, valueIn } from "../../ir/graph/build.js"
import { isCheap, isScan, isScanResult, resultTypes, scanParts, type ScanParts } from "../../ir/graph/scan.js"
import type { Graph, Node, ValueId } from "../../ir/graph/types.js"
import { scalarType, tensorType, type TensorType } from "../../ir/tensor.js"
import { intAttr } from "../../ops/attrs.js"
import type { Value } from "../../ops/op.js"
import type { Pass } from "../../pass.js"
import { bug } from "../../source/bug.js"
import type { CutGraph, Part } from "../../ir/groups/types.js"

export const cut: Pass<Graph, CutGraph> = {
  name: "cut",
  summary: "cut the graph at its loops over time",
  run: (given) => {
    const graph = keepOld(given)
    return {
      graph,
      parts: graph.nodes.some(isScan) ? new Cutting(graph).parts() : [{ graph, iterations: null }],
    }
  },
}

/** Whatever is scheduled from the graph, once or as many calls in one, gives outputs of one moment: an output, or the new value of another slot, that is a slot about to be updated is a copy of it, made before. */
function keepOld(graph: Graph): Graph {
  const updated = new Set(graph.updates.map((u) => u.slot))
  if (![...graph.outputs, ...graph.updates].some((o) => updated.has(o.value))) return graph
  const { g, values } = buildLike(graph)
  for (const n of graph.nodes) {
    const args = n.args.map((a) => valueIn(values, a))
    values.set(n.id, g.copy(n, args))
  }
  const kept = (id: ValueId): Value => {
    const value = valueIn(values, id)
    return updated.has(id) ? again(g, value) : value
  }
  for (const o of graph.outputs) g.output(o.name, kept(o.value))
  for (const u of graph.updates) g.update(valueIn(values, u.slot), kept(u.value))
  return g.finish()
}

/** A loop and the graph of one iteration. */
interface IterationOf {
  readonly loop: Loop
  readonly graph: Graph
}
/** The buffer of a carry or a stack, as an input of every part that touches it. */
interface Rows {
  readonly name: string
  /** A row for each iteration, and one more for a carry with all of them; two when they alternate. */
  readonly type: TensorType
}
/** Where a result of a loop is: all rows of a buffer, those from `from` on, or one. */
interface StackedRows {
  readonly rows: Rows
  readonly from: number
  readonly count: number | null
}
interface Loop {
  readonly node: Node
  readonly parts: ScanParts
  /** The number of the segment that it follows. */
  readonly level: number
  readonly carries: readonly Rows[]
  /** The stacks that have a buffer of their own, by the number of their output. */
  readonly stacks: ReadonlyMap<number, Rows>
  readonly results: readonly StackedRows[]
}

class Cutting {
  private readonly nodes: ReadonlyMap<ValueId, Node>
  private readonly levels = new Map<ValueId, number>()
  private readonly loops = new Map<ValueId, Loop>()
  /** Values that some other part reads. */
  private readonly shared = new Set<ValueId>()
  private readonly segments: PartBuild[] = []

  constructor(readonly graph: Graph) {
    this.nodes = new Map(graph.nodes.map((n) => [n.id, n]))
    for (const node of graph.nodes) {
      const level = Math.max(0, ...node.args.map((a) => this.level(a)))
      this.levels.set(node.id, isScanResult(node) ? level + 1 : level)
      if (isScan(node)) this.loops.set(node.id, loopOf(node, level))
    }
  }

  parts(): readonly Part[] {
    const last = Math.max(...this.levels.values())
    for (let level = 0; level <= last; level++)
      this.segments.push(new PartBuild(this, `${this.graph.name}.${level}`, level))
    for (const node of this.graph.nodes)
      if (this.isComputed(node)) this.segments[this.level(node.id)]!.value(node.id)
    const loops = [...this.loops.values()].map((loop) => ({ loop, graph: this.iterationOf(loop) }))
    for (const { loop } of loops)
      loop.carries.forEach((rows, i) => this.segments[loop.level]!.start(rows, loop.parts.first[i]!))
    for (const o of this.graph.outputs) this.segments[this.level(o.value)]!.result(o.name, o.value)
    this.update(loops)
    for (const id of this.shared) this.segments[this.level(id)]!.give(id)
    return this.segments.flatMap((segment, level): Part[] => [
      { graph: segment.finish(), iterations: null },
      ...loops
        .filter(({ loop }) => loop.level === level)
        .map(({ loop, graph }) => ({ graph, iterations: loop.parts.iterations })),
    ])
  }

  node(id: ValueId): Node | undefined {
    return this.nodes.get(id)
  }
  level(id: ValueId): number {
    return this.levels.get(id) ?? 0
  }
  /** Whether a part of its own makes the value, and hands it to the others; everything else each makes for itself. */
  isComputed(node: Node): boolean {
    return !isScan(node) && !isScanResult(node) && !isCheap(node)
  }
  share(id: ValueId): void {
    this.shared.add(id)
  }
  rowsOf(result: Node): StackedRows {
    const loop = this.loops.get(result.args[0]!) ?? bug(`%${result.id} is no result of a scan`)
    return loop.results[intAttr(result.attrs, "index")] ?? bug(`%${result.id} has no rows`)
  }

  /** Each slot in the last segment that reads it; an update may itself make its segment read other slots. */
  private update(loops: readonly IterationOf[]): void {
    const { updates } = this.graph
    let at = updates.map((u) => this.level(u.value))
    for (;;) {
      updates.forEach((u, i) => this.segments[at[i]!]!.value(u.value))
      const later = updates.map((u, i) => Math.max(at[i]!, this.lastReader(u.slot, loops)))
      if (later.every((level, i) => level === at[i])) break
      at = later
    }
    updates.forEach((u, i) => this.segments[at[i]!]!.update(u.slot, u.value))
  }
  private lastReader(slot: ValueId, loops: readonly IterationOf[]): number {
    const name = this.graph.state.find((s) => s.id === slot)?.name
    const reads = (g: Graph): boolean => g.state.some((s) => s.name === name)
    const inSegments = this.segments.flatMap((s, level) => (s.reads(slot) ? [level] : []))
    const inLoops = loops.flatMap(({ loop, graph }) => (reads(graph) ? [loop.level + 1] : []))
    return Math.max(0, ...inSegments, ...inLoops)
  }

  /** The graph of one iteration. */
  private iterationOf(loop: Loop): Graph {
    const { parts: s } = loop
    const g = new PartBuild(this, `${this.graph.name}.${loop.level}.iteration${loop.node.id}`, null)
    const { build } = g
    const values = new Map<ValueId, Value>()
    const iteration = build.input("iteration", scalarType("i32"), { kind: "scalar", scalar: "iteration" })
    if (s.iteration !== undefined) values.set(s.iteration.id, iteration)
    build.at(loop.node.origin)
    loop.carries.forEach((rows, i) => {
      const row = alternates(rows, s) ? build.apply("rem", [iteration, build.constant(2, "i32")]) : iteration
      values.set(s.carries[i]!.id, build.apply("take", [g.rows(rows), row], { axis: 0 }))
    })
    s.captures.forEach((c, i) => values.set(c.id, g.value(s.captured[i]!)))
    const made = new Set<ValueId>()
    for (const n of s.region.nodes) {
      const args = n.args.map((a) => valueIn(values, a))
      const copy = build.copy(n, args)
      values.set(n.id, copy)
      made.add(copy.id)
    }
    /** Each stored value is a node of its own. */
    const own = (id: ValueId): Value => {
      const value = valueIn(values, id)
      return made.delete(value.id) ? value : again(build, value)
    }
    s.next.forEach((o, i) => {
      const rows = loop.carries[i]!
      build.output(rows.name, own(o.value), {
        input: g.rows(rows),
        row: alternates(rows, s) ? "other" : "next",
      })
    })
    for (const [i, rows] of loop.stacks)
      build.output(rows.name, own(s.stacked[i]!.value), { input: g.rows(rows), row: "iteration" })
    return g.finish()
  }
}

const alternates = (rows: Rows, s: ScanParts): boolean => rows.type.shape[0] === 2 && s.iterations !== 1

/** The same value as another node. */
const again = (g: GraphBuild, value: Value): Value => g.apply("reshape", [value], { shape: value.type.shape })

/** Which buffers a loop needs, and where its results are in them. */
function loopOf(node: Node, level: number): Loop {
  const s = scanParts(node)
  if (s.slices.length > 0) bug(`scan %${node.id} still has its sequences cut`)
  const types = resultTypes(node)
  const name = (what: string, i: number): string => `${what}${i}.${node.id}`
  // A stack of the old or the new values of a carry, of every iteration.
  const repeated = (i: number, of: (carry: number) => ValueId): number =>
    s.carries.findIndex((_, c) => s.stacked[i]!.value === of(c))
  const before = s.stacked.map((_, i) => repeated(i, (c) => s.carries[c]!.id))
  const after = s.stacked.map((_, i) => repeated(i, (c) => s.next[c]!.value))
  const carries = s.carries.map((c, i): Rows => {
    const rows = before.includes(i) || after.includes(i) ? s.iterations + 1 : 2
    return { name: name("carry", i), type: tensorType(c.type.dtype, [rows, ...c.type.shape]) }
  })
  const stacks = new Map<number, Rows>()
  const results: StackedRows[] = carries.map((rows) => {
    const from = rows.type.shape[0] === 2 ? s.iterations % 2 : s.iterations
    return { rows, from, count: null }
  })
  s.stacked.forEach((o, i) => {
    const twin = s.stacked.findIndex((other) => other.value === o.value)
    const type = types[s.carries.length + i]!
    if (before[i]! >= 0) results.push({ rows: carries[before[i]!]!, from: 0, count: s.iterations })
    else if (after[i]! >= 0) results.push({ rows: carries[after[i]!]!, from: 1, count: s.iterations })
    else if (twin < i) results.push(results[s.carries.length + twin]!)
    else {
      const rows = { name: name("stack", i), type }
      stacks.set(i, rows)
      results.push({ rows, from: 0, count: s.iterations })
    }
  })
  return { node, parts: s, level, carries, stacks, results }
}

/** One part under construction: values of the whole graph are brought in as they are asked for. */
class PartBuild {
  readonly build: GraphBuild
  private readonly values = new Map<ValueId, Value>()
  private readonly inputs = new Map<string, Value>()
  private readonly slots = new Set<ValueId>()

  constructor(
    private readonly whole: Cutting,
    name: string,
    /** null: one iteration of a loop, which computes nothing of the graph itself. */
    private readonly level: number | null,
  ) {
    this.build = new GraphBuild(name)
  }

  value(id: ValueId): Value {
    const known = this.values.get(id)
    if (known !== undefined) return known
    const made = this.make(id)
    this.values.set(id, made)
    return made
  }
  /** The buffer of a carry or a stack, whole. */
  rows(rows: Rows): Value {
    const known = this.inputs.get(rows.name)
    if (known !== undefined) return known
    const made = this.build.input(rows.name, rows.type)
    this.inputs.set(rows.name, made)
    return made
  }
  reads(slot: ValueId): boolean {
    return this.slots.has(slot)
  }

  /** Writes the first value of a carry. */
  start(rows: Rows, first: ValueId): void {
    this.build.output(`first.${rows.name}`, again(this.build, this.value(first)), {
      input: this.rows(rows),
      row: "first",
    })
  }
  result(name: string, id: ValueId): void {
    const node = this.whole.node(id)
    const value = this.value(id)
    const isNode = node !== undefined && !isScanResult(node)
    this.build.output(name, isNode ? value : again(this.build, value))
  }
  update(slot: ValueId, value: ValueId): void {
    const made = this.value(value)
    this.build.update(this.value(slot), this.whole.node(value) === undefined ? again(this.build, made) : made)
  }
  /** Makes a value known to the other parts. */
  give(id: ValueId): void {
    this.build.output(this.nameOf(id), this.value(id))
  }
  finish(): Graph {
    return renumbered(this.build.finish())
  }

  private make(id: ValueId): Value {
    const { graph } = this.whole
    const input = graph.inputs.find((i) => i.id === id)
    if (input !== undefined) return this.build.input(input.name, input.type, input.source, input.origin)
    const slot = graph.state.find((s) => s.id === id)
    if (slot !== undefined) {
      this.slots.add(id)
      return this.build.slot(slot.name, slot.type, slot.role, slot.origin)
    }
    const node = this.whole.node(id) ?? bug(`graph ${graph.name} has no value %${id}`)
    if (isScanResult(node)) return this.resultOf(node)
    if (this.whole.isComputed(node) && this.whole.level(id) !== this.level) {
      this.whole.share(id)
      return this.build.input(this.nameOf(id), node.type)
    }
    const args = node.args.map((a) => this.value(a))
    return this.build.copy(node, args)
  }
  private resultOf(node: Node): Value {
    const { rows, from, count } = this.whole.rowsOf(node)
    const all = this.rows(rows)
    const { shape } = rows.type
    if (from === 0 && count === shape[0]) return all
    this.build.at(node.origin)
    const starts = shape.map((_, axis) => (axis === 0 ? from : 0))
    const stops = shape.map((size, axis) => (axis === 0 ? from + (count ?? 1) : size))
    const some = this.build.apply("slice", [all], { starts, stops, steps: shape.map(() => 1) })
    return count === null ? this.build.apply("reshape", [some], { shape: shape.slice(1) }) : some
  }
  /** No name of a program contains such a dot. */
  private nameOf(id: ValueId): string {
    const node = this.whole.node(id) ?? bug(`%${id} is no node`)
    return `${node.op}.${id}`
  }
}
