/** editor: the declarations of a file with what they hold, and the ranges that fold. */
import type { Declaration } from "../ir/ast/types.js"
import { positionAt, type Span } from "../source/source.js"
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
  return module.declarations.map((decl) => {
    const kind = decl.kind === "let-decl" ? ("constant" as const) : decl.kind
    const nameSpan = decl.name?.span ?? {
      ...decl.span,
      end: Math.min(decl.span.end, decl.span.start + decl.kind.length),
    }
    const children = names.symbols
      .filter(
        ({ span, decl: own }) => own === undefined && isWithin(span, decl) && span.start !== nameSpan.start,
      )
      .filter(({ kind: inner }) => inner !== "size" && inner !== "loop" && inner !== "argument")
      .map((s): OutlineItem => ({ name: s.name, kind: s.kind, span: s.span, nameSpan: s.span, children: [] }))
    return { name: decl.name?.text ?? decl.kind, kind, span: decl.span, nameSpan, children }
  })
}

const isWithin = ({ start, file }: Span, { span }: Declaration): boolean =>
  file === span.file && span.start <= start && start < span.end

export interface Fold {
  /** Lines from 1. */
  readonly from: number
  readonly to: number
}

/** Declarations and blocks of more than one line. */
export function folds({ module }: Analysis): readonly Fold[] {
  const lines = new Map<number, number>()
  for (const { span } of nodesOf(module)) {
    if (span === module.span || !span.file.text.slice(span.start, span.end).endsWith("}")) continue
    const [from, to] = [positionAt(span.file, span.start).line, positionAt(span.file, span.end).line]
    if (to > from) lines.set(from, Math.max(to, lines.get(from) ?? 0))
  }
  return [...lines].map(([from, to]) => ({ from, to })).sort((a, b) => a.from - b.from)
}
