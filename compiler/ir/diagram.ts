/** ir: a stage as boxes and arrows, for drawing.   Not here: how it is laid out (cli/page). */
import type { Origin } from "./origin.js"

export type BoxKind = "input" | "slot" | "node" | "output" | "dispatch" | "buffer"

export interface Box {
  /** Unique within the diagram. */
  readonly id: string
  readonly kind: BoxKind
  /** Lines of text. */
  readonly label: readonly string[]
  /** Where it comes from, most important first. */
  readonly origins: readonly Origin[]
}
export interface Arrow {
  readonly from: string
  readonly to: string
}
/** Boxes that belong together. */
export interface Frame {
  readonly label: string
  readonly boxes: readonly string[]
}
export interface Diagram {
  readonly title: string
  readonly boxes: readonly Box[]
  readonly arrows: readonly Arrow[]
  /** No box is in two of them. */
  readonly frames: readonly Frame[]
}
