/** grammar: tokens -> tokens the rules can read.
 *  Assumes:    tokens in source order, comments already apart.
 *  Guarantees: a `-`, `(` or `[` that opens a line is marked so, because it starts a statement there instead of
 *              continuing the line above (a `-` inside `( )` or `[ ]` does continue); brackets match, a missing one
 *              being put in (with an empty image) and a superfluous one taken out, each with a diagnostic; nesting
 *              is at most MAX_NESTING deep, so that no later stage can run out of stack.
 *  Not here:   which construct a bracket belongs to (parser.ts). */
import { createTokenInstance, type IToken, type TokenType } from "chevrotain"
import type { Diagnostics } from "../compiler/source/diagnostic.js"
import type { SourceFile, Span } from "../compiler/source/source.js"
import * as t from "./tokens.js"

export const MAX_NESTING = 100

/** Marks line starts and repairs brackets; undefined when the text is nested too deeply to be read at all. */
export function layOut(file: SourceFile, tokens: readonly IToken[], out: Diagnostics): IToken[] | undefined {
  const result: IToken[] = []
  const open: IToken[] = []
  for (const token of tokens) {
    const opensLine = result.length > 0 && (result.at(-1)!.endLine ?? 0) < (token.startLine ?? 0)
    if (declarationWords.has(token.tokenType) && opensLine && token.startColumn === 1 && open.length > 0) {
      reportUnclosed(file, open, token, out)
      closeAll(result, open)
    }
    if (opensLine) markLineStart(token, open.at(-1))
    const closer = closers.get(token.tokenType)
    if (closer !== undefined) {
      open.push(token)
      if (open.length > MAX_NESTING) {
        reportNesting(file, token, out)
        return undefined
      }
    } else if (openers.has(token.tokenType) && !closes(file, token, result, open, out)) continue
    result.push(token)
  }
  if (open.length > 0) reportUnclosed(file, open, undefined, out)
  closeAll(result, open)
  return result
}

/** The text range of a token. */
export const tokenSpan = (file: SourceFile, token: IToken): Span => ({
  file,
  start: token.startOffset,
  end: (token.endOffset ?? token.startOffset - 1) + 1,
})

const closers = new Map<TokenType, TokenType>([
  [t.LParen, t.RParen],
  [t.LineLParen, t.RParen],
  [t.LBracket, t.RBracket],
  [t.LineLBracket, t.RBracket],
  [t.LBrace, t.RBrace],
])
const openers = new Set(closers.values())
const images = new Map<TokenType, string>([
  [t.RParen, ")"],
  [t.RBracket, "]"],
  [t.RBrace, "}"],
])
/** At the left margin these cannot be inside anything. */
const declarationWords = new Set([t.Fn, t.Layer, t.Model, t.Optimizer, t.Data, t.Train, t.Import])

function markLineStart(token: IToken, inside: IToken | undefined): void {
  if (token.tokenType === t.LParen) retag(token, t.LineLParen)
  else if (token.tokenType === t.LBracket) retag(token, t.LineLBracket)
  else if (token.tokenType === t.Minus && (inside === undefined || inside.tokenType === t.LBrace))
    retag(token, t.LineMinus)
}

function retag(token: IToken, type: TokenType): void {
  token.tokenType = type
  token.tokenTypeIdx = type.tokenTypeIdx!
}

/** Matches a closing bracket, putting in the closers it skips. False: it closes nothing and is to be left out. */
function closes(
  file: SourceFile,
  token: IToken,
  result: IToken[],
  open: IToken[],
  out: Diagnostics,
): boolean {
  const match = open.findLastIndex((opener) => closers.get(opener.tokenType) === token.tokenType)
  // A brace is stronger than the brackets inside it: `)` never closes past a `{`.
  const barrier = open.findLastIndex((opener) => opener.tokenType === t.LBrace)
  if (match < 0 || (token.tokenType !== t.RBrace && match < barrier)) {
    out.add({
      code: "syntax-bracket",
      severity: "error",
      message: `this \`${token.image}\` closes nothing`,
      primary: { span: tokenSpan(file, token), text: "no bracket of this kind is open here" },
      ...(open.length > 0 && {
        related: [{ span: tokenSpan(file, open.at(-1)!), text: "the innermost open bracket" }],
      }),
      help: `remove it, or open it with \`${openerImage(token.tokenType)}\``,
    })
    return false
  }
  if (match < open.length - 1) {
    reportUnclosed(file, open.slice(match + 1), token, out)
    while (open.length - 1 > match) close(result, open)
  }
  open.pop()
  return true
}

const openerImage = (closer: TokenType): string =>
  ({ ")": "(", "]": "[", "}": "{" })[images.get(closer) ?? "}"] ?? "{"

function close(result: IToken[], open: IToken[]): void {
  const type = closers.get(open.pop()!.tokenType)!
  const last = result.at(-1)!
  const at = (last.endOffset ?? last.startOffset) + 1
  const line = last.endLine ?? 1
  result.push(createTokenInstance(type, "", at, at - 1, line, line, last.endColumn ?? 1, last.endColumn ?? 1))
}

function closeAll(result: IToken[], open: IToken[]): void {
  while (open.length > 0) close(result, open)
}

function reportUnclosed(
  file: SourceFile,
  open: readonly IToken[],
  found: IToken | undefined,
  out: Diagnostics,
): void {
  const opener = open.at(-1)!
  const closer = images.get(closers.get(opener.tokenType)!)!
  const at = file.text.trimEnd().length
  out.add({
    code: "syntax-bracket",
    severity: "error",
    message: `this \`${opener.image}\` is never closed`,
    primary: { span: tokenSpan(file, opener), text: "opened here" },
    related: [
      found
        ? { span: tokenSpan(file, found), text: `a \`${closer}\` is missing before this \`${found.image}\`` }
        : { span: { file, start: at, end: at }, text: `the file ends without \`${closer}\`` },
    ],
    help: `add the missing \`${closer}\``,
  })
}

function reportNesting(file: SourceFile, token: IToken, out: Diagnostics): void {
  out.add({
    code: "syntax-nesting",
    severity: "error",
    message: `brackets are nested more than ${MAX_NESTING} deep`,
    primary: { span: tokenSpan(file, token), text: `this is level ${MAX_NESTING + 1}` },
    help: "give the inner parts names with `let`, or move them into a `fn` or a `layer`",
  })
}
