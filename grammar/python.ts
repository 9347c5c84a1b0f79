/** grammar: blocks as they are written in Python -> blocks in braces: a colon and indentation, `def`, `forward`, `for i in range(3)`.
 *  Guarantees: one mistake for a block, however much is changed in it, with the whole repair; doubtful blocks are left as they are.
 *  Not here:   a class as a network (python-class.ts), single words (habits.ts). */
import type { IToken, TokenType } from "chevrotain"
import type { Diagnostics } from "../compiler/source/diagnostic.js"
import { type SourceFile, spanText } from "../compiler/source/source.js"
import { translateClass } from "./python-class.js"
import { writeBody } from "./python-body.js"
import {
  across,
  blockEnd,
  endOf,
  itemsOf,
  placeOf,
  Rewriting,
  statementLines,
  textOf,
  type Line,
} from "./rewriting.js"
import * as t from "./tokens.js"

export function translatePython(
  file: SourceFile,
  tokens: readonly IToken[],
  out: Diagnostics,
): readonly IToken[] {
  if (!tokens.some(({ image }) => SIGNS.has(image))) return tokens
  return new Python(file, tokens, out).run()
}

/** A text in which none of them stands is left as it is. */
const SIGNS = new Set([":", "range", "forward", "class"])
const DECLARES = new Set(["fn", "layer", "model", "optimizer", "data", "train", "import", "class", "def"])
/** Words that begin a line which ends with a colon in Python. */
const BLOCKS = new Set(["for", "if", "elif", "else", "fn", "layer", "model", "train", "data", "def"])
const FORWARD = new Set(["forward", "call", "__call__"])

interface Header {
  readonly word: string
  /** The colon; -1 where braces are. */
  readonly colon: number
}

class Python {
  private readonly lines: readonly Line[]
  private readonly out: Rewriting
  private depth = 0

  constructor(
    private readonly file: SourceFile,
    tokens: readonly IToken[],
    private readonly diagnostics: Diagnostics,
  ) {
    this.lines = statementLines(tokens, DECLARES)
    this.out = new Rewriting(file)
  }

  run(): readonly IToken[] {
    this.through(0, this.lines.length)
    return this.out.tokens
  }

  private through(from: number, to: number): void {
    for (let i = from; i < to;) i = this.line(i)
  }

  /** Writes the line, and the block it opens; the place after it. */
  private line(i: number): number {
    const { tokens, column } = this.lines[i]!
    const [first, second] = tokens
    if (first!.image === "class" && column === 1) {
      const end = blockEnd(this.lines, i)
      if (translateClass(this.file, this.lines.slice(i, end), this.out, this.diagnostics)) return end
      // Repairs of parts of it would take lines from a class that the reader has still to translate.
      if (tokens.at(-1)!.image === ":") {
        for (const line of this.lines.slice(i, end)) this.out.keep(line.tokens)
        return end
      }
    }
    const name = first!.image === "def" || first!.image === "fn" ? second : first
    if (column > 1 && FORWARD.has(name?.image ?? "") && name !== tokens.at(-1)) {
      const end = this.forward(i)
      if (end !== undefined) return end
    }
    const header = headerOf(tokens)
    if (header?.colon === -1) this.loop(tokens)
    else if (header && !(header.word === "def" && column > 1)) {
      const end = this.block(i, header)
      if (end !== undefined) return end
    } else this.out.keep(tokens)
    return i + 1
  }

  /** `for i in range(3) {` */
  private loop(tokens: readonly IToken[]): void {
    const from = this.out.edits.length
    const range = this.header(tokens)
    const fix = this.out.fixSince(from)
    if (fix && range && this.depth === 0)
      this.diagnostics.add({
        code: "syntax-habit",
        severity: "error",
        message: `a \`for\` goes over a range: \`${spanText(fix.span)}\` is written \`${range}\``,
        primary: { span: fix.span, text: `write \`${range}\`` },
        fix,
      })
  }

