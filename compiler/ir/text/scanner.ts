/** ir/text: IR text -> tokens, and the cursor that every IR parser reads them with.
 *  Assumes:    nothing about which IR it is; graph, model, kernels and plan texts all use it.
 *  Guarantees: a text that cannot be read ends in an `IrTextError` with line and column; numbers read back exactly.
 *  Not here:   grammars (each `ir/<level>/text.ts`), dims, types and origins (`notation.ts`).
 *
 *  Tokens: names with dots and slashes (`Classifier.linear.0.weight/m`), values (`%12`, `%h`), slots (`@name`, `@"any text"`),
 *  numbers without sign, strings in double quotes (JSON escapes), punctuation. A slash belongs to a name only when a letter or
 *  digit follows at once: write divisions with spaces. Spaces and line breaks only separate. `//` starts a comment; one that
 *  follows a token on its line is kept as that token's `comment`, others are dropped. */

/** IR text that cannot be read. 1-based. */
export class IrTextError extends Error {
  override readonly name = "IrTextError"
  constructor(
    readonly line: number,
    readonly column: number,
    readonly detail: string,
  ) {
    super(`${line}:${column}: ${detail}`)
  }
}

export type TokenKind = "name" | "value" | "slot" | "number" | "string" | "punct" | "end"
export interface Token {
  readonly kind: TokenKind
  /** Names, values and slots without their sigil; strings without quotes and escapes; numbers and punctuation as written. */
  readonly text: string
  readonly line: number
  readonly column: number
  /** Text after `//` on the same line, trimmed. */
  comment?: string
}

/** The place in the text of each object that was read from it. */
export type Locations = Map<object, Pick<Token, "line" | "column">>

const NAME = /[A-Za-z_][A-Za-z0-9_]*(?:[./][A-Za-z0-9_]+)*/y
const VALUE = /%[A-Za-z0-9_]+/y
const SLOT = /@[A-Za-z0-9_]+(?:[./][A-Za-z0-9_]+)*/y
const NUMBER = /0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const STRING = /"(?:[^"\\\n]|\\.)*"/y
const SPACE = /[ \t\r]+/y
const COMMENT = /\/\/[^\n]*/y
const PUNCT = /<-|->|<=|>=|==|!=|&&|\|\||\|>|<<|>>|\.\.|\+=|[(){}[\]<>,:;=+\-*/%!&|^?.~]/y

/** All tokens of `text`, ending with one of kind `end`. */
export function scan(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  let line = 1
  let lineStart = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  const push = (kind: TokenKind, raw: string, value: string): void => {
    tokens.push({ kind, text: value, line, column: at - lineStart + 1 })
    at += raw.length
  }
  while (at < text.length) {
    if (text[at] === "\n") {
      at++
      line++
      lineStart = at
      continue
    }
    const space = match(SPACE)
    if (space !== undefined) {
      at += space.length
      continue
    }
    const comment = match(COMMENT)
    if (comment !== undefined) {
      const last = tokens.at(-1)
      if (last?.line === line) last.comment = comment.slice(2).trim()
      at += comment.length
      continue
    }
    let raw: string | undefined
    if ((raw = match(NAME)) !== undefined) push("name", raw, raw)
    else if ((raw = match(NUMBER)) !== undefined) push("number", raw, raw)
    else if ((raw = match(VALUE)) !== undefined) push("value", raw, raw.slice(1))
    else if ((raw = match(SLOT)) !== undefined) push("slot", raw, raw.slice(1))
    else if ((raw = match(STRING)) !== undefined) push("string", raw, unquote(raw, line, at - lineStart + 1))
    else if (text.startsWith('@"', at)) {
      at++
      raw = match(STRING)
      if (raw === undefined)
        throw new IrTextError(line, at - lineStart, "this quoted name does not end on its line")
      push("slot", raw, unquote(raw, line, at - lineStart + 1))
    } else if ((raw = match(PUNCT)) !== undefined) push("punct", raw, raw)
    else throw new IrTextError(line, at - lineStart + 1, `unexpected character ${JSON.stringify(text[at])}`)
  }
  tokens.push({ kind: "end", text: "", line, column: at - lineStart + 1 })
  return tokens
}

