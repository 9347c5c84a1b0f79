/** editor: the hover of the name under the pointer: its declaration, its type with the sizes at hand, its documentation. */
import type { Value } from "../check/values.js"
import { learnedIn } from "../summary/summary.js"
import type { Span } from "../source/source.js"
import { type Analysis, symbolAt, valueText } from "./analysis.js"
import { docOf, titleOf } from "./describe.js"
import type { NamedSymbol } from "./names.js"
import { isCall, isPipe, nodesOf } from "./nodes.js"

export interface Hover {
  readonly span: Span
  /** The declaration as program text. */
  readonly title: string
  /** The type of the call, or link of a pipe, that the name begins: `f32[B, 16]`. */
  readonly gives?: string
  /** Numbers that a model or a named layer learns, those inside of it too. */
  readonly parameters?: number
  readonly doc?: string
}

export function hoverAt(analysis: Analysis, offset: number): Hover | undefined {
  const found = symbolAt(analysis, offset)
  if (found === undefined) return undefined
  const { symbol, span } = found
  const value = analysis.valueAt(symbol.span) ?? analysis.valueAt(span)
  const type = value === undefined || value.kind === "error" ? undefined : valueText(value)
  const gives = givenBy(analysis, span)
  const parameters = learnedBy(analysis, symbol, value)
  const doc = docOf(symbol)
  return {
    span,
    title: titleOf(symbol, type),
    ...(gives === undefined ? {} : { gives }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(doc === undefined ? {} : { doc }),
  }
}

function learnedBy({ model }: Analysis, { name, decl }: NamedSymbol, value?: Value): number | undefined {
  const path = value?.kind === "instance" ? value.instance.path : decl?.kind === "model" ? name : undefined
  return path !== undefined ? learnedIn(model.slots).get(path) : undefined
}

/** The type of the smallest call, or link of a pipe, that begins with `head`. */
function givenBy(analysis: Analysis, head: Span): string | undefined {
  for (const node of nodesOf(analysis.module)) {
    const span = isPipe(node) ? node.target.span : isCall(node) ? node.span : undefined
    if (span?.start !== head.start) continue
    const value = analysis.valueAt(span)
    if (value?.kind === "tensor" || value?.kind === "tuple") return valueText(value)
  }
  return undefined
}
