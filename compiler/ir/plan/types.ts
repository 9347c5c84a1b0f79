/** ir/plan: the place of every buffer and the order of dispatches. Offsets and sizes are bytes at the largest batch; for data,
 *  those of a batch of rows, for that many lie on the device at the least. */
import type { SlotRole } from "../graph/types.js"
import type { Expr, Kernel, Loop } from "../kernels/types.js"
import type { Dim, DType, TensorType } from "../tensor.js"

export interface Arena {
  readonly name: string
  readonly bytes: number
}
export interface Placement {
  readonly arena: string
  readonly offset: number
  readonly bytes: number
  /** In a plan for several runs at once: the bytes from the copy of one run to that of the next. */
  readonly stride?: number
}
/** A slot in the `state` arena: one offset for all programs. */
export interface PlacedSlot extends Placement {
  readonly name: string
  readonly type: TensorType
  readonly role: SlotRole
}
/** A buffer of one program. `first`..`last` are indices of the dispatches between which its content matters. */
export interface PlacedBuffer extends Placement {
  readonly id: number
  readonly name: string
  readonly dtype: DType
  readonly elements: Dim
  readonly role: "slot" | "data" | "feed" | "temp" | "output"
  readonly first: number
  readonly last: number
}
/** One kernel call: a range per kernel parameter. The access of a binding is that of its arena in this dispatch: WebGPU tracks
 *  usage per buffer, so when a kernel writes into an arena, all its bindings to that arena are `read_write`. */
export interface PlannedDispatch {
  readonly kernel: string
  readonly bindings: readonly (Placement & { readonly buffers: readonly number[] })[]
  readonly grid: readonly [Expr, Expr, Expr]
}
export interface PlannedProgram {
  readonly name: string
  /** The largest B. */
  readonly maxBatch: number
  /** Bytes of its work arenas, and the most bytes alive at any one dispatch, whole steps of the alignment each: no plan can undercut it. */
  readonly workBytes: number
  readonly liveBytes: number
  readonly buffers: readonly PlacedBuffer[]
  readonly dispatches: readonly PlannedDispatch[]
  /** Absent when there is none. */
  readonly loops?: readonly Loop[]
  /** `at`: the element of the buffer, of an output that shares it with others. */
  readonly outputs: readonly {
    readonly name: string
    readonly buffer: number
    readonly at?: number
    readonly type: TensorType
  }[]
  readonly inputs: readonly {
    readonly name: string
    readonly buffer: number
    readonly type: TensorType
    readonly data: string | null
  }[]
}
export interface Plan {
  readonly arenas: readonly Arena[]
  readonly slots: readonly PlacedSlot[]
  /** With the access modes that the placement asks for. Names are unique over all programs. */
  readonly kernels: readonly Kernel[]
  readonly programs: readonly PlannedProgram[]
}
