/** editor: names by their kind, for colours that a grammar of words alone cannot tell. */
import type { Span } from "../source/source.js"
import type { Analysis } from "./analysis.js"
import type { SymbolKind } from "./names.js"

export interface SemanticToken {
  readonly span: Span
  readonly kind: SymbolKind
  readonly isDeclaration: boolean
  readonly isLibrary: boolean
}

/** The tokens in order, none overlapping another. */
export function semanticTokens({ file, names }: Analysis): readonly SemanticToken[] {
  const tokens = new Map<number, SemanticToken>()
  for (const { span, symbol } of names.uses)
    tokens.set(span.start, {
      span,
      kind: symbol.kind,
      isDeclaration: false,
      isLibrary: symbol.span.file.path.startsWith("stdlib/"),
    })
  for (const { span, kind } of names.symbols)
    if (span.file === file) tokens.set(span.start, { span, kind, isDeclaration: true, isLibrary: false })
  return [...tokens.values()]
    .filter(({ span }) => span.file === file)
    .sort((a, b) => a.span.start - b.span.start)
}
