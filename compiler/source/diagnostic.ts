/** source: a user's mistake, as data. Stages append diagnostics and carry on; they never throw for a user's mistake. */
import type { Span } from "./source.js"

export type Severity = "error" | "warning" | "note"

/** A place in the source and what there is to say about it. */
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
  /** What is wrong, in one sentence, with the names and sizes. */
  readonly message: string
  /** Where; absent for mistakes that are not in a source file (a flag, a data file). */
  readonly primary?: Label
  readonly related?: readonly Label[]
  /** What to do about it. */
  readonly help?: string
  readonly fix?: Fix
}

/** What stages append to. */
export class Diagnostics {
  readonly all: Diagnostic[] = []
  add(diagnostic: Diagnostic): void {
    this.all.push(diagnostic)
  }
  get hasErrors(): boolean {
    return this.all.some((d) => d.severity === "error")
  }
}
