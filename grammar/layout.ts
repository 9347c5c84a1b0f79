/** grammar: tokens -> tokens the rules can read.
 *  Assumes:    tokens in source order, comments already apart.
 *  Guarantees: a `-`, `(` or `[` that opens a line is marked so, because it starts a statement there instead of
 *              continuing the line above (a `-` inside `( )` or `[ ]` does continue); brackets match, a missing one
 *              being put in (with an empty image) and a superfluous one taken out, each with a diagnostic; nesting
 *              is at most MAX_NESTING deep, so that no later stage can run out of stack.
 *  Not here:   which construct a bracket belongs to (parser.ts). */
import { createTokenInstance, type IToken, type TokenType } from "chevrotain"
import { Diagnostics } from "../compiler/source/diagnostic.js"
import type { SourceFile, Span } from "../compiler/source/source.js"
import { gluedBracket } from "./glued.js"
import * as t from "./tokens.js"

export const MAX_NESTING = 100

/** Marks line starts and repairs brackets; undefined when the text is nested too deeply to be read at all. */
export function layOut(file: SourceFile, tokens: readonly IToken[], out: Diagnostics): IToken[] | undefined {
  const plain = new Diagnostics()
  let laidOut = new Layout(file, plain, false).run(tokens)
  let said = plain
  if (plain.hasErrors && laidOut !== undefined) {
    // How the lines are indented tells where a brace is missing, in most programs: it is asked when braces alone do not match.
    const indented = new Diagnostics()
    const second = new Layout(file, indented, true).run(tokens)
    if (second !== undefined && indented.all.length <= plain.all.length) [laidOut, said] = [second, indented]
  }
  for (const diagnostic of said.all) out.add(diagnostic)
  return laidOut
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
/** Words that are inside nothing where they stand at the left margin. */
export const declarationWords = new Set([t.Fn, t.Layer, t.Model, t.Optimizer, t.Data, t.Train, t.Import])

/** One walk over the tokens. */
class Layout {
  private readonly result: IToken[] = []
  private readonly open: { readonly token: IToken; readonly at: number }[] = []
  private all: readonly IToken[] = []
  /** The column of the first token of each line. */
  private readonly columns = new Map<number, number>()

  constructor(
    private readonly file: SourceFile,
    private readonly out: Diagnostics,
    /** Whether indentation says where a bracket is missing. */
    private readonly byIndentation: boolean,
  ) {}

  run(tokens: readonly IToken[]): IToken[] | undefined {
    this.all = tokens
    for (const given of tokens) {
      const previous = this.result.at(-1)
      const opensLine = previous === undefined || (previous.endLine ?? 0) < (given.startLine ?? 0)
      if (opensLine) this.columns.set(given.startLine ?? 0, given.startColumn ?? 1)
      if (opensLine && this.open.length > 0) this.closeAbove(given)
      this.closeHead(given)
      const token = marked(given, opensLine && previous !== undefined, this.open.at(-1)?.token)
      if (closers.has(token.tokenType)) {
        this.open.push({ token, at: this.result.length })
        if (this.open.length > MAX_NESTING) {
          reportNesting(this.file, token, this.out)
          return undefined
        }
      } else if (openers.has(token.tokenType) && !this.closes(token, opensLine)) continue
      this.result.push(token)
    }
    this.closeDownTo(0, undefined)
    return this.result
  }

  /** Reports the brackets that the first token of a line shows to have been left open above. */
  private closeAbove(token: IToken): void {
    const column = token.startColumn ?? 1
    if (declarationWords.has(token.tokenType) && column === 1) return this.closeDownTo(0, token)
    if (!this.byIndentation || openers.has(token.tokenType)) return
    // The inside of a bracket is indented more than the line that opens it.
    const left = this.open.findIndex(({ token: opener }) => this.indentOf(opener) >= column)
    if (left >= 0) this.closeDownTo(left, token)
  }

  /** `->` and `{` come after the lists of a declaration. */
  private closeHead({ tokenType }: IToken, found = this.open.at(-1)): void {
    if (found === undefined || (tokenType !== t.Arrow && tokenType !== t.LBrace)) return
    if (this.open.some(({ token }) => token.tokenType === t.LBrace)) return
    const since = this.result.slice(this.open[0]!.at)
    if (tokenType === t.LBrace && since.some((token) => BEFORE_BLOCK.has(token.tokenType))) return
    this.closeDownTo(0, undefined)
  }

  /** Matches a closing bracket, putting in the closers it skips. False: it closes nothing and is to be left out. */
  private closes(token: IToken, opensLine: boolean): boolean {
    const matches = ({ token: opener }: { readonly token: IToken }): boolean =>
      closers.get(opener.tokenType) === token.tokenType
    let match = this.open.findLastIndex(matches)
    if (this.byIndentation && opensLine && token.tokenType === t.RBrace) {
      match = this.open.findLastIndex((o) => matches(o) && this.indentOf(o.token) === token.startColumn)
      if (match < 0) return this.opensAbove(token)
    }
    // A brace is stronger than the brackets inside it: `)` never closes past a `{`.
    const barrier = this.open.findLastIndex(({ token: opener }) => opener.tokenType === t.LBrace)
    if (match < 0 || (token.tokenType !== t.RBrace && match < barrier)) return this.opensBefore(token)
    this.closeDownTo(match + 1, token)
    this.open.pop()
    return true
  }

  /** Puts in the `{` of a `}` that has none: at the end of the last line above with the same indentation. */
  private opensAbove(token: IToken): boolean {
    const column = token.startColumn ?? 1
    let next = this.result.length
    for (let at = next - 1; at > (this.open.at(-1)?.at ?? -1); at--) {
      const { startLine = 0, startColumn = 1 } = this.result[at]!
      if (this.columns.get(startLine) !== startColumn || this.result[at - 1]?.startLine === startLine)
        continue
      if (startColumn < column) break
      if (startColumn === column) {
        if (next === this.result.length || this.result[next - 1]!.tokenType === t.RBrace) break
        this.reportMissing(this.result[next - 1]!, token, "{")
        this.result.splice(next, 0, putIn(t.LBrace, this.result[next - 1]!))
        return true
      }
      next = at
    }
    this.reportUnopened(token)
    return false
  }

  /** Puts in the `(` or `[` of a closer that has none, between a name and a value that stand side by side on its line. */
  private opensBefore(token: IToken): boolean {
    const type = partners.get(token.tokenType)
    const line = this.result.findLastIndex(({ endLine }) => endLine !== token.startLine) + 1
    const glued = type && gluedBracket(this.all, this.result.slice(line), token)
    if (type && glued) {
      const at = this.result.indexOf(glued.word)
      this.reportMissing(glued.word, token, openerImage(token.tokenType), "in")
      this.result.splice(at, 1, glued.before, putIn(type, glued.before), glued.after)
      for (const [i, open] of this.open.entries())
        if (open.at > at) this.open[i] = { ...open, at: open.at + 2 }
      return true
    }
    // `with Adamlr: 0.1)`: where the word is to be cut cannot be told.
    const named = this.result.findIndex(
      ({ image }, i) => i > line && image === ":" && /^(with|=|\|>)$/.test(this.result[i - 2]?.image ?? ""),
    )
    if (type && named > 0) {
      this.reportMissing(this.result[named - 1]!, token, openerImage(token.tokenType), "in")
      return false
    }
    for (let at = this.result.length - 1; type && at > (this.open.at(-1)?.at ?? -1) + 1; at--) {
      const [name, value] = [this.result[at - 1]!, this.result[at]!]
      if (name.startLine !== token.startLine) break
      if (name.tokenType !== t.Identifier || !startsValue.has(value.tokenType)) continue
      this.reportMissing(name, token, openerImage(token.tokenType))
      this.result.splice(at, 0, putIn(type, name))
      return true
    }
    this.reportUnopened(token, line)
    return false
  }

  /** Closes all brackets but the outer `count`, and says so of the innermost. */
  private closeDownTo(count: number, found: IToken | undefined): void {
    if (this.open.length <= count) return
    this.reportUnclosed(this.open.at(-1)!.token, found)
    while (this.open.length > count)
      this.result.push(putIn(closers.get(this.open.pop()!.token.tokenType)!, this.result.at(-1)!))
  }

  private indentOf({ startLine = 0 }: IToken): number {
    return this.columns.get(startLine) ?? 1
  }

  /** `line`: where the line of the token begins. */
  private reportUnopened(token: IToken, line = this.result.length): void {
    const inside = this.open.at(-1)?.token
    const from = Math.max(line, (this.open.at(-1)?.at ?? -1) + 1)
    const last = this.result.at(-1)
    // The second of two in a row is one too many; else the other one is missing, somewhere before.
    if (partners.has(token.tokenType) && from < this.result.length && last?.tokenType !== token.tokenType) {
      const opener = openerImage(token.tokenType)
      this.out.add({
        code: "syntax-bracket",
        severity: "error",
        message: `this \`${token.image}\` closes nothing`,
        primary: {
          span: { ...tokenSpan(this.file, this.result[from]!), end: tokenSpan(this.file, token).end },
          text: `no \`${opener}\` is open in here`,
        },
        help: `add the missing \`${opener}\`, or remove the \`${token.image}\` at the end`,
      })
      return
    }
    this.out.add({
      code: "syntax-bracket",
      severity: "error",
      message: `this \`${token.image}\` closes nothing`,
      primary: { span: tokenSpan(this.file, token), text: "no bracket of this kind is open here" },
      ...(inside && {
        related: [{ span: tokenSpan(this.file, inside), text: "the innermost open bracket" }],
      }),
      help: `remove it, or open it with \`${openerImage(token.tokenType)}\``,
    })
  }

  private reportMissing(last: IToken, closer: IToken, opener: string, place: "after" | "in" = "after"): void {
    this.out.add({
      code: "syntax-bracket",
      severity: "error",
      message: `a \`${opener}\` is missing before a \`${closer.image}\``,
      primary: { span: tokenSpan(this.file, last), text: `\`${opener}\` belongs ${place} this` },
      related: [{ span: tokenSpan(this.file, closer), text: "closes nothing without it" }],
      help: `add the missing \`${opener}\``,
    })
  }

  /** For `(` and `[`, marks all that they may enclose, where that is on one line. */
  private reportUnclosed(opener: IToken, found: IToken | undefined): void {
    const closer = images.get(closers.get(opener.tokenType)!)!
    const { start, end } = tokenSpan(this.file, opener)
    const opened = { span: { file: this.file, start, end }, text: "opened here" }
    const last = this.result.at(-1)!
    const missing =
      found && closer !== "}"
        ? {
            span: tokenSpan(this.file, found),
            text: `a \`${closer}\` is missing before this \`${found.image}\``,
          }
        : {
            span: tokenSpan(this.file, last),
            text: found ? `\`${closer}\` belongs after this` : `the file ends without \`${closer}\``,
          }
    // Braces enclose much: the mistake is where they should end. Both ends of `(` and `[` are in sight.
    const twice =
      this.file.text.slice(start, end + 1) === "{{" || this.file.text.slice(start - 1, end) === "{{"
    const lineEnd = this.result.findLast(({ endLine }) => endLine === opener.startLine)
    if (closer !== "}" && lineEnd) opened.span.end = tokenSpan(this.file, lineEnd).end
    const [primary, related] = closer === "}" && !twice ? [missing, opened] : [opened, missing]
    this.out.add({
      code: "syntax-bracket",
      severity: "error",
      message:
        closer === "}" && !twice
          ? `a \`}\` is missing: the \`{\` of line ${opener.startLine} is never closed`
          : `this \`${opener.image}\` is never closed`,
      primary,
      related: [related],
      help: twice ? "one `{` is enough" : `add the missing \`${closer}\``,
    })
  }
}

/** A value may have a block after these. */
const BEFORE_BLOCK = new Set([t.If, t.Else, t.Scan, t.For])

const partners = new Map<TokenType, TokenType>([
  [t.RParen, t.LParen],
  [t.RBracket, t.LBracket],
])
/** Tokens that start a value; contextual words may begin the next statement instead. */
const startsValue = new Set([t.Identifier, t.NumberLiteral, t.StringLiteral])

const openerImage = (closer: TokenType): string =>
  ({ ")": "(", "]": "[", "}": "{" })[images.get(closer) ?? "}"] ?? "{"

/** A bracket without a text, after `last`. */
function putIn(type: TokenType, last: IToken): IToken {
  const at = (last.endOffset ?? last.startOffset) + 1
  const line = last.endLine ?? 1
  return createTokenInstance(type, "", at, at - 1, line, line, last.endColumn ?? 1, last.endColumn ?? 1)
}

/** The token as the rules know it at its place. */
function marked(token: IToken, opensLine: boolean, inside: IToken | undefined): IToken {
  if (inside && declarationWords.has(token.tokenType)) return retagged(token, t.InnerWord)
  if (!inside && token.tokenType === t.Let) return retagged(token, t.TopLet)
  if (!opensLine) return token
  if (token.tokenType === t.LParen) return retagged(token, t.LineLParen)
  if (token.tokenType === t.LBracket) return retagged(token, t.LineLBracket)
  if (token.tokenType === t.Minus && (inside === undefined || inside.tokenType === t.LBrace))
    return retagged(token, t.LineMinus)
  return token
}

/** The token as one of another type. */
export const retagged = (token: IToken, type: TokenType): IToken => ({
  ...token,
  tokenType: type,
  tokenTypeIdx: type.tokenTypeIdx!,
})

function reportNesting(file: SourceFile, token: IToken, out: Diagnostics): void {
  out.add({
    code: "syntax-nesting",
    severity: "error",
    message: `brackets are nested more than ${MAX_NESTING} deep`,
    primary: { span: tokenSpan(file, token), text: `this is level ${MAX_NESTING + 1}` },
    help: "give the inner parts names with `let`, or move them into a `fn` or a `layer`",
  })
}
