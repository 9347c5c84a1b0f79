/** ir: where a node, statement or kernel comes from. Carried through every stage, so that an error, a profile line or a
 *  kernel name leads back to a line of `.nn`. */
export interface Origin {
  /** `path:line:column` of the user's program (the outermost call when the code stands in stdlib). */
  readonly at: string
  /** The declaration or parameter path it belongs to, for instance `Classifier.linear.0`. */
  readonly in?: string
  /** The stage or pass that made it, when not written by the user: `autodiff`, `clip_norm`. */
  readonly by?: string
}
export const NOWHERE: Origin = { at: "" }

/** An operation that another system cannot say, and why. */
export interface Refusal {
  readonly origin: Origin
  readonly op: string
  readonly why: string
}
