/** grammar: tokens that take the place of others, together with the change of the text that says the same. */
import { createTokenInstance, type IToken, type TokenType } from "chevrotain"
import type { Fix } from "../compiler/source/diagnostic.js"
import { type SourceFile, type Span, spanText } from "../compiler/source/source.js"
import * as t from "./tokens.js"

export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Tokens that are written in order, and the changes on the way. */
export class Rewriting {
  readonly tokens: IToken[] = []
  readonly edits: Edit[] = []
  /** Names that are written otherwise from here on. */
  renamed: ReadonlyMap<string, string> = new Map()

  constructor(readonly file: SourceFile) {}

  keep(tokens: readonly IToken[]): void {
    for (const [i, token] of tokens.entries()) {
      const other = this.renamed.get(token.image)
      const isOwn = tokens[i + 1]?.image !== ":" && tokens[i - 1]?.image !== "."
      if (other !== undefined && isOwn) this.replace([token], [[t.Identifier, other]])
      else this.tokens.push(token)
    }
  }

  /** Tokens that stand side by side become others; `text` is how these are written, and their images by default. */
  replace(
    old: readonly IToken[],
    by: readonly (readonly [TokenType, string])[],
    text = by.map(([, image]) => image).join(""),
  ): void {
    const [first, last] = [old[0]!, old.at(-1)!]
    this.edits.push({ start: first.startOffset, end: endOf(last), text })
    for (const [type, image] of by) this.tokens.push(spanning(type, image, first, last))
  }

  /** Puts tokens right before a token, where nothing stands. */
  before(token: IToken, by: readonly (readonly [TokenType, string])[], text: string): void {
    this.edits.push({ start: token.startOffset, end: token.startOffset, text })
    for (const [type, image] of by) this.tokens.push(spanning(type, image, token, token))
  }

  /** The text of a stretch, without tokens of its own. */
  write(start: number, end: number, text: string): void {
    this.edits.push({ start, end, text })
  }

  /** `write` writes the tokens, and parentheses come around them. */
  inParentheses(tokens: readonly IToken[], write: (tokens: readonly IToken[]) => void): void {
    this.before(tokens[0]!, [[t.LParen, "("]], "(")
    write(tokens)
    this.after(tokens.at(-1)!, t.RParen, ")", ")")
  }

  /** Puts a token at the end of another. */
  after(token: IToken, type: TokenType, image: string, text: string): void {
    const at = endOf(token)
    this.edits.push({ start: at, end: at, text })
    const { endLine = 1, endColumn = 1 } = token
    this.tokens.push(createTokenInstance(type, image, at, at - 1, endLine, endLine, endColumn, endColumn))
  }

  /** All changes since the first `from` of them, as one repair. */
  fixSince(from: number): Fix | undefined {
    const edits = this.edits.slice(from)
    if (edits.length === 0) return undefined
    const start = Math.min(...edits.map((edit) => edit.start))
    const span = { file: this.file, start, end: Math.max(...edits.map((edit) => edit.end)) }
    return { span, replacement: this.textSince(from, span) }
  }

  /** The text of a stretch with all changes since the first `from` of them. */
  textSince(from: number, { start, end }: Pick<Edit, "start" | "end">): string {
    const edits = this.edits.slice(from).sort((a, b) => a.start - b.start || a.end - b.end)
    let [text, at] = ["", start]
    for (const edit of edits) {
      text += this.file.text.slice(at, edit.start) + edit.text
      at = Math.max(at, edit.end)
    }
    return text + this.file.text.slice(at, end)
  }
}

/** The text range from the first of these tokens to the last. */
export const across = (file: SourceFile, tokens: readonly IToken[]): Span => ({
  file,
  start: tokens[0]!.startOffset,
  end: endOf(tokens.at(-1)!),
})

/** Their text, with the spaces and comments between them. */
export const textOf = (file: SourceFile, tokens: readonly IToken[]): string => spanText(across(file, tokens))

export const endOf = (token: IToken): number => (token.endOffset ?? token.startOffset - 1) + 1

function spanning(type: TokenType, image: string, first: IToken, last: IToken): IToken {
  const { startLine = 1, startColumn = 1 } = first
  const { endLine = startLine, endColumn = startColumn } = last
  return createTokenInstance(
    type,
    image,
    first.startOffset,
    endOf(last) - 1,
    startLine,
    endLine,
    startColumn,
    endColumn,
  )
}

/** The tokens of a statement: a line, and those after it that brackets join to it. */
export interface Line {
  readonly tokens: readonly IToken[]
  readonly column: number
}

/** `brackets` may not match: a line that begins at the margin with the word of a declaration is one of its own. */
export function statementLines(tokens: readonly IToken[], begins: ReadonlySet<string>): Line[] {
  const lines: { tokens: IToken[]; column: number }[] = []
  let depth = 0
  let last = 0
  for (const token of tokens) {
    const { startLine = 0, startColumn: column = 1 } = token
    const declares = column === 1 && begins.has(token.image)
    if (startLine > last && (depth <= 0 || declares)) {
      lines.push({ tokens: [], column })
      depth = 0
    }
    lines.at(-1)?.tokens.push(token)
    if (token.image === "(" || token.image === "[") depth++
    if (token.image === ")" || token.image === "]") depth--
    last = token.endLine ?? startLine
  }
  return lines
}

export const isName = (token: IToken | undefined): boolean =>
  token !== undefined && (token.tokenType === t.Identifier || /^[A-Za-z_]\w*$/.test(token.image))

/** The place after the lines that follow line `at` and are indented more. */
export function blockEnd(lines: readonly Line[], at: number): number {
  let end = at + 1
  while (end < lines.length && lines[end]!.column > lines[at]!.column) end++
  return end
}

/** The place of a token with this image outside of all brackets; -1 where there is none. */
export const placeOf = (tokens: readonly IToken[], image: string): number =>
  placeWhere(tokens, (token) => token.image === image)

/** The place of the first token outside of all brackets that `is` holds for; a bracket that closes more than was opened is outside. */
export function placeWhere(tokens: readonly IToken[], is: (token: IToken) => boolean): number {
  let depth = 0
  for (const [i, token] of tokens.entries()) {
    if (depth === 0 && is(token)) return i
    if (/^[([{]$/.test(token.image)) depth++
    if (/^[)\]}]$/.test(token.image)) depth--
  }
  return -1
}

/** The parts between commas outside of all brackets. */
export function itemsOf(tokens: readonly IToken[]): IToken[][] {
  const items: IToken[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (depth === 0 && token.image === ",") {
      items.push([])
      continue
    }
    if (/^[([{]$/.test(token.image)) depth++
    if (/^[)\]}]$/.test(token.image)) depth--
    items.at(-1)!.push(token)
  }
  return items.filter((item) => item.length > 0)
}
