/** schedule: groups under construction. */
import type { ValueId } from "../../ir/graph/types.js"
import type { GroupKind } from "../../ir/groups/types.js"
import { printShape, type Shape } from "../../ir/tensor.js"
import type { Probe } from "./probe.js"

/** A group being made. Its index in the list of drafts orders it: it needs only earlier ones. */
export interface Draft {
  readonly at: number
  readonly kind: GroupKind
  outer: Shape
  rootAxes: readonly (number | null)[] | null
  readonly inner: Shape
  readonly members: ValueId[]
  readonly full: Set<ValueId>
  /** Values read from buffers. */
  readonly loads: Set<ValueId>
  probe: Probe
  /** Nothing joins any more. */
  closed: boolean
}
/** Where a node can be computed: per point of the group, or per element of its rows; in another order of axes, if need be. */
export interface Found {
  readonly draft: Draft
  readonly full: boolean
  readonly axes?: readonly (number | null)[]
}

/** Groups over equal spaces, axes of length 1 aside. */
export const frameKey = (kind: GroupKind, outer: Shape, inner: Shape): string =>
  `${kind} ${printShape(outer.filter((d) => d !== 1))} ${printShape(inner)}`
