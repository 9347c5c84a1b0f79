/** compiler: what a pass is, and the runner of passes.
 *  Guarantees: a failure names the pass; the hooks see the result of every pass.
 *  Not here:   which passes there are and in what order (`pipeline.ts`); printing and verifying (handed in as hooks, so that
 *              this file knows no IR). */
import { CompilerBug } from "./source/bug.js"
import type { Diagnostics } from "./source/diagnostic.js"
import type { Span } from "./source/source.js"
import type { Origin } from "./ir/origin.js"
import type { TargetProfile } from "./target.js"

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

/** What the driver wants to see of every pass. */
export interface RunnerHooks {
  /** Milliseconds spent. */
  readonly time?: (pass: string, ms: number) => void
  readonly remark?: (pass: string, text: string) => void
  /** After the pass: dumps it, verifies it, evaluates both sides. What it throws is reported as the pass's failure. */
  readonly after?: (pass: string, input: unknown, output: unknown) => void
}

/** Runs one pass. */
export function runPass<A, B>(
  pass: Pass<A, B>,
  input: A,
  options: {
    readonly diagnostics: Diagnostics
    readonly target: TargetProfile
    readonly hooks?: RunnerHooks
    readonly locate?: PassContext["locate"]
  },
): B {
  const { diagnostics, target, hooks, locate = () => undefined } = options
  const started = performance.now()
  try {
    const output = pass.run(input, {
      diagnostics,
      target,
      remark: (text) => hooks?.remark?.(pass.name, text),
      locate,
    })
    hooks?.time?.(pass.name, performance.now() - started)
    hooks?.after?.(pass.name, input, output)
    return output
  } catch (error) {
    if (error instanceof PassFailure) throw error
    throw new PassFailure(pass.name, error)
  }
}

/** A pass threw, or its result did not verify. Never the user's mistake. */
export class PassFailure extends CompilerBug {
  constructor(
    readonly pass: string,
    override readonly cause: unknown,
  ) {
    super(`pass ${pass}: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}
