/** driver: one run of the compiler: it runs passes, keeps their results, times and verifies them, and knows where to stop.
 *  Guarantees: a failure names the pass and holds its input as text; every stage reached is kept.
 *  Not here:   which passes there are (`passes.ts`). */
import type { CheckInput } from "../check/check.js"
import { printComplaint } from "../ir/complaint.js"
import type { Model } from "../ir/model/types.js"
import type { Origin } from "../ir/origin.js"
import { PassFailure } from "../pass.js"
import { type Diagnostic, Diagnostics } from "../source/diagnostic.js"
import { parsePlace, type SourceFile, type Span, spanFrom } from "../source/source.js"
import type { TargetProfile } from "../targets/target.js"
import { type StageDump, Stages } from "./dumps.js"
import { diagramsOf, jsonOf, printState, type State, stateOf, verifyState } from "./levels.js"
import type { GivenPlan } from "./plans.js"
import type { GivenSettings } from "./settings.js"
import { DEVICE_PASSES, type DriverContext, type DriverPass, type Facts } from "./passes.js"

export interface CompileOptions {
  readonly target: TargetProfile
  /** Other WebGPU adapters to compile for besides `target`. */
  readonly variants?: readonly TargetProfile[]
  /** Values for constants of the main file, as `--set` gives them. */
  readonly settings?: GivenSettings
  /** The devices to compile for; left out: both. */
  readonly devices?: readonly ("webgpu" | "wasm")[]
  /** Plans of kernels, as `--plan` gives them. */
  readonly plans?: readonly GivenPlan[]
  /** The passes that run for each kind of device; left out: all of `DEVICE_PASSES`. */
  readonly devicePasses?: readonly DriverPass[]
  /** The stage or pass after which to stop. */
  readonly stopAfter?: string
  /** Verifies the result of every pass. Left out: as `verifyByDefault` says. */
  readonly verify?: boolean
  readonly hooks?: Hooks
  /** Changes the model before it is compiled. */
  readonly change?: (model: Model) => Model
  /** Told of every value that `check` comes to. */
  readonly watch?: CheckInput["watch"]
}

/** Callbacks around every pass. */
export interface Hooks {
  /** Milliseconds spent. */
  readonly time?: (pass: string, ms: number) => void
  readonly remark?: (pass: string, text: string) => void
  /** After each pass, for the compilation's own target and for others. An error that it throws is reported as the pass's failure. */
  readonly after?: (pass: DriverPass, input: State, output: State, cx: DriverContext) => void
}
export interface Outcome {
  readonly diagnostics: readonly Diagnostic[]
  readonly stages: ReadonlyMap<string, StageDump>
}
/** For which target (left out: the compilation's own), and whether the stages are kept to be shown. */
export interface How {
  readonly shown: boolean
  readonly target?: TargetProfile
}
export const SHOWN: How = { shown: true }

let verifies = false
/** For tests, which verify always. */
export const verifyByDefault = (yes: boolean): void => void (verifies = yes)

/** Leaves a compilation early: asked for, or because of errors in the program. */
class Stop extends Error {}

export class Compilation {
  readonly diagnostics = new Diagnostics()
  /** The files read so far, by path: where origins lead. */
  readonly sources = new Map<string, SourceFile>()
  private readonly stages = new Stages()

  constructor(readonly options: CompileOptions) {}

  /** Runs passes one after another; stops where one finds errors in the program. */
  through(passes: readonly DriverPass[], from: State, facts: Facts, { shown, target }: How = SHOWN): State {
    return passes.reduce((state, pass) => {
      const after = this.run(pass, state, facts, target)
      if (shown) this.reachedState(pass, after)
      else this.gate()
      return after
    }, from)
  }

  private run(pass: DriverPass, input: State, facts: Facts, target = this.options.target): State {
    const { hooks, verify = verifies } = this.options
    const cx: DriverContext = {
      ...facts,
      diagnostics: this.diagnostics,
      target,
      remark: (text) => hooks?.remark?.(pass.name, text),
      locate: (origin) => this.locate(origin),
      attempt: (graphs, until) => {
        const aside = this.aside()
        const [first, last] = [pass, until].map((p) => DEVICE_PASSES.indexOf(p))
        const passes = DEVICE_PASSES.slice(first! + 1, last! + 1)
        return passes.reduce((state, p) => aside.run(p, state, facts, target), stateOf("graphs", graphs))
      },
    }
    const started = performance.now()
    try {
      const output = pass.run(input, cx)
      hooks?.time?.(pass.name, performance.now() - started)
      if (verify && !this.diagnostics.hasErrors) {
        const [first, ...more] = verifyState(output, target)
        if (first !== undefined)
          throw new Error(
            `its result is not well formed: ${printComplaint(first)}${more.length > 0 ? `, and ${more.length} more` : ""}`,
          )
      }
      hooks?.after?.(pass, input, output, cx)
      return output
    } catch (error) {
      if (error instanceof PassFailure) throw error
      throw new PassFailure(pass.name, error, () => printState(input))
    }
  }

  /** Runs a stage that is not a pass, for its time. */
  stage<T>(name: string, run: () => T): T {
    const started = performance.now()
    const result = run()
    this.options.hooks?.time?.(name, performance.now() - started)
    return result
  }

  /** Keeps the result of a stage, and stops when it was the last one wanted. */
  kept(
    name: string,
    summary: string,
    value: unknown,
    text: () => string,
    diagrams?: StageDump["diagrams"],
  ): void {
    this.stages.add({ name, summary, text, ...(diagrams && { diagrams }) }, value)
    if (this.options.stopAfter === name) throw new Stop()
  }

  /** The same for a level between passes; stops also when there are errors. */
  reachedState({ name, summary }: Pick<DriverPass, "name" | "summary">, state: State): void {
    this.kept(
      name,
      summary,
      jsonOf(state),
      () => printState(state),
      () => diagramsOf(state),
    )
    this.gate()
  }

  /** To try something out: nothing that is said or made there counts here. */
  private aside(): Compilation {
    const { hooks, ...options } = this.options
    const aside = new Compilation({ ...options, ...(hooks?.time && { hooks: { time: hooks.time } }) })
    for (const [path, file] of this.sources) aside.sources.set(path, file)
    return aside
  }

  /** Stops when there are errors. */
  gate(): void {
    if (this.diagnostics.hasErrors) throw new Stop()
  }

  private locate({ at }: Origin): Span | undefined {
    const place = parsePlace(at)
    const file = place && this.sources.get(place.path)
    return file && spanFrom(file, place)
  }

  /** The result of `body`, unless it stopped early, with the diagnostics and stages up to there. */
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
