/** parse: one function per mistake that the grammar lets through and this room finds. */
import type { Diagnostic } from "../source/diagnostic.js"
import type { Span } from "../source/source.js"

export const numberTooLarge = (text: string, span: Span): Diagnostic => ({
  code: "syntax-number",
  severity: "error",
  message: `the number ${text} is too large`,
  primary: { span, text: "larger than any f64" },
})

export const unknownEscape = (escape: string, span: Span): Diagnostic => ({
  code: "syntax-string",
  severity: "error",
  message: `\`${escape}\` is no escape`,
  primary: { span, text: "in this string" },
  help: 'the escapes are \\n \\t \\r \\\\ \\" and \\u{1F600}; a backslash itself is written \\\\',
})

export const ifWithoutElse = (span: Span): Diagnostic => ({
  code: "syntax-if-value",
  severity: "error",
  message: "this `if` gives a value, but only when its condition holds",
  primary: { span, text: "has no `else`" },
  help: "add `else { ... }` with the value for the other case",
})

export const chainTooLong = (limit: number, span: Span): Diagnostic => ({
  code: "syntax-nesting",
  severity: "error",
  message: `this expression chains more than ${limit} parts`,
  primary: { span: { ...span, end: Math.min(span.end, span.start + 60) }, text: "starts here" },
  help: "give parts of it names with `let`, or use a `for`",
})

export const notAssignable = (span: Span): Diagnostic => ({
  code: "syntax-target",
  severity: "error",
  message: "only a name can be given a value",
  primary: { span, text: "is an expression" },
  help: "`=` gives a `var` a new value, `<-` a `state`; to change a part of a tensor, compute a new tensor",
})

export const saidTwice = (what: string, first: Span, second: Span): Diagnostic => ({
  code: "syntax-twice",
  severity: "error",
  message: `this data declaration has two \`${what}\` lines`,
  primary: { span: second, text: "the second" },
  related: [{ span: first, text: "the first" }],
  help: "remove one of them",
})

export const sameLine = (statement: Span, next: Span, help: string): Diagnostic => ({
  code: "syntax-same-line",
  severity: "error",
  message: "two statements on one line, and the value of the first is lost",
  primary: { span: next, text: "a new statement starts here" },
  related: [{ span: statement, text: "the first statement" }],
  help,
})

export const lineStartsStatement = (symbol: string, span: Span, previous: Span): Diagnostic => ({
  code: "syntax-line-start",
  severity: "warning",
  message: `this line is a statement of its own, because it starts with \`${symbol}\``,
  primary: { span, text: "does not continue the line above" },
  related: [{ span: previous, text: "ends at its line break" }],
  help: `to continue the line above, end it with \`${symbol}\`; otherwise indent this line like the one above`,
})
