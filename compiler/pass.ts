/** compiler: what a pass is.
 *  Guarantees: a failure names the pass.
 *  Not here:   which passes there are and in what order, and how they are timed, printed and verified (`driver/`). */
import { CompilerBug } from "./source/bug.js"
import type { Diagnostics } from "./source/diagnostic.js"
import type { Span } from "./source/source.js"
import type { Origin } from "./ir/origin.js"
import type { TargetProfile } from "./targets/target.js"

/** A named pure function between two IRs. A user's mistake is added to `cx.diagnostics`; the pass still returns a value. */
export interface Pass<A, B> {
  /** Also the dump flag (`--after=NAME`) and the folder of its cases. */
  readonly name: string
  readonly summary: string
  run(input: A, cx: PassContext): B
}

export interface PassContext {
  readonly diagnostics: Diagnostics
  readonly target: TargetProfile
  /** A decision worth reading with `--remarks`. */
  remark(text: string): void
  /** The place in the source that a node comes from, where the sources are at hand. */
  locate(origin: Origin): Span | undefined
}

/** Runs one pass by itself. */
export function runPass<A, B>(
  pass: Pass<A, B>,
  input: A,
  options: Pick<PassContext, "diagnostics" | "target">,
): B {
  try {
    return pass.run(input, { ...options, remark: () => {}, locate: () => undefined })
  } catch (error) {
    throw new PassFailure(pass.name, error)
  }
}

/** A pass threw, or its result did not verify. Never the user's mistake. */
export class PassFailure extends CompilerBug {
  constructor(
    readonly pass: string,
    override readonly cause: unknown,
    /** What the pass was given, as text, where that can be given back. */
    readonly input?: () => string,
  ) {
    super(`pass ${pass}: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}
