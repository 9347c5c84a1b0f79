/** ir/groups: which nodes share a kernel: the value between the passes `fuse` and `kernels`.
 *  A group computes its members over one index space and stores some of them; everything else that they need is inlined into them
 *  or loaded from buffers. */
import type { Graph, ValueId } from "../graph/types.js"
import type { Shape } from "../tensor.js"

export interface Part {
  readonly graph: Graph
  /** How often it runs; null: once, and it is no loop. */
  readonly iterations: number | null
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

/** How the loops of a kernel run: everything that a template leaves open. `lanes` are the invocations of a workgroup.
 *  map: `width` elements per invocation. */
export interface MapPlan {
  readonly kind: "map"
  readonly width: 1 | 4
  readonly lanes: number
}
/** A row per invocation, or a row per workgroup whose lanes are joined by a tree or by subgroups. */
export interface RowPlan {
  readonly kind: "row"
  readonly by: "invocation" | "workgroup"
  readonly lanes: number
  readonly subgroups: boolean
}
/** A row per invocation, four neighbouring elements at a time; `keep`: values that a later loop over the row needs again are kept in
 *  workgroup memory. */
export interface AlongPlan {
  readonly kind: "along"
  readonly lanes: number
  readonly keep: boolean
}
/** Neighbouring rows in the lanes of vectors: `vectors` of four rows per invocation. */
export interface AcrossPlan {
  readonly kind: "across"
  readonly vectors: number
  readonly lanes: number
}
/** The same for rows that lie in lines: a line per invocation, its rows four at a time. */
export interface LinesPlan {
  readonly kind: "lines"
  readonly lanes: number
}
/** A tile of outputs per invocation, in registers; `taps` indices of the last axis of the sum per iteration. `vector`: columns in
 *  vectors of four. `split`: the lanes of a workgroup share one tile and divide the sum. `staged`: sums pass through memory of the
 *  invocation before the epilogue. */
export interface TilePlan {
  readonly kind: "tile"
  readonly rows: number
  readonly columns: number
  readonly taps: number
  readonly lanes: number
  readonly vector: boolean
  readonly split: boolean
  readonly staged: boolean
}
/** A block of outputs per workgroup and a tile of it per lane, from slices of both operands in workgroup memory that are `depth` deep.
 *  `split`: groups of lanes with the same tiles, which divide each slice. */
export interface BlockPlan {
  readonly kind: "block"
  readonly rows: number
  readonly columns: number
  readonly tileRows: number
  readonly tileColumns: number
  readonly depth: number
  readonly split: number
}
/** Packed panels of both operands, on one core: `wide` is the operand along the lanes of vectors. An item takes `wideChunk` indices of
 *  axis `wideAt` of that side, and all of the axes behind it; the other side likewise; `depth` indices of the sum's first axis are
 *  packed at a time. */
export interface PanelsPlan {
  readonly kind: "panels"
  readonly wide: "row" | "column"
  readonly wideAt: number
  readonly wideChunk: number
  readonly tallAt: number
  readonly tallChunk: number
  readonly depth: number
}
/** A product and the rows that read it: all of a row per invocation, or shared by the lanes of a workgroup. */
export interface ChainPlan {
  readonly kind: "chain"
  readonly by: "invocation" | "workgroup"
  readonly lanes: number
}
export type KernelPlan =
  MapPlan | RowPlan | AlongPlan | AcrossPlan | LinesPlan | TilePlan | BlockPlan | PanelsPlan | ChainPlan
export type PlanKind = KernelPlan["kind"]

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
  /** The axes that are reduced; empty for map groups. */
  readonly inner: Shape
  /** The members in graph order. A member that another group loads is stored; others are only computed here. */
  readonly members: readonly ValueId[]
  /** Members that have one value per point of outer x inner; the rest has one per point of outer. */
  readonly full: readonly ValueId[]
  readonly stores: readonly Store[]
  /** The groups of a pack or a chain; empty otherwise. Members are those of all parts; stores, too, but of a chain those of the
   *  row group, which has its spaces as well. */
  readonly parts: readonly Group[]
  /** null before `choose`, and in the parts of a pack or a chain. */
  readonly plan: KernelPlan | null
}
export const chainOf = (product: Group, row: Group): Group => ({
  ...row,
  kind: "chain",
  members: [...product.members, ...row.members].sort((a, b) => a - b),
  parts: [product, row],
  plan: null,
})
export interface GroupedGraph {
  readonly graph: Graph
  /** The groups, in dispatch order once `order` has run. */
  readonly groups: readonly Group[]
}
/** A program on its way to kernels: its graph, the parts that it was cut into, and the groups of each. */
export interface GroupedProgram extends CutGraph {
  readonly groups: readonly GroupedGraph[]
}
