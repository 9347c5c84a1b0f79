/** check: a record, in order, of the library calls and operators in the user's own lines. The warnings read it when a train section is
 *  complete.
 *  Not here:   the warnings (the other files of this folder). */
import type { Given } from "../args.js"
import type { Env } from "../env.js"
import type { Span } from "../../source/source.js"
import type { Value } from "../values.js"

export interface Done {
  /** The name of the fn, the layer or the operator. */
  readonly name: string
  /** Configuration and inputs by name; of an operator `left` and `right`. */
  readonly args: ReadonlyMap<string, Value>
  /** Those that are written. */
  readonly given: ReadonlyMap<string, Given>
  readonly result: Value
  readonly span: Span
}

/** `env` is where the call stands: calls within the library are not noted. */
export function noteDone({ module, section }: Env, done: Done): void {
  if (!module.library) section.done.push(done)
}
