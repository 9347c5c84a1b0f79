/** optimize/blocked-scans: running sums, running products and linear recurrences along long axes go block by block.   Graph -> Graph
 *  Each element of such an operation walks the whole axis. Here every block has a walk of its own, from its start; the part before
 *  a block is the same operation over one number per block, and is then added to, or multiplied with, the block's own elements:
 *      s[i] = own[i] + before[block of i]       p[i] = own[i] * before[block of i]
 *      s[i] = own[i] + (product of a from the block's start to i) * before[block of i]      where s[i] = b[i] + a[i] * s[i-1]
 *  Guarantees: work grows with the axis, in gradients too, which are such operations; the order of operations is fixed, but another
 *              one than element by element.
 *  Not here:   axes as long as the batch or the data: their number of blocks is not known when compiling. */
import { rewritten } from "../ir/graph/build.js"
import type { GraphBuild } from "../ir/graph/build.js"
import type { Attrs, Graph } from "../ir/graph/types.js"
import { isStatic, type Shape } from "../ir/tensor.js"
import { boolAttr, intAttr } from "../ops/attrs.js"
import { shifted } from "../ops/order.js"
import type { Value } from "../ops/op.js"
import type { Pass } from "../pass.js"
import { bug } from "../source/bug.js"

/** Elements of a block. */
const BLOCK = 64
/** Shorter axes are walked as they are: that is one kernel, and soon done. */
const LEAST = 4 * BLOCK

export const blockedScans: Pass<Graph, Graph> = {
  name: "blocked-scans",
  summary: "walk long axes in blocks",
  run: (graph) => rewritten(graph, (g, { op, attrs }, args) => SCANS[op]?.(g, args, attrs)),
}

type Scan = (g: GraphBuild, args: readonly Value[], attrs: Attrs) => Value

/** `whole`: reduces a block to one number; `join`: joins two neighbours; `neutral`: fills the last block. */
function joined(whole: "sum" | "prod", join: "add" | "mul", neutral: number): Scan {
  const op = `cum${whole}` as const
  const scan: Scan = (g, [x], attrs) => {
    const axis = intAttr(attrs, "axis")
    const blocks = blocksOf(x!.type.shape, axis)
    if (blocks === undefined) return g.apply(op, [x!], attrs)
    const cut = inBlocks(g, x!, axis, blocks, neutral)
    const own = g.apply(op, [cut], { ...attrs, axis: axis + 1 })
    const totals = g.apply(whole, [cut], { axes: [axis + 1], keepdim: false })
    const before = scan(g, [totals], { ...attrs, exclusive: true })
    return asOne(g, g.apply(join, [own, perElement(g, before, own, axis)]), x!.type.shape, axis)
  }
  return scan
}

const SCANS: Readonly<Record<string, Scan>> = {
  cumsum: joined("sum", "add", 0),
  cumprod: joined("prod", "mul", 1),
  recurrence: (g, [a, b], attrs) => {
    const axis = intAttr(attrs, "axis")
    const reverse = boolAttr(attrs, "reverse")
    const blocks = blocksOf(b!.type.shape, axis)
    if (blocks === undefined) return g.apply("recurrence", [a!, b!], attrs)
    // The filling of the last block passes its input through.
    const [factors, cut] = [inBlocks(g, a!, axis, blocks, 1), inBlocks(g, b!, axis, blocks, 0)]
    const own = g.apply("recurrence", [factors, cut], { axis: axis + 1, reverse })
    const reach = g.apply("cumprod", [factors], { axis: axis + 1, reverse, exclusive: false })
    const last = (v: Value): Value => elementAt(g, v, axis + 1, reverse ? 0 : BLOCK - 1)
    const after = SCANS.recurrence!(g, [inRange(g, last(reach)), last(own)], { axis, reverse })
    const each = perElement(g, shifted(after, axis, reverse, g), own, axis)
    // Nothing is handed on, and no product of factors may make NaN of it.
    const none = g.apply("eq", [each, g.full(0, each.type)])
    const sum = g.apply("add", [own, g.apply("mul", [reach, each])])
    return asOne(g, g.apply("where", [none, own, sum]), b!.type.shape, axis)
  },
}

/** x, the nearest finite numbers standing for infinities. */
function inRange(g: GraphBuild, x: Value): Value {
  const most = x.type.dtype === "f16" ? 65504 : 3.4028234663852886e38
  return g.apply("minimum", [g.apply("maximum", [x, g.full(-most, x.type)]), g.full(most, x.type)])
}

/** How many blocks an axis is cut into; undefined where it stays whole. */
function blocksOf(shape: Shape, axis: number): number | undefined {
  const size = shape[axis]!
  return isStatic(size) && size >= LEAST ? Math.ceil(size / BLOCK) : undefined
}

/** [.., size, ..] -> [.., blocks, BLOCK, ..], the last block filled up with `filler`. */
function inBlocks(g: GraphBuild, x: Value, axis: number, blocks: number, filler: number): Value {
  const { shape } = x.type
  const missing = blocks * BLOCK - fixed(shape, axis)
  const at = (value: number): number[] => shape.map((_, n) => (n === axis ? value : 0))
  const full =
    missing === 0 ? x : g.apply("pad", [x], { low: at(0), high: at(missing), interior: at(0), value: filler })
  return g.apply("reshape", [full], { shape: shape.toSpliced(axis, 1, blocks, BLOCK) })
}
/** The other way round. */
function asOne(g: GraphBuild, x: Value, shape: Shape, axis: number): Value {
  const blocks = fixed(x.type.shape, axis)
  const flat = g.apply("reshape", [x], { shape: shape.with(axis, blocks * BLOCK) })
  return blocks * BLOCK === shape[axis]
    ? flat
    : g.apply("slice", [flat], { starts: shape.map(() => 0), stops: [...shape], steps: shape.map(() => 1) })
}
const fixed = (shape: Shape, axis: number): number => {
  const size = shape[axis]!
  return isStatic(size) ? size : bug("only static axes are cut")
}

/** One value per block, for each of its elements. */
function perElement(g: GraphBuild, x: Value, like: Value, axis: number): Value {
  const stretched = g.apply("reshape", [x], { shape: x.type.shape.toSpliced(axis + 1, 0, 1) })
  return g.apply("broadcast", [stretched], { shape: [...like.type.shape] })
}
/** The elements at one index of an axis, without it. */
function elementAt(g: GraphBuild, x: Value, axis: number, index: number): Value {
  const { shape } = x.type
  const one = g.apply("slice", [x], {
    starts: shape.map((_, n) => (n === axis ? index : 0)),
    stops: shape.map((d, n) => (n === axis ? index + 1 : d)),
    steps: shape.map(() => 1),
  })
  return g.apply("reshape", [one], { shape: shape.toSpliced(axis, 1) })
}
