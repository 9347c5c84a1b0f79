/** schedule: the value of a graph node at an index, as an expression: its lowering, with the lowerings of its arguments inside,
 *  down to the values that `resolve` knows itself (buffers, accumulators).
 *  Not here:   which values are in buffers (`fuse/fuse.ts`). */
import { type GraphIndex, loweringOf, typeOfValue } from "../../ir/graph/graph-index.js"
import type { Node, ValueId } from "../../ir/graph/types.js"
import type { Expr, ScalarType } from "../../ir/kernels/types.js"
import { type DType, type Shape, strides } from "../../ir/tensor.js"
import type { LowerContext } from "../../ops/op.js"
import { bug } from "../../source/bug.js"
import type { Exprs } from "./exprs.js"

export type Resolve = (value: ValueId, index: readonly Expr[]) => Expr | undefined

export class Values {
  private readonly memo = new Map<string, Expr>()
  constructor(
    readonly g: GraphIndex,
    readonly k: Exprs,
    private readonly resolve: Resolve,
  ) {}

  at(value: ValueId, index: readonly Expr[]): Expr {
    const key = `${value}@${index.map((i) => this.k.id(i)).join(",")}`
    const known = this.memo.get(key)
    if (known !== undefined) return known
    const made = this.resolve(value, index) ?? this.inline(value, index)
    this.memo.set(key, made)
    return made
  }

  /** The view of a node that its lowering gets. */
  context(node: Node, index: readonly Expr[]): LowerContext {
    return {
      args: node.args.map((a) => (at: readonly Expr[]) => this.at(a, at)),
      argTypes: node.args.map((a) => typeOfValue(this.g, a)),
      type: node.type,
      attrs: node.attrs,
      index,
      k: this.k,
    }
  }

  private inline(value: ValueId, index: readonly Expr[]): Expr {
    const input = this.g.inputs.get(value)
    if (input?.source.kind === "scalar") return this.k.param(input.source.scalar)
    const node = this.g.nodes.get(value) ?? bug(`%${value} is in no buffer`)
    const lower = loweringOf(node)
    // Asked for, but not read: groups hold all that their expressions depend on (`fuse/probe.ts`). Any number does.
    if (lower.kind !== "map") return this.k.constant(0, node.type.dtype)
    return lower.value(this.context(node, index))
  }
}

/** The first element that a reduction reads at a row (a linear index of its result) and an index `r` of its inner space: how rows
 *  and inner indices make up the index of the elements. */
export function firstRead(
  values: Values,
  node: Node,
  row: Expr,
  r: readonly Expr[],
): { value: ValueId; index: readonly Expr[] } | undefined {
  const lower = loweringOf(node)
  if (lower.kind !== "reduce" && lower.kind !== "fold") return undefined
  const { k } = values
  let first: { value: ValueId; index: readonly Expr[] } | undefined
  const cx = values.context(node, unravel(k, row, node.type.shape))
  const args = cx.args.map((at, n) => (index: readonly Expr[]) => {
    first ??= { value: node.args[n]!, index }
    return at(index)
  })
  if (lower.kind === "reduce") lower.term({ ...cx, args }, r)
  else lower.step({ ...cx, args }, r, lower.init(cx))
  return first
}

/** Linear, row-major offset of an index. */
export function linearIndex(k: Exprs, index: readonly Expr[], shape: Shape): Expr {
  const step = strides(shape)
  return index.reduce<Expr>((sum, i, axis) => k.add(sum, k.mul(i, k.dim(step[axis]!))), k.int(0))
}

/** The index at a linear, row-major offset. */
export function unravel(k: Exprs, at: Expr, shape: Shape): Expr[] {
  const step = strides(shape)
  const outermost = shape.findIndex((d) => d !== 1)
  return shape.map((d, axis) => {
    if (d === 1) return k.int(0)
    const above = k.div(at, k.dim(step[axis]!))
    return axis === outermost ? above : k.rem(above, k.dim(d))
  })
}

/** The index of a contraction's result at an index of its group. */
export const permuted = (k: Exprs, index: readonly Expr[], rootAxes: readonly (number | null)[]): Expr[] =>
  rootAxes.map((axis) => (axis === null ? k.int(0) : index[axis]!))

/** The element type of loads from a buffer of this dtype: bools are stored as u32. */
export const storedType = (dtype: DType): ScalarType => (dtype === "bool" ? "u32" : dtype)
/** A loaded element as the value that the graph means. */
export const fromStored = (k: Exprs, loaded: Expr, dtype: DType): Expr =>
  dtype === "bool" ? k.op("ne", loaded, k.constant(0, "u32")) : loaded
export const toStored = (k: Exprs, value: Expr, dtype: DType): Expr =>
  dtype === "bool" ? k.select(value, k.constant(1, "u32"), k.constant(0, "u32")) : value
