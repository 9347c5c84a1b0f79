/** ir/groups: which nodes share a kernel: the value between the passes `fuse` and `kernels`.
 *  A group computes its members over one index space and stores some of them; everything else that they need is inlined into them
 *  or loaded from buffers. */
import type { Graph, ValueId } from "../graph/types.js"
import type { Shape } from "../tensor.js"

export interface Part {
  readonly graph: Graph
  /** How often it runs; null: once, and it is no loop. */
  readonly turns: number | null
}

/** The graph that is scheduled, and its parts. */
export interface CutGraph {
  readonly graph: Graph
  readonly parts: readonly Part[]
}

/** map: elementwise. row: reductions over one inner space, and elementwise work over it. contract: one contraction.
 *  pack: map groups of one structure over different slots, run as one kernel over their buffers laid end to end.
 *  chain: a contract group and the row group whose rows it makes, run as one kernel. */
export type GroupKind = "map" | "row" | "contract" | "pack" | "chain"

export interface Store {
  readonly value: ValueId
  /** The slot whose buffer takes the value; null: a buffer of its own. */
  readonly slot: ValueId | null
}
export interface Group {
  readonly id: number
  readonly kind: GroupKind
  /** The index space: one element of each result, or one row, per point. */
  readonly outer: Shape
  /** Contractions whose result is read transposed: the axis of `outer` that stands for each axis of the result (null: an axis
   *  of length 1). null: the result's own axes. */
  readonly rootAxes: readonly (number | null)[] | null
  /** What is reduced over; empty for map groups. */
  readonly inner: Shape
  /** In graph order. A member that another group loads is stored; others are only computed here. */
  readonly members: readonly ValueId[]
  /** Members that have one value per point of outer x inner; the rest has one per point of outer. */
  readonly full: readonly ValueId[]
  readonly stores: readonly Store[]
  /** The groups of a pack or a chain; empty otherwise. Members are those of all parts; stores, too, but of a chain those of the
   *  row group, which has its spaces as well. */
  readonly parts: readonly Group[]
}
export const chainOf = (product: Group, row: Group): Group => ({
  ...row,
  kind: "chain",
  members: [...product.members, ...row.members].sort((a, b) => a - b),
  parts: [product, row],
})
export interface GroupedGraph {
  readonly graph: Graph
  /** In dispatch order once `order` has run. */
  readonly groups: readonly Group[]
}
/** A program on its way to kernels: its graph, the parts that it was cut into, and the groups of each. */
export interface GroupedProgram extends CutGraph {
  readonly groups: readonly GroupedGraph[]
}
