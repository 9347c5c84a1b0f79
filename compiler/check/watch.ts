/** check: the facts for an editor beside the diagnostics: the values of expressions and names by their place, and the Model of a
 *  program that has mistakes. */
import type { Model } from "../ir/model/types.js"
import type { Span } from "../source/source.js"
import type { Env } from "./env.js"
import type { Value } from "./values.js"

/** Told of every value as elaboration comes to it, once for each call that leads there. Of a pipe, the place of a link is that of
 *  its target, and the value is the result of the link. */
export interface Watch {
  value(span: Span, value: Value): void
  /** Told of the Model as far as it got: models with mistakes are not among `predicts`. */
  model(model: Model): void
}

/** Nobody looks into the library. */
export function noteValue({ cx, module }: Env, span: Span, value: Value): void {
  if (!module.library) cx.watch?.value(span, value)
}
