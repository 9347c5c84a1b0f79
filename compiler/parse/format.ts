/** parse: .nn text -> the same program as canonical text, comments kept, as `nnc fmt` does.
 *  Guarantees: the result reads back as the same Ast, and formatting it again changes nothing. */
import type { IToken } from "chevrotain"
import { tokenSpan } from "../../grammar/layout.js"
import { printModule, type Comment } from "../ir/ast/text.js"
import { Diagnostics } from "../source/diagnostic.js"
import type { SourceFile } from "../source/source.js"
import { docTokens } from "./docs.js"
import { parseWithComments } from "./parse.js"

/** Undefined when the text has syntax mistakes; they are in `diagnostics`. */
export function format(file: SourceFile, diagnostics: Diagnostics): string | undefined {
  const found = new Diagnostics()
  const { module, comments } = parseWithComments(file, found)
  for (const diagnostic of found.all) diagnostics.add(diagnostic)
  if (found.hasErrors) return undefined
  const docs = new Set(module.declarations.flatMap((d) => docTokens(file, comments, d.span.start)))
  return printModule(
    module,
    comments.filter((c) => !docs.has(c)).map((c) => toComment(file, c)),
  )
}

const toComment = (file: SourceFile, token: IToken): Comment => ({
  span: tokenSpan(file, token),
  text: token.image.trimEnd(),
})
