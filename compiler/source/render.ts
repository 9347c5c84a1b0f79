/** source: diagnostic -> text with a code frame, or JSON.
 *  Guarantees: the text is deterministic and has no colours; columns line up also where the source has tabs.
 *  Not here:   finding mistakes, wording them. */
import type { Diagnostic, Label } from "./diagnostic.js"
import { positionAt, type Position, type Span } from "./source.js"

/** All diagnostics, a blank line between two. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(renderDiagnostic).join("\n")
}

/** `error[code]: message`, the place, the lines with their labels, the help. Ends with a line break. */
export function renderDiagnostic(diagnostic: Diagnostic): string {
  const { severity, code, message, primary, related = [], help } = diagnostic
  const lines = [`${severity}[${code}]: ${message}`]
  if (primary !== undefined) {
    const labels = [{ ...primary, mark: "^" }, ...related.map((label) => ({ ...label, mark: "-" }))]
    const gutter = Math.max(3, ...labels.map((label) => String(placeOf(label.span).line).length + 1))
    for (const file of new Set(labels.map((label) => label.span.file))) {
      const own = labels.filter((label) => label.span.file === file)
      const at = placeOf(own[0]!.span)
      lines.push(`${" ".repeat(gutter - 1)}--> ${file.path}:${at.line}:${at.column}`)
      for (const label of own) lines.push(...frame(label, gutter))
    }
  }
  if (help !== undefined)
    lines.push(...help.split("\n").map((text, i) => (i === 0 ? "  help: " : "        ") + text))
  return lines.join("\n") + "\n"
}

/** A diagnostic for an editor or a script. */
export interface DiagnosticJson {
  readonly code: string
  readonly severity: string
  readonly message: string
  readonly primary?: LabelJson
  readonly related: readonly LabelJson[]
  readonly help?: string
  readonly fix?: PlaceJson & { readonly replacement: string }
}
export interface PlaceJson {
  readonly file: string
  /** 1-based; `end` is the first position after the text. */
  readonly start: Position
  readonly end: Position
}
export type LabelJson = PlaceJson & { readonly text: string }

export function diagnosticJson(diagnostic: Diagnostic): DiagnosticJson {
  const { code, severity, message, primary, related = [], help, fix } = diagnostic
  return {
    code,
    severity,
    message,
    ...(primary && { primary: labelJson(primary) }),
    related: related.map(labelJson),
    ...(help !== undefined && { help }),
    ...(fix && { fix: { ...placeJson(fix.span), replacement: fix.replacement } }),
  }
}

const labelJson = (label: Label): LabelJson => ({ ...placeJson(label.span), text: label.text })
const placeJson = (span: Span): PlaceJson => ({
  file: span.file.path,
  start: positionAt(span.file, span.start),
  end: positionAt(span.file, span.end),
})

const TAB = "    "
/** Longer lines are cut around the label. */
const MAX_WIDTH = 120

type Marked = Label & { readonly mark: string }

/** The source line of a label and the marks beneath it. A label over several lines marks the first. */
function frame({ span, text, mark }: Marked, gutter: number): string[] {
  const { line, source, from, to } = lineOf(span)
  const shift = from > MAX_WIDTH - 20 ? from - 20 : 0
  const shown = expand(source.slice(shift, shift + MAX_WIDTH))
  const before = expand(source.slice(shift, from)).length
  const width = Math.max(1, Math.min(expand(source.slice(from, to)).length, MAX_WIDTH - before))
  return [
    `${String(line).padStart(gutter + 2)} | ${shown}`.trimEnd(),
    `${" ".repeat(gutter + 2)} | ${" ".repeat(before)}${mark.repeat(width)} ${text}`.trimEnd(),
  ]
}

/** The line a span starts on, and the columns (from 0) it covers there. */
function lineOf(span: Span): { line: number; source: string; from: number; to: number } {
  const { text } = span.file
  const { line, column } = placeOf(span)
  const from = column - 1
  const begin = Math.min(span.start, text.length) - from
  const end = text.indexOf("\n", begin)
  const source = text.slice(begin, end < 0 ? text.length : end).replace(/\r$/, "")
  return { line, source, from, to: Math.min(span.end - begin, source.length) }
}

const placeOf = (span: Span): Position => positionAt(span.file, span.start)
const expand = (text: string): string => text.replaceAll("\t", TAB)
