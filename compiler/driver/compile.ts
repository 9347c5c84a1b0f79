/** driver: source text -> Bundle. Pure: `CompileHost` provides everything from the outside world.
 *  Guarantees: never throws for a user's mistake; every stage reached is in `stages`. */
import type { Bundle, DataSpec, Manifest } from "../../runtime/bundle/format.js"
import { type EmittedCode, encode, type EncodeInput } from "../bundle/encode.js"
import { check } from "../check/check.js"
import { warnOfRanges } from "../check/doubts/ranges.js"
import { warnOfLengths, type RunLength } from "../check/run-length.js"
import { printModule } from "../ir/ast/text.js"
import type { Module } from "../ir/ast/types.js"
import type { Model } from "../ir/model/types.js"
import { parse } from "../parse/parse.js"
import { bug } from "../source/bug.js"
import type { SourceFile } from "../source/source.js"
import { VERSION } from "../version.js"
import { budgetsOf } from "./budget.js"
import { Compilation, type CompileOptions, type Outcome } from "./compilation.js"
import { forDevices } from "./emit.js"
import { stateOf } from "./levels.js"
import type { Facts } from "./passes.js"
import { asStored, readData, type DataHost, rangesRead } from "./read-data.js"
import { settingsOf, withSettings } from "./settings.js"
import { batchSizes } from "./sizes.js"
import { AST, MODEL } from "./stages.js"

export type { CompileOptions } from "./compilation.js"
export type { DataContext, DataFacts } from "./read-data.js"

export interface CompileHost extends DataHost {
  /** The standard library, parsed: `parseLibrary` of its files, or `readLibrary` of their packed form, which the build makes. */
  readonly stdlib: readonly Module[]
  /** An imported file; undefined when there is none. */
  load(path: string, from: SourceFile): SourceFile | undefined
}
export interface Compiled extends Outcome {
  readonly model?: Model
  readonly bundle?: Bundle
}

/** Compiles a program from its source text. */
export function compile(main: SourceFile, host: CompileHost, options: CompileOptions): Compiled {
  const run = new Compilation(options)
  return run.finish(() => {
    const front = frontEnd(main, host, run)
    const { model, stored, facts } = front
    const code = forDevices(stateOf("model", stored), facts, run)
    const bundle = run.stage("bundle", () => encode({ ...described(front), ...code }))
    return { model, bundle }
  })
}

/** The checked program and its data, before any lowering. */
export interface FrontEnd {
  readonly name: string
  readonly model: Model
  /** With how its fields are stored. */
  readonly stored: Model
  readonly facts: Facts
  readonly data: readonly DataSpec[]
  readonly settings: Manifest["settings"]
}

/** The parts of it that go into a bundle. */
export const described = ({
  name,
  model,
  data,
  settings,
}: FrontEnd): Omit<EncodeInput, keyof EmittedCode> => ({
  name,
  compiler: VERSION,
  model,
  data,
  settings,
})

/** Reads and checks the program and its data. */
export function frontEnd(main: SourceFile, host: CompileHost, run: Compilation): FrontEnd {
  const { options } = run
  run.sources.set(main.path, main)
  const written = run.stage("parse", () => parse(main, run.diagnostics))
  const given = options.settings ?? new Map()
  const module = withSettings(written, given, run.diagnostics)
  // A text with mistakes is checked all the same: those of other lines are shown in the same run.
  run.kept(AST.name, AST.summary, module, () => printModule(module))
  const modules = new Map<string, Module>([[main.path, module]])
  const lengths: RunLength[] = []
  const checked = run.stage("check", () => checkModule(module, main, modules, host, run, lengths))
  run.gate()
  const whole = checked ?? bug("check found no error and gave no model")
  const model = options.change?.(whole) ?? whole
  run.reachedState(MODEL, stateOf("model", model))
  const data = run.stage("data", () => readData(model, [...modules.values()], host, run.diagnostics, lengths))
  run.gate()
  for (const each of lengths) {
    const facts = each.data === null ? undefined : data.get(each.data)
    warnOfLengths(each, facts?.trainRows, run.diagnostics)
    warnOfRanges(each.ranges, rangesRead(each, data), run.diagnostics)
  }
  const stored = asStored(model, data)
  return {
    name: main.path.replace(/^.*\//, "").replace(/\.nn$/, ""),
    model,
    stored,
    facts: { sizes: batchSizes(model, data), budgets: budgetsOf(model), plans: options.plans ?? [] },
    data: [...data.values()].map((facts) => facts.spec),
    settings: [...settingsOf(module)].map(([name, value]) => ({ name, value, set: given.has(name) })),
  }
}

function checkModule(
  module: Module,
  main: SourceFile,
  modules: Map<string, Module>,
  host: CompileHost,
  { sources, diagnostics }: Compilation,
  lengths: RunLength[],
): Model | undefined {
  return check(module, {
    lengths,
    stdlib: host.stdlib,
    load: (path, from) => {
      const file = host.load(path, sources.get(from) ?? main)
      if (file === undefined) return undefined
      sources.set(file.path, file)
      const loaded = modules.get(file.path) ?? parse(file, diagnostics)
      modules.set(file.path, loaded)
      return loaded
    },
    diagnostics,
  })
}
