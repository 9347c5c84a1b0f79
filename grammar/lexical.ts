/** grammar: text -> tokens and comments, with a diagnostic for every stretch of text that is neither.
 *  Guarantees: never throws; a text that is not a program at all (binary, or too long) gives one diagnostic and no tokens.
 *  Not here:   line starts and brackets (layout.ts). */
import type { ILexingError, IToken } from "chevrotain"
import type { Diagnostic, Diagnostics } from "../compiler/source/diagnostic.js"
import type { SourceFile } from "../compiler/source/source.js"
import { tokenSpan } from "./layout.js"
import { lexer } from "./tokens.js"

/** Longer files are data, not programs. */
export const MAX_CHARACTERS = 2_000_000
/** After so many, the file is not a program and more messages would not help. */
const MAX_LEXICAL_ERRORS = 10

export interface Lexed {
  readonly tokens: readonly IToken[]
  readonly comments: readonly IToken[]
}

export function tokenize(file: SourceFile, out: Diagnostics): Lexed {
  const refusal = notAProgram(file)
  if (refusal !== undefined) {
    out.add(refusal)
    return { tokens: [], comments: [] }
  }
  const { tokens, errors, groups } = lexer.tokenize(file.text)
  for (const error of errors.slice(0, MAX_LEXICAL_ERRORS)) out.add(lexicalDiagnostic(file, error))
  for (const hash of groups["hashes"] ?? []) out.add(hashComment(file, hash))
  for (const text of groups["docstrings"] ?? []) out.add(docString(file, text))
  const comments = groups["comments"] ?? []
  const lines = new Map(tokens.map((token) => [token.endLine, token]))
  for (const comment of comments) {
    const before = lines.get(comment.startLine)
    if (before && before.startOffset < comment.startOffset && FLOOR_DIVISION.test(comment.image))
      out.add(floorDivision(file, comment))
  }
  return { tokens, comments }
}

/** A comment that is nothing but a number, after a value. */
const FLOOR_DIVISION = /^\/\/\s*\d+\s*\)*\s*$/

function floorDivision(file: SourceFile, comment: IToken): Diagnostic {
  return {
    code: "syntax-floor-division",
    severity: "warning",
    message: "`//` begins a comment, so this number divides nothing",
    primary: { span: tokenSpan(file, comment), text: "a comment" },
    help: "a division that rounds down is written `floor_div(a, b)`",
  }
}

function hashComment(file: SourceFile, hash: IToken): Diagnostic {
  const span = { ...tokenSpan(file, hash), end: hash.startOffset + 1 }
  return {
    code: "syntax-habit",
    severity: "error",
    message: "a comment begins with `//`",
    primary: { span, text: "write `//`" },
    fix: { span, replacement: "//" },
  }
}

/** `"""Two layers."""` becomes `// Two layers.` */
function docString(file: SourceFile, token: IToken): Diagnostic {
  const span = tokenSpan(file, token)
  const margin = /[ \t]*$/.exec(file.text.slice(0, span.start))![0]
  const lines = token.image.slice(3, -3).trim().split(/\r?\n/)
  return {
    code: "syntax-habit",
    severity: "error",
    message: "a text that describes the program is a comment: it begins with `//`",
    primary: { span: { ...span, end: span.start + 3 }, text: "write `//`" },
    fix: { span, replacement: lines.map((line) => `// ${line.trim()}`).join(`\n${margin}`) },
  }
}

function notAProgram(file: SourceFile): Diagnostic | undefined {
  const at = { file, start: 0, end: 0 }
  if (file.text.length > MAX_CHARACTERS)
    return {
      code: "syntax-too-large",
      severity: "error",
      message: `this file has ${file.text.length} characters; a program has at most ${MAX_CHARACTERS}`,
      primary: { span: at, text: "not read" },
      help: "data belongs in a file of its own, read with `csv`, `npy` or `idx`",
    }
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is looked for
  const control = /[\u0000-\u0008\u000e-\u001f\ufffd]/.exec(file.text)
  if (control !== null)
    return {
      code: "syntax-not-text",
      severity: "error",
      message: "this file is not text",
      primary: {
        span: { file, start: control.index, end: control.index + 1 },
        text: `byte or character ${hex(control[0])}`,
      },
      help: "a program is a UTF-8 text file",
    }
  return undefined
}

function lexicalDiagnostic(file: SourceFile, error: ILexingError): Diagnostic {
  const text = file.text.slice(error.offset, error.offset + error.length)
  const span = { file, start: error.offset, end: error.offset + Math.max(1, error.length) }
  if (text.startsWith('"'))
    return {
      code: "syntax-string",
      severity: "error",
      message: "this string does not end on its line",
      primary: { span, text: "opened here" },
      help: 'close it with `"`; a line break inside a string is written `\\n`',
    }
  return {
    code: "syntax-character",
    severity: "error",
    message: `\`${text.slice(0, 20)}\` has no meaning here`,
    primary: { span, text: `not part of the language (${hex(text)})` },
    ...(advice[text[0] ?? ""] !== undefined && { help: advice[text[0] ?? ""] }),
    ...(here[text] !== undefined && { fix: { span, replacement: here[text] } }),
  }
}

const hex = (text: string): string =>
  `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`

const here: Readonly<Record<string, string>> = { "&": "&&", "×": "*", "−": "-" }

const advice: Readonly<Record<string, string>> = {
  "'": 'strings are written in double quotes, and end on their line: `"text"`',
  "“": 'strings are written in plain double quotes: `"text"`',
  "”": 'strings are written in plain double quotes: `"text"`',
  "&": "and is written `&&`",
  "×": "multiplication is written `*`, a matrix product `@`",
  "−": "minus is written `-`",
}
