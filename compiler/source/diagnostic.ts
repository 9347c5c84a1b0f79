/** source: a user's mistake, as data. Stages append diagnostics and carry on; they never throw for a user's mistake. */
import type { SourceFile, Span } from "./source.js"

export type Severity = "error" | "warning" | "note"

/** A place in the source with a remark about it. */
export interface Label {
  readonly span: Span
  readonly text: string
}

/** A replacement that would repair the mistake. */
export interface Fix {
  readonly span: Span
  readonly replacement: string
}

export interface Diagnostic {
  /** An entry of `codes.ts`, for instance `matmul-c2`; `nnc explain CODE` prints its page. */
  readonly code: string
  readonly severity: Severity
  /** The mistake, in one sentence, with the names and sizes. */
  readonly message: string
  /** Where; absent for mistakes that are not in a source file (a flag, a data file). */
  readonly primary?: Label
  readonly related?: readonly Label[]
  /** The remedy. */
  readonly help?: string
  readonly fix?: Fix
}

/** The list of diagnostics to which stages append. */
export class Diagnostics {
  readonly all: Diagnostic[] = []
  add(diagnostic: Diagnostic): void {
    this.all.push(diagnostic)
  }
  /** Puts them in order of a file; those of other files come after. */
  sortBy(file: SourceFile): void {
    const at = ({ primary }: Diagnostic): number =>
      primary === undefined ? 0 : primary.span.file === file ? primary.span.start : Infinity
    this.all.sort((a, b) => (at(a) === at(b) ? 0 : at(a) - at(b)))
  }
  get hasErrors(): boolean {
    return this.all.some((d) => d.severity === "error")
  }
}
