/** parse: .nn text -> Ast.
 *  Assumes:    nothing about the text: it may be empty, wrong, binary or endless.
 *  Guarantees: never throws for what is in the text; returns what could be read, and a diagnostic for everything that
 *              could not: at most one per line, in source order.
 *  Not here:   reading files; the meaning of what was read (check/). */
import type { IToken } from "chevrotain"
import type { ModuleCstNode } from "../../grammar/cst.js"
import { translateHabits } from "../../grammar/habits.js"
import { layOut } from "../../grammar/layout.js"
import { tokenize } from "../../grammar/lexical.js"
import { parserDiagnostic } from "../../grammar/messages.js"
import { parser } from "../../grammar/parser.js"
import { bug } from "../source/bug.js"
import { Diagnostics, type Diagnostic } from "../source/diagnostic.js"
import { positionAt, type SourceFile } from "../source/source.js"
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
  const laidOut = layOut(file, translateHabits(file, tokens, found), found) ?? []
  parser.input = laidOut
  const cst = parser.module()
  for (const error of parser.errors) {
    const diagnostic = parserDiagnostic(file, laidOut, error)
    if (diagnostic !== undefined) found.add(diagnostic)
  }
  if (!isModule(cst)) bug("the rule `module` gave something else")
  const module = moduleFromCst({ file, diagnostics: found }, cst, comments)
  for (const diagnostic of firstOnEachLine(found.all)) diagnostics.add(diagnostic)
  return { module, comments }
}

const isModule = (node: { readonly name: string }): node is ModuleCstNode => node.name === "module"

/** What follows a mistake on its line is mostly a consequence of it. Sorting is stable: brackets come before the rest. */
function firstOnEachLine(all: readonly Diagnostic[]): readonly Diagnostic[] {
  const lines = new Set<number>()
  const kept = all.filter((diagnostic) => {
    if (diagnostic.primary === undefined) return true
    const { line } = positionAt(diagnostic.primary.span.file, diagnostic.primary.span.start)
    const isFirst = !lines.has(line)
    lines.add(line)
    return isFirst
  })
  return kept.sort((a, b) => (a.primary?.span.start ?? 0) - (b.primary?.span.start ?? 0))
}