  /** The tokens before the colon, or all; a `range` in its form here. */
  private header(tokens: readonly IToken[]): string | undefined {
    const at = tokens.findIndex(({ image }, i) => image === "range" && tokens[i - 1]?.image === "in")
    const inside = tokens[0]?.image === "for" && tokens[at + 1]?.image === "(" ? tokens.slice(at + 2) : []
    const close = placeOf(inside, ")")
    const ends = itemsOf(inside.slice(0, Math.max(0, close)))
    if (at < 0 || close < 0 || ends.length === 0 || ends.length > 2) {
      this.out.keep(tokens)
      return undefined
    }
    const [low, high] = ends.length === 2 ? [textOf(this.file, ends[0]!), ends[1]!] : ["0", ends[0]!]
    const text = `${low}..${textOf(this.file, high)}`
    this.out.keep(tokens.slice(0, at))
    const lower: [TokenType, string][] =
      ends.length === 2
        ? ends[0]!.map(({ tokenType, image }) => [tokenType, image])
        : [[t.NumberLiteral, "0"]]
    this.out.replace(
      tokens.slice(at, at + 3 + close),
      [...lower, [t.Range, ".."], ...high.map(({ tokenType, image }) => [tokenType, image] as const)],
      text,
    )
    this.out.keep(inside.slice(close + 1))
    return text
  }

  private block(i: number, { word, colon }: Header): number | undefined {
    const { tokens } = this.lines[i]!
    const inline = tokens.slice(colon + 1)
    const end = inline.length > 0 ? i + 1 : blockEnd(this.lines, i)
    if (inline[0]?.image === "{" || (inline.length === 0 && end === i + 1)) return undefined
    const from = this.out.edits.length
    this.depth++
    const head = tokens.slice(0, colon)
    const range = this.opened(head, word)
    const bodyLines =
      inline.length > 0
        ? [{ tokens: inline, column: inline[0]!.startColumn ?? 1 }]
        : this.lines.slice(i + 1, end)
    const sign = tokens[colon]!
    const touches = this.file.text[sign.startOffset - 1] !== " "
    this.out.replace([sign], [[t.LBrace, "{"]], touches ? " {" : "{")
    if (DECLARES.has(word) && word !== "train" && word !== "data")
      writeBody(
        { lines: bodyLines, params: paramsOf(head), margin: bodyLines[0]!.column - 1 },
        this.out,
        (lines) => this.nested(lines),
      )
    else if (inline.length > 0) this.out.keep(inline)
    else this.through(i + 1, end)
    this.close(i, end, inline.length > 0)
    this.depth--
    if (this.depth === 0) this.report(from, tokens, colon, word, range)
    return end
  }

  /** Lines within a body that has been looked at as a whole. */
  private nested(lines: readonly Line[]): void {
    const at = this.lines.indexOf(lines[0]!)
    if (at < 0) this.out.keep(lines.flatMap(({ tokens }) => tokens))
    else this.through(at, at + lines.length)
  }

  /** The words before the brace; a `range` in its form here. */
  private opened(head: readonly IToken[], word: string): string | undefined {
    if (word === "def") {
      this.out.replace([head[0]!], [[t.Fn, "fn"]])
      this.out.keep(head.slice(1))
    } else if (word === "elif") {
      this.out.replace(
        [head[0]!],
        [
          [t.Else, "else"],
          [t.If, "if"],
        ],
        "else if",
      )
      this.out.keep(head.slice(1))
    } else return this.header(head)
    return undefined
  }

  /** The brace after the last line of a block, where none stands. */
  private close(i: number, end: number, inline: boolean): void {
    const { column } = this.lines[i]!
    const next = this.lines[end]
    if (!inline && next?.tokens[0]?.image === "}" && next.column === column && !this.isOpenAt(column, i))
      return
    const last = this.out.tokens.at(-1)!
    const margin = this.file.text.slice(0, this.lines[i]!.tokens[0]!.startOffset).match(/[ \t]*$/)![0]
    this.out.after(last, t.RBrace, "}", inline ? " }" : `\n${margin}}`)
  }

  /** Whether a brace that is still open above stands on a line of this column. */
  private isOpenAt(column: number, before: number): boolean {
    const open: number[] = []
    for (const line of this.lines.slice(0, before))
      for (const { image } of line.tokens)
        if (image === "{") open.push(line.column)
        else if (image === "}") open.pop()
    return open.includes(column)
  }

