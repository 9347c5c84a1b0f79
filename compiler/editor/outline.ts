/** editor: the declarations of a file with their members, and the ranges that fold. */
import { positionAt, type Span, spanText } from "../source/source.js"
import type { Analysis } from "./analysis.js"
import type { SymbolKind } from "./names.js"
import { nodesOf } from "./nodes.js"

export interface OutlineItem {
  readonly name: string
  readonly kind: SymbolKind
  readonly span: Span
  readonly nameSpan: Span
  readonly children: readonly OutlineItem[]
}

export function outline({ module, names }: Analysis): readonly OutlineItem[] {
  const inner = names.symbols
    .filter((s) => s.decl === undefined && !HIDDEN.has(s.kind))
    .sort((a, b) => a.span.start - b.span.start)
  let next = 0
  return module.declarations.map((decl) => {
    const kind = decl.kind === "let-decl" ? ("constant" as const) : decl.kind
    const nameSpan = decl.name?.span ?? {
      ...decl.span,
      end: Math.min(decl.span.end, decl.span.start + decl.kind.length),
    }
    const children: OutlineItem[] = []
    for (let s = inner[next]; s && s.span.start < decl.span.end; s = inner[++next])
      children.push({ name: s.name, kind: s.kind, span: s.span, nameSpan: s.span, children: [] })
    return { name: decl.name?.text ?? decl.kind, kind, span: decl.span, nameSpan, children }
  })
}

const HIDDEN = new Set<SymbolKind>(["size", "loop", "argument"])

export interface Fold {
  /** Lines from 1. */
  readonly from: number
  readonly to: number
}

/** Declarations and blocks of more than one line. */
export function folds({ module }: Analysis): readonly Fold[] {
  const lines = new Map<number, number>()
  for (const { span } of nodesOf(module)) {
    if (span === module.span || !spanText(span).endsWith("}")) continue
    const [from, to] = [positionAt(span.file, span.start).line, positionAt(span.file, span.end).line]
    if (to > from) lines.set(from, Math.max(to, lines.get(from) ?? 0))
  }
  return [...lines].map(([from, to]) => ({ from, to })).sort((a, b) => a.from - b.from)
}
