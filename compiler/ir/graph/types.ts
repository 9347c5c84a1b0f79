/** ir/graph: tensor SSA, pure. A step *returns* new values of its slots; only the memory plan decides what happens in place. */
import type { Origin } from "../origin.js"
import type { OpName } from "../op-name.js"
import type { DType, SymbolicDim, TensorType } from "../tensor.js"

/** Inputs, slots and nodes share one numbering within a graph. */
export type ValueId = number

export type AttrValue = number | string | boolean | null | SymbolicDim | readonly AttrValue[]
export type Attrs = Readonly<Record<string, AttrValue>>

/** Run-time scalars: they stand in the parameter block of a call, not in a buffer.
 *  `step`: updates made before (i32). `epoch` (i32). `seed` (u32). `start`: position in the epoch of the batch's first row (i32).
 *  `iteration`: in the region of a scan, the number of this iteration, from 0 (i32). */
export type ScalarName = "step" | "epoch" | "seed" | "start" | "iteration"
export const SCALAR_TYPES: Readonly<Record<ScalarName, DType>> = {
  step: "i32",
  epoch: "i32",
  seed: "u32",
  start: "i32",
  iteration: "i32",
}

export type InputSource =
  /** A field of the data set on the device, all its rows: shape [R, ...]. */
  | { readonly kind: "data"; readonly field: string }
  /** Given by the caller on every call: shape [B, ...] or without B. */
  | { readonly kind: "feed" }
  | { readonly kind: "scalar"; readonly scalar: ScalarName }

export interface Input {
  readonly id: ValueId
  readonly name: string
  readonly type: TensorType
  readonly source: InputSource
  readonly origin: Origin
}

/** param: learned. state: kept by the network beside its parameters. optimizer: belongs to a parameter. average: of a parameter,
 *  read in its place by evaluation and prediction. run: belongs to the training run. */
export const SLOT_ROLES = ["param", "state", "optimizer", "average", "run"] as const
export type SlotRole = (typeof SLOT_ROLES)[number]

/** A value that lives on between calls. */
export interface StateSlot {
  readonly id: ValueId
  /** `Classifier.linear.0.weight`; optimizer state: `Classifier.linear.0.weight/m`. Unique over the whole program. */
  readonly name: string
  readonly type: TensorType
  readonly role: SlotRole
  readonly origin: Origin
}

export interface Node {
  readonly id: ValueId
  readonly op: OpName
  readonly args: readonly ValueId[]
  readonly attrs: Attrs
  /** The verifier re-derives it with the op's `infer`. */
  readonly type: TensorType
  readonly origin: Origin
  /** Graphs of one iteration, for ops that loop over time (`scan`). */
  readonly regions?: readonly Graph[]
}
/** A row of an input's buffer: the first, that of this iteration, the one after it, or of two the one that is not this iteration's. */
export type Row = "first" | "iteration" | "next" | "other"
export interface Output {
  readonly name: string
  readonly value: ValueId
  /** Stored into a row of this input's buffer instead of a buffer of its own. Only in the parts that the scheduler cuts a graph with
   *  loops into: everywhere else graphs are pure. */
  readonly into?: { readonly input: ValueId; readonly row: Row }
}
export interface Update {
  readonly slot: ValueId
  readonly value: ValueId
}
export interface Graph {
  /** `init`, `step`, `evaluate`, `predict.Classifier`. */
  readonly name: string
  /** The pass `autocast` makes contractions read f16. */
  readonly mixed?: true
  readonly inputs: readonly Input[]
  readonly state: readonly StateSlot[]
  /** Every node comes after its arguments. */
  readonly nodes: readonly Node[]
  readonly outputs: readonly Output[]
  /** Slot <- value, all at the end of the call. */
  readonly updates: readonly Update[]
}
