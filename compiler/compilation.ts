/** compiler: one run of the compiler: its diagnostics, its dumps, and where to stop. */
import { type Pass, type RunnerHooks, runPass } from "./pass.js"
import type { Origin } from "./ir/origin.js"
import { type Diagnostic, Diagnostics } from "./source/diagnostic.js"
import { type SourceFile, type Span, spanFrom } from "./source/source.js"
import { type StageDump, Stages } from "./stages.js"
import type { TargetProfile } from "./target.js"

export interface CompileOptions {
  readonly target: TargetProfile
  /** Other WebGPU adapters to compile for besides `target`. */
  readonly variants?: readonly TargetProfile[]
  /** What to compile for; left out: both. */
  readonly devices?: readonly ("webgpu" | "wasm")[]
  /** The stage or pass after which to stop. */
  readonly stopAfter?: string
  readonly hooks?: RunnerHooks
}
export interface Outcome {
  readonly diagnostics: readonly Diagnostic[]
  readonly stages: ReadonlyMap<string, StageDump>
}

/** Leaves a compilation early: asked for, or because of errors in the program. */
class Stop extends Error {}

export class Compilation {
  readonly diagnostics = new Diagnostics()
  /** The files read so far, by path: where origins lead. */
  readonly sources = new Map<string, SourceFile>()
  private readonly stages = new Stages()

  constructor(readonly options: CompileOptions) {}

  /** Runs one pass under the runner. */
  pass<A, B>(pass: Pass<A, B>, input: A, target = this.options.target): B {
    const { hooks } = this.options
    return runPass(pass, input, {
      diagnostics: this.diagnostics,
      target,
      locate: (origin) => this.locate(origin),
      ...(hooks ? { hooks } : {}),
    })
  }

  /** Runs a stage that is not a pass, for its time. */
  stage<T>(name: string, run: () => T): T {
    const started = performance.now()
    const result = run()
    this.options.hooks?.time?.(name, performance.now() - started)
    return result
  }

  /** Keeps what a stage made, and stops when it was the last one wanted or when there are errors. */
  reached(
    name: string,
    summary: string,
    value: unknown,
    text: () => string,
    diagrams?: StageDump["diagrams"],
  ): void {
    this.stages.add({ name, summary, text, ...(diagrams && { diagrams }) }, value)
    if (this.options.stopAfter === name || this.diagnostics.hasErrors) throw new Stop()
  }

  /** To try something out: nothing that is said or made there counts here. */
  aside(): Compilation {
    const aside = new Compilation(this.options)
    for (const [path, file] of this.sources) aside.sources.set(path, file)
    return aside
  }

  /** Stops when there are errors. */
  gate(): void {
    if (this.diagnostics.hasErrors) throw new Stop()
  }

  remark(pass: string, text: string): void {
    this.options.hooks?.remark?.(pass, text)
  }

  locate({ at }: Origin): Span | undefined {
    const [, path = "", line, column] = /^(.*):(\d+):(\d+)$/.exec(at) ?? []
    const file = this.sources.get(path)
    return file && spanFrom(file, { line: Number(line), column: Number(column) })
  }

  /** What `body` returns, unless it stopped early, with everything said and kept on the way. */
  finish<T extends object>(body: () => T): Outcome & Partial<T> {
    const outcome = (): Outcome => ({ diagnostics: this.diagnostics.all, stages: this.stages.dumps })
    try {
      const result = body()
      return { ...result, ...outcome() }
    } catch (error) {
      if (error instanceof Stop) return outcome() as Outcome & Partial<T>
      throw error
    }
  }
}