  /** `def forward(self, x):` or `forward(x) {` in a model: its lines are the model's. */
  private forward(i: number): number | undefined {
    const { tokens, column } = this.lines[i]!
    const colon = placeOf(tokens, ":")
    const brace = tokens.at(-1)?.image === "{"
    const end = brace ? this.closing(i) : blockEnd(this.lines, i)
    if (end === undefined || end === i + 1 || !(brace || colon === tokens.length - 1)) return undefined
    const name = tokens.find(({ image }) => FORWARD.has(image))!
    const from = this.out.edits.length
    const body = this.lines.slice(i + 1, end)
    const start = tokens[0]!.startOffset
    this.out.write(start, body[0]!.tokens[0]!.startOffset, "")
    for (const {
      tokens: [first],
      column: at,
    } of body.slice(1)) {
      const shift = Math.min(at, body[0]!.column) - column
      if (shift > 0) this.out.write(first!.startOffset - shift, first!.startOffset, "")
    }
    this.depth++
    writeBody({ lines: body, params: this.paramsAbove(i), margin: column - 1 }, this.out, (lines) =>
      this.nested(lines),
    )
    this.depth--
    if (brace) {
      const close = this.lines[end]!.tokens[0]!
      const lineStart = this.file.text.lastIndexOf("\n", close.startOffset)
      this.out.write(lineStart, endOf(close), "")
      this.out.keep(this.lines[end]!.tokens.slice(1))
    }
    const fix = this.out.fixSince(from)
    if (this.depth === 0)
      this.diagnostics.add({
        code: "syntax-habit",
        severity: "error",
        message: `a model has no \`${name.image}\`: its body is what it computes`,
        primary: {
          span: across(this.file, tokens),
          text: "not needed",
        },
        help: "leave this line out: the model is called by its own name, as in `Net(x)`",
        ...(fix && { fix }),
      })
    return brace ? end + 1 : end
  }

  /** Those of the declaration that line `i` stands in. */
  private paramsAbove(i: number): string[] {
    const head = this.lines.slice(0, i).findLast(({ tokens }) => DECLARES.has(tokens[0]!.image))
    return head ? paramsOf(head.tokens) : []
  }

  /** The line that begins with the `}` of a `{` at the end of line `i`. */
  private closing(i: number): number | undefined {
    let depth = 1
    for (let at = i + 1; at < this.lines.length; at++)
      for (const [k, { image }] of this.lines[at]!.tokens.entries()) {
        if (image === "{") depth++
        if (image === "}" && --depth === 0) return k === 0 ? at : undefined
      }
    return undefined
  }

  private report(
    from: number,
    tokens: readonly IToken[],
    colon: number,
    word: string,
    range: string | undefined,
  ): void {
    const fix = this.out.fixSince(from)
    const sign = tokens[colon]!
    const whole = across(this.file, tokens.slice(0, colon + 1))
    const mark = across(this.file, [sign])
    const said =
      word === "def"
        ? {
            span: whole,
            message: "a function is a `fn`, and its body stands in braces",
            text: `write \`fn ${textOf(this.file, tokens.slice(1, colon))} {\``,
          }
        : range !== undefined
          ? {
              span: whole,
              message: "a `for` goes over a range, and its body stands in braces",
              text: `write \`for ${tokens[1]!.image} in ${range} {\``,
            }
          : { span: mark, message: "a body stands in braces, whatever its indentation", text: "write `{`" }
    this.diagnostics.add({
      code: "syntax-habit",
      severity: "error",
      message: said.message,
      primary: { span: said.span, text: said.text },
      help: "`{` takes the place of the colon, and `}` stands after the last line of the body",
      ...(fix && { fix }),
    })
  }
}

/** A line that opens a block with a colon, or a `for` over a `range` with braces. */
function headerOf(tokens: readonly IToken[]): Header | undefined {
  const closes = tokens[0]!.image === "}" ? 1 : 0
  const word = tokens[closes]?.image ?? ""
  if (!BLOCKS.has(word)) return undefined
  const colon = placeOf(tokens, ":")
  if (colon > closes && closes === 0) return matches(tokens) ? { word, colon } : undefined
  const counts =
    word === "for" && tokens.some(({ image }, i) => image === "range" && tokens[i - 1]?.image === "in")
  return counts && tokens[closes + 1]?.image !== ":" ? { word, colon: -1 } : undefined
}

/** Whether every bracket has its partner. */
function matches(tokens: readonly IToken[]): boolean {
  const open: string[] = []
  for (const { image } of tokens) {
    const closer = CLOSERS[image]
    if (closer) open.push(closer)
    else if (/^[)\]]$/.test(image) && open.pop() !== image) return false
  }
  return open.length === 0
}
const CLOSERS: Readonly<Record<string, string>> = { "(": ")", "[": "]" }

/** The names of the last list of parameters before a body. */
function paramsOf(head: readonly IToken[]): string[] {
  const lists: string[][] = []
  for (let i = 0; i < head.length; i++) {
    if (head[i]!.image !== "(") continue
    const close = placeOf(head.slice(i + 1), ")")
    if (close < 0) break
    lists.push(itemsOf(head.slice(i + 1, i + 1 + close)).map(([name]) => name!.image))
    i += close + 1
  }
  return lists.flat()
}
