/** editor: where a name is declared and used, and the edits that rename it. */
import { isKeyword, lexer, settingWords } from "../../grammar/tokens.js"
import type { Span } from "../source/source.js"
import { type Analysis, isSameSymbol, symbolAt } from "./analysis.js"

/** The definition of a name, in any file; for an import, the file; undefined for names that are built in. */
export function definitionAt(analysis: Analysis, offset: number): Span | undefined {
  const symbol = symbolAt(analysis, offset)?.symbol
  if (symbol) return symbol.span
  const path = analysis.module.imports.find(({ span }) => span.start <= offset && offset <= span.end)?.path
  const file = path === undefined ? undefined : analysis.imported(path)
  return file && { file, start: 0, end: 0 }
}

/** The references in this file, in order; the declaration too. */
export function referencesAt(analysis: Analysis, offset: number): readonly Span[] {
  const found = symbolAt(analysis, offset)
  if (found === undefined) return []
  const { symbol } = found
  const spans = analysis.names.uses.filter((use) => isSameSymbol(use.symbol, symbol)).map(({ span }) => span)
  if (symbol.span.file === analysis.file) spans.push(symbol.span)
  const places = new Map(spans.map((span) => [span.start, span]))
  return [...places.values()].sort((a, b) => a.start - b.start)
}

export type Rename =
  | { readonly kind: "edits"; readonly spans: readonly Span[] }
  | { readonly kind: "refused"; readonly why: string }

/** All places to write the new name into. */
export function renameAt(analysis: Analysis, offset: number, to: string): Rename {
  const found = symbolAt(analysis, offset)
  if (found === undefined) return { kind: "refused", why: "no name stands here" }
  const { symbol } = found
  if (symbol.span.file !== analysis.file)
    return { kind: "refused", why: `\`${symbol.name}\` is declared in ${symbol.span.file.path}` }
  if (!/^[A-Za-z_]\w*$/.test(to)) return { kind: "refused", why: `\`${to}\` is no name` }
  if (lexer.tokenize(to).tokens.some(({ tokenType }) => isKeyword(tokenType)))
    return { kind: "refused", why: `\`${to}\` is a word of the language` }
  if (settingWords.includes(to)) return { kind: "refused", why: `\`${to}\` begins a setting` }
  const spans = referencesAt(analysis, offset)
  const hidden = spans.some(({ start }) => analysis.names.at(start).has(to))
  return hidden
    ? { kind: "refused", why: `\`${to}\` already stands for something here` }
    : { kind: "edits", spans }
}
