/** grammar: tokens that take the place of others, together with the change of the text that says the same. */
import { createTokenInstance, type IToken, type TokenType } from "chevrotain"
import type { Fix } from "../compiler/source/diagnostic.js"
import type { SourceFile } from "../compiler/source/source.js"
import * as t from "./tokens.js"

export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Tokens that are written in order, and what was changed on the way. */
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

  /** Where nothing stands: right before a token. */
  before(token: IToken, by: readonly (readonly [TokenType, string])[], text: string): void {
    this.edits.push({ start: token.startOffset, end: token.startOffset, text })
    for (const [type, image] of by) this.tokens.push(spanning(type, image, token, token))
  }

  /** The text of a stretch, without tokens of its own. */
  write(start: number, end: number, text: string): void {
    this.edits.push({ start, end, text })
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
    const edits = this.edits.slice(from).sort((a, b) => a.start - b.start || a.end - b.end)
    if (edits.length === 0) return undefined
    const [start, end] = [edits[0]!.start, Math.max(...edits.map((edit) => edit.end))]
    let [replacement, at] = ["", start]
    for (const edit of edits) {
      replacement += this.file.text.slice(at, edit.start) + edit.text
      at = Math.max(at, edit.end)
    }
    return { span: { file: this.file, start, end }, replacement }
  }
}

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

/** The place of a token with this image outside of all brackets; -1 where there is none. */
export function placeOf(tokens: readonly IToken[], image: string): number {
  let depth = 0
  for (const [i, token] of tokens.entries()) {
    if (depth === 0 && token.image === image) return i
    if (/^[([{]$/.test(token.image)) depth++
    if (/^[)\]}]$/.test(token.image)) depth--
  }
  return -1
}

/** What stands between commas outside of all brackets. */
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
