/** editor: shapes where one reads them: behind the name of every `let` and `var`, and behind every link of a pipe. */
import type { Value } from "../check/values.js"
import type { Analysis } from "./analysis.js"
import { valueText } from "./analysis.js"
import { isPipe, nodesOf } from "./nodes.js"

export interface InlayHint {
  readonly offset: number
  readonly text: string
}

export function inlayHints(analysis: Analysis): readonly InlayHint[] {
  const hints: InlayHint[] = []
  for (const { kind, span } of analysis.names.symbols) {
    const text = (kind === "let" || kind === "var") && shapeOf(analysis.valueAt(span))
    if (text) hints.push({ offset: span.end, text: `: ${text}` })
  }
  for (const node of nodesOf(analysis.module)) {
    if (!isPipe(node)) continue
    const text = shapeOf(analysis.valueAt(node.target.span))
    if (text) hints.push({ offset: node.target.span.end, text: ` ${text}` })
  }
  return hints.sort((a, b) => a.offset - b.offset)
}

/** Constants and layers are seen where they stand. */
function shapeOf(value: Value | undefined): string | undefined {
  if (value?.kind === "tensor") return valueText(value)
  return value?.kind === "tuple" && value.items.every(({ kind }) => kind === "tensor")
    ? valueText(value)
    : undefined
}
