/** check: giving a diagnostic. One place and code is reported once, however often the body is elaborated; a mistake found inside
 *  the library is shown at the user's call. The library's own lines are never shown: a message names the types of its declarations. */
import type { Diagnostic, Fix, Label, Severity } from "../source/diagnostic.js"
import { type Span, spanText } from "../source/source.js"
import { nearest } from "../source/suggest.js"
import { userSpan, writtenAt, type Env } from "./env.js"
import { describe, ERROR, type Value } from "./values.js"

export interface Complaint {
  readonly code: string
  readonly message: string
  readonly span: Span
  /** The text of the primary label. */
  readonly label: string
  readonly related?: readonly (Label | undefined)[]
  readonly help?: string | undefined
  readonly fix?: Fix
  readonly severity?: Severity
}

/** A label at the type that a parameter is declared with. */
export const DECLARED = "declared here"
/** Reports, and gives the value that silences whatever would follow. */
export function complain(env: Env, c: Complaint): Value {
  const inside = env.cx.stdlib.has(c.span.file)
  const primary = (inside ? writtenAt(env, c.span) : undefined) ?? userSpan(env, c.span)
  const inLibrary = ({ span }: Label): boolean => env.cx.stdlib.has(span.file)
  const labels = (c.related ?? []).filter((l) => l !== undefined)
  const declared = primary === c.span ? labels.find((l) => inLibrary(l) && l.text === DECLARED) : undefined
  const related = labels.filter((l) => !inLibrary(l))
  reportOnce(env.cx, {
    code: c.code,
    severity: c.severity ?? "error",
    message: c.message,
    primary: { span: primary, text: declared ? `${c.label}; declared ${spanText(declared.span)}` : c.label },
    ...(related.length > 0 && { related }),
    ...(c.help !== undefined && { help: c.help }),
    // The library is not ours to repair.
    ...(c.fix && primary === c.span && { fix: c.fix }),
  })
  return ERROR
}

/** The repair that takes a stage out of a pipe: `x |> Linear(3) |> softmax`. */
export function withoutStage({ file, start, end }: Span): { fix?: Fix } {
  const before = /\s*\|>\s*$/.exec(file.text.slice(0, start))
  return before ? { fix: { span: { file, start: before.index, end }, replacement: "" } } : {}
}

/** The repair that puts `x` in place of a call: `transpose(x, 1, 2)`, or a stage that `x` is piped into. */
export function withoutCall(call: Span, x: Span | undefined): { fix?: Fix } {
  const piped = x === undefined || x.start < call.start
  return piped ? withoutStage(call) : { fix: { span: call, replacement: spanText(x) } }
}

/** Whether a span is a stage of a pipe: the last one of `x |> Linear(3)`. */
export const isStage = ({ file, start }: Span): boolean => /\|>\s*$/.test(file.text.slice(0, start))

/** The repair that puts another stage before one of a pipe. */
export const stageBefore = (span: Span, stage: string): { fix?: Fix } =>
  isStage(span) ? { fix: { span: { ...span, end: span.start }, replacement: `${stage} |> ` } } : {}

export function reportOnce(cx: Env["cx"], diagnostic: Diagnostic): void {
  const span = diagnostic.primary?.span
  const key = `${diagnostic.code} ${span ? `${span.file.path} ${span.start} ${span.end}` : diagnostic.message}`
  if (cx.reported.has(key)) return
  cx.reported.add(key)
  cx.diagnostics.add(diagnostic)
}

/** `did you mean \`relu\`?`, when some name is near. */
export function didYouMean(word: string, names: Iterable<string>): string | undefined {
  const near = nearest(word, names)
  return near === undefined ? undefined : `did you mean \`${near}\`?`
}

/** The same where the word stands in the text by itself, with the repair: the near name in its place. */
export function meantName(
  word: string,
  span: Span,
  names: Iterable<string>,
): { readonly help: string; readonly fix: Fix } | undefined {
  const near = nearest(word, names)
  const quoted = span.file.text.startsWith('"', span.start)
  return near === undefined
    ? undefined
    : { help: `did you mean \`${near}\`?`, fix: { span, replacement: quoted ? `"${near}"` : near } }
}

/** A built-in function that is given something else than it takes. */
export function wrongType(
  env: Env,
  name: string,
  wanted: string,
  { value, span }: { readonly value: Value; readonly span: Span },
): Value {
  return complain(env, {
    code: "argument-type",
    message: `\`${name}\` needs ${wanted}, and this is ${describe(value)}`,
    span,
    label: describe(value),
  })
}
