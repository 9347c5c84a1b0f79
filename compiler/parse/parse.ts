/** parse: .nn text -> Ast.
 *  Assumes:    nothing about the text: it may be empty, wrong, binary or endless.
 *  Guarantees: never throws, whatever the text; returns the declarations that could be read, and a diagnostic for everything that
 *              could not, in source order: on a line only the first, and words of other languages that were read as meant.
 *  Not here:   reading files; the meaning of what was read (check/). */
import type { IToken } from "chevrotain"
import type { ModuleCstNode } from "../../grammar/cst.js"
import { translateHabits } from "../../grammar/habits.js"
import { layOut, tokenSpan } from "../../grammar/layout.js"
import { translatePython } from "../../grammar/python.js"
import { rearrangeStatements } from "../../grammar/statement-habits.js"
import { tokenize } from "../../grammar/lexical.js"
import { endsTooEarly, parserDiagnostic } from "../../grammar/messages.js"
import { parser } from "../../grammar/parser.js"
import { bug } from "../source/bug.js"
import { Diagnostics, type Diagnostic } from "../source/diagnostic.js"
import { linesOf, positionAt, type SourceFile, type Span } from "../source/source.js"
import type { Module } from "../ir/ast/types.js"
import { moduleFromCst } from "./from-cst.js"

export function parse(file: SourceFile, diagnostics: Diagnostics): Module {
  return parseWithComments(file, diagnostics).module
}

/** For the formatter, which keeps every comment. */
export function parseWithComments(
  file: SourceFile,
  diagnostics: Diagnostics,
): { readonly module: Module; readonly comments: readonly IToken[] } {
  const found = new Diagnostics()
  const { tokens, comments } = tokenize(file, found)
  const meant = [translatePython, rearrangeStatements, translateHabits].reduce(
    (read, translate) => translate(file, read, found),
    tokens,
  )
  const laidOut = layOut(file, meant, found) ?? []
  parser.input = laidOut
  const cst = parser.module()
  const unread: Span[] = []
  const lines = new Set<number | undefined>()
  const bracketed = found.all.filter(({ code }) => code === "syntax-bracket").map(extentOf)
  for (const error of parser.errors) {
    const diagnostic = parserDiagnostic(file, laidOut, error)
    const at = diagnostic?.primary?.span.start ?? 0
    // Recovery may have stopped at the end of a line with a mistake, of which this one is a consequence.
    const { token } = error
    const previous = laidOut[laidOut.indexOf(token) - 1]
    const follows =
      bracketed.some(({ start, end }) => start <= at && at < end) ||
      (previous !== undefined && lines.has(previous.endLine))
    if (previous?.endLine === token.startLine) lines.add(token.startLine)
    if (diagnostic !== undefined && !follows) found.add(diagnostic)
    const stopped = previous !== undefined && endsTooEarly(error, previous) ? previous : token
    for (const skipped of [stopped, ...error.resyncedTokens])
      if (!Number.isNaN(skipped.startOffset)) unread.push(tokenSpan(file, skipped))
  }
  if (!isModule(cst)) bug("the rule `module` gave something else")
  const mistaken = (): Span[] =>
    found.all.flatMap(({ severity, code, primary }) =>
      severity === "error" && primary && !REPAIRED.has(code) ? [primary.span] : [],
    )
  const brokenLines = new Set([...unread, ...mistaken()].flatMap(eachLine))
  const module = moduleFromCst({ file, diagnostics: found, unread, brokenLines }, cst, comments)
  unread.push(...mistaken())
  for (const diagnostic of firstOnEachLine(found.all)) diagnostics.add(diagnostic)
  return { module, comments }
}

const eachLine = (span: Span): number[] => {
  const [first, last] = linesOf(span)
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

/** From a bracket to where its partner may be missing: not above its line, where brackets match. */
function extentOf({ primary, related = [] }: Diagnostic): { readonly start: number; readonly end: number } {
  const spans = [primary, ...related].flatMap((label) => (label ? [label.span] : []))
  const line = primary ? primary.span.file.text.lastIndexOf("\n", primary.span.start) + 1 : 0
  return {
    start: Math.max(line, Math.min(...spans.map(({ start }) => start))),
    end: Math.max(...spans.map(({ end }) => end)),
  }
}

/** Mistakes after which the text was read as it was meant. */
const REPAIRED = new Set(["syntax-habit", "syntax-word"])

const isModule = (node: { readonly name: string }): node is ModuleCstNode => node.name === "module"

/** Further mistakes on a line are mostly consequences of its first. Sorting is stable: brackets come before the rest. */
function firstOnEachLine(all: readonly Diagnostic[]): readonly Diagnostic[] {
  const lines = new Set<number>()
  const kept = all.filter((diagnostic) => {
    if (diagnostic.primary === undefined) return true
    const { line } = positionAt(diagnostic.primary.span.file, diagnostic.primary.span.start)
    const isFirst = !lines.has(line)
    lines.add(line)
    return isFirst || REPAIRED.has(diagnostic.code)
  })
  return kept.sort((a, b) => (a.primary?.span.start ?? 0) - (b.primary?.span.start ?? 0))
}