function unquote(raw: string, line: number, column: number): string {
  try {
    return JSON.parse(raw) as string
  } catch {
    throw new IrTextError(line, column, `${raw} is not a valid string`)
  }
}

/** Reads tokens one after another. Every reader either consumes the token that it is named after or throws an `IrTextError` at the next token. */
export class Cursor {
  private readonly tokens: readonly Token[]
  private index = 0
  constructor(
    text: string,
    private readonly locations: Locations = new Map(),
  ) {
    this.tokens = scan(text)
  }

  /** The result of `read`; the place of the next token is noted as its own. */
  located<T extends object>(read: () => T): T {
    const at = this.peek()
    const thing = read()
    this.locations.set(thing, at)
    return thing
  }

  /** `now` stands where `before`, of which it is made, was read. */
  same<T extends object>(before: object, now: T): T {
    const at = this.locations.get(before)
    if (at !== undefined) this.locations.set(now, at)
    return now
  }

  /** The next token (or the one `ahead` places after it), not consumed. */
  peek(ahead = 0): Token {
    return this.tokens[Math.min(this.index + ahead, this.tokens.length - 1)]!
  }
  /** The token consumed last. */
  get last(): Token {
    return this.tokens[Math.max(this.index - 1, 0)]!
  }
  next(): Token {
    const token = this.peek()
    if (token.kind !== "end") this.index++
    return token
  }
  /** The comment that follows the token consumed last, on its line. */
  comment(): string | undefined {
    return this.index === 0 ? undefined : this.last.comment
  }

  /** Whether the next token is this word or punctuation (not a string, value or slot of that text). */
  is(text: string): boolean {
    const t = this.peek()
    return (t.kind === "name" || t.kind === "punct") && t.text === text
  }
  isKind(kind: TokenKind): boolean {
    return this.peek().kind === kind
  }
  /** Consumes the word or punctuation if it is next. */
  accept(text: string): boolean {
    if (!this.is(text)) return false
    this.index++
    return true
  }
  expect(text: string): Token {
    if (!this.is(text)) this.fail(`expected \`${text}\`, found ${describe(this.peek())}`)
    return this.next()
  }
  private kind(kind: TokenKind, what: string): string {
    if (this.peek().kind !== kind) this.fail(`expected ${what}, found ${describe(this.peek())}`)
    return this.next().text
  }
  name(what = "a name"): string {
    return this.kind("name", what)
  }
  /** `%12` -> "12" */
  value(): string {
    return this.kind("value", "a value such as `%3`")
  }
  /** `@w` -> "w" */
  slot(): string {
    return this.kind("slot", "a slot such as `@weight`")
  }
  string(): string {
    return this.kind("string", "a string in double quotes")
  }
  /** Whether `number()` would succeed. */
  isNumber(): boolean {
    const t = this.peek(this.is("-") ? 1 : 0)
    return t.kind === "number" || (t.kind === "name" && (t.text === "inf" || t.text === "nan"))
  }
  /** With its sign; also `inf`, `-inf`, `nan`. */
  number(): number {
    if (!this.isNumber()) this.fail(`expected a number, found ${describe(this.peek())}`)
    const sign = this.accept("-") ? -1 : 1
    const { text } = this.next()
    return sign * (text === "inf" ? Infinity : text === "nan" ? NaN : Number(text))
  }
  integer(): number {
    const token = this.peek()
    const value = this.number()
    if (!Number.isInteger(value)) this.fail(`expected an integer, found ${value}`, token)
    return value
  }
  /** Zero or more items between `open` and `close`, separated by commas. */
  list<T>(open: string, close: string, item: () => T): T[] {
    this.expect(open)
    const items: T[] = []
    while (!this.is(close)) {
      items.push(item())
      if (!this.accept(",")) break
    }
    this.expect(close)
    return items
  }
  end(): void {
    if (this.peek().kind !== "end") this.fail(`expected the end of the text, found ${describe(this.peek())}`)
  }
  fail(detail: string, at: Token = this.peek()): never {
    throw new IrTextError(at.line, at.column, detail)
  }
}

const describe = (t: Token): string =>
  t.kind === "end"
    ? "the end of the text"
    : t.kind === "string"
      ? JSON.stringify(t.text)
      : `\`${t.kind === "value" ? "%" : t.kind === "slot" ? "@" : ""}${t.text}\``
