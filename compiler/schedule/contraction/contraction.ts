/** schedule: a contraction as rows times columns: which axes of the output belong to which operand, the operands at an
 *  index, and the value stored for a sum.
 *  Rows are the output axes that only one operand depends on, columns those that only the other does (the side with the last
 *  axis), batch axes the rest.
 *  Not here:   loops (`templates/tile.ts`, `templates/panels.ts`). */
import { allOperationsIn, operationsIn } from "../expressions/operations.js"
import { bug } from "../../source/bug.js"
import type { Node } from "../../ir/graph/types.js"
import type { Expr, ScalarType } from "../../ir/kernels/types.js"
import { childrenOf } from "../../ir/kernels/walk.js"
import { divDim, isStatic, numel, sameShape, type Shape } from "../../ir/tensor.js"
import { type ContractSizes, inFours, nominal } from "../cost/model.js"
import type { Slide } from "../cost/slide.js"
import type { Exprs } from "../expressions/exprs.js"
import type { KernelBuild } from "../kernel/kernel-build.js"
import { permuted } from "../expressions/values.js"
import { loweringOf, typeOfValue } from "../../ir/graph/graph-index.js"
import { linearIndex, toStored, unravel } from "../expressions/values.js"

/** Some axes of the output, as one flat space. */
export interface Axes {
  readonly axes: readonly number[]
  readonly shape: Shape
}
export interface Contraction {
  readonly b: KernelBuild
  readonly node: Node
  readonly type: ScalarType
  readonly extents: Shape
  readonly rows: Axes
  readonly columns: Axes
  readonly batch: Axes
  /** Whether the left operand runs along the columns. */
  readonly leftIsColumn: boolean
  readonly slide: Slide | undefined
}
/** The contraction of a contract group, and which axes of the output belong to which operand. */
export function contraction(b: KernelBuild): Contraction {
  const { k, values } = b
  const node =
    b.group.members.map((m) => b.placed.g.nodes.get(m)!).find((n) => loweringOf(n).kind === "contract") ??
    bug("a contract group has a contraction")
  const lower = loweringOf(node)
  if (lower.kind !== "contract") return bug("not a contraction")
  const { dtype } = node.type
  const shape = b.group.outer
  const argTypes = node.args.map((a) => typeOfValue(b.placed.g, a))
  const extents = lower.extents(argTypes, node.attrs, node.type)
  const index = shape.map((d) => (d === 1 ? k.int(0) : b.variable("o", d)))
  const inner = extents.map((d) => (d === 1 ? k.int(0) : b.variable("q", d)))
  const cx = values.context(node, rootIndex(b, index))
  const leftAt = lower.left(cx, inner)
  const rightAt = lower.right(cx, inner)
  const left = k.namesIn(leftAt)
  const right = k.namesIn(rightAt)
  const of = (wanted: (l: boolean, r: boolean) => boolean): Axes => {
    const axes = index.flatMap((v, n) =>
      v.kind === "ref" && wanted(left.has(v.name), right.has(v.name)) ? [n] : [],
    )
    return { axes, shape: axes.map((n) => shape[n]!) }
  }
  const onlyLeft = of((l, r) => l && !r)
  const onlyRight = of((l, r) => r && !l)
  const last = (a: Axes): number => a.axes.at(-1) ?? -1
  const leftIsColumn = last(onlyLeft) > last(onlyRight)
  const columns = leftIsColumn ? onlyLeft : onlyRight
  const rows = leftIsColumn ? onlyRight : onlyLeft
  const batch = of((l, r) => l === r)
  const [across, down] = leftIsColumn ? [leftAt, rightAt] : [rightAt, leftAt]
  const slide = slideOf(k, loadsIn(across), loadsIn(down).length, index[last(columns)], inner.at(-1))
  return { b, node, type: dtype, extents, rows, columns, batch, leftIsColumn, slide }
}

function slideOf(
  k: Exprs,
  loads: readonly (Expr & { kind: "load" })[],
  rowLoads: number,
  column: Expr | undefined,
  offset: Expr | undefined,
): Slide | undefined {
  for (const load of loads) {
    const { terms } = k.form(load.index)
    const step = terms.find((t) => t.atom === column)?.coef
    const tap = terms.find((t) => t.atom === offset)?.coef
    if (step !== undefined && tap !== undefined && isStatic(step) && isStatic(tap))
      return { step, tap, columnLoads: loads.length, rowLoads }
  }
  return undefined
}
function loadsIn(e: Expr, found = new Set<Expr & { kind: "load" }>()): (Expr & { kind: "load" })[] {
  if (e.kind === "load") found.add(e)
  for (const part of childrenOf(e)) loadsIn(part, found)
  return [...found]
}

/** The index of the contraction's result at an index of the group. */
const rootIndex = (b: KernelBuild, index: readonly Expr[]): readonly Expr[] =>
  b.group.rootAxes === null ? index : permuted(b.k, index, b.group.rootAxes)

/** The sizes by which a tile is chosen. */
export function sizesOf(cx: Contraction): ContractSizes {
  const { rows, columns, batch, extents, b } = cx
  return {
    rows: nominal(numel(rows.shape)),
    columns: nominal(numel(columns.shape)),
    batch: nominal(numel(batch.shape)),
    depth: nominal(numel(extents)),
    vector:
      inFours(b.placed.target) && columns.shape.length > 0 && divDim(columns.shape.at(-1)!, 4) !== undefined,
    epilogue: epilogueSize(cx),
  }
}

/** Operations per element of an operand at any index of the depth, those on indices included. */
export function operandSize(cx: Contraction, side: "row" | "column"): number {
  const b = cx.b.fork()
  const { k } = b
  const offset = (shape: Shape, name: string): Expr => b.variable(name, numel(shape))
  const zero = k.int(0)
  const own = offset(cx[side === "row" ? "rows" : "columns"].shape, side)
  const batch = offset(cx.batch.shape, "batch")
  const index =
    side === "row" ? outputIndex({ ...cx, b }, own, zero, batch) : outputIndex({ ...cx, b }, zero, own, batch)
  const r = unravel(k, offset(cx.extents, "depth"), cx.extents)
  return allOperationsIn(operand({ ...cx, b }, side, index, r))
}

/** Operations per output after the sum. */
function epilogueSize({ b, node }: Contraction): number {
  const probe = b.fork()
  const sum = probe.k.ref("sum", node.type.dtype)
  const values = probe.valuesAt(new Map([[node.id, sum]]))
  const i = probe.variable("i", numel(b.group.outer))
  return b.group.stores.reduce((n, s) => {
    const { shape } = typeOfValue(b.placed.g, s.value)
    return n + 1 + operationsIn(values.at(s.value, unravel(probe.k, i, shape)))
  }, 0)
}

/** The output index of a row, a column and a batch index. */
export function outputIndex(cx: Contraction, row: Expr, column: Expr, batch: Expr): Expr[] {
  const { k } = cx.b
  const { rows, columns } = cx
  return indexAt(cx, unravel(k, row, rows.shape), unravel(k, column, columns.shape), batch)
}
/** The output index where the axes of rows and columns have these indices. */
export function indexAt(
  cx: Contraction,
  rows: readonly Expr[],
  columns: readonly Expr[],
  batch: Expr,
): Expr[] {
  const { k } = cx.b
  const index: Expr[] = cx.b.group.outer.map(() => k.int(0))
  const put = (a: Axes, at: readonly Expr[]): void => at.forEach((e, n) => (index[a.axes[n]!] = e))
  put(cx.rows, rows)
  put(cx.columns, columns)
  put(cx.batch, unravel(k, batch, cx.batch.shape))
  return index
}

/** The operand along the rows (or columns) at an output index. */
export function operand(
  cx: Contraction,
  side: "row" | "column",
  index: readonly Expr[],
  r: readonly Expr[],
): Expr {
  const lower = loweringOf(cx.node)
  if (lower.kind !== "contract") return bug("not a contraction")
  const context = cx.b.values.context(cx.node, rootIndex(cx.b, index))
  return (side === "column") === cx.leftIsColumn ? lower.left(context, r) : lower.right(context, r)
}

/** The stores of the group at an output index, the sum there being `own`. */
export function storesAt(
  cx: Contraction,
  index: readonly Expr[],
  own: Expr,
  widen: (e: Expr, own: Expr) => Expr,
): { buffer: string; offset: Expr; value: Expr }[] {
  const { b, node } = cx
  const { k } = b
  const { outer } = b.group
  const offset = linearIndex(k, index, outer)
  const root = rootIndex(b, index)
  const rootOffset = linearIndex(k, root, node.type.shape)
  const values = b.valuesAt(new Map([[node.id, own]]))
  return b.group.stores.map(({ value }) => {
    const { dtype, shape } = typeOfValue(b.placed.g, value)
    const inGroup = sameShape(shape, outer) ? index : unravel(k, offset, shape)
    const isRoot = value === node.id
    const e = toStored(k, values.at(value, isRoot ? root : inGroup), dtype)
    return { buffer: b.target(value), offset: isRoot ? rootOffset : offset, value: widen(e, own) }
  })
}
