/** compiler: source text -> Bundle. Pure: what it needs of the outside world comes through `CompileHost`.
 *  Guarantees: never throws for a user's mistake; every stage reached is in `stages`. */
import type { Bundle, DataSpec } from "../runtime/bundle/format.js"
import { forDevices } from "./back-end.js"
import { encode } from "./bundle/encode.js"
import { check } from "./check/check.js"
import { Compilation, type CompileOptions, type Outcome } from "./compilation.js"
import { printModule } from "./ir/ast/text.js"
import type { DataDecl, Module } from "./ir/ast/types.js"
import { printGraphs } from "./ir/graph/text.js"
import { printModel } from "./ir/model/text.js"
import type { DataSet, Model } from "./ir/model/types.js"
import { lower } from "./lower/lower.js"
import { parse } from "./parse/parse.js"
import { fieldBounds, type RowBounds } from "./ir/model/index-bounds.js"
import { batchSizes, type DataRows } from "./sizes.js"
import { bug } from "./source/bug.js"
import type { Diagnostic, Diagnostics, Label } from "./source/diagnostic.js"
import type { SourceFile } from "./source/source.js"
import { VERSION } from "./version.js"

export type { CompileOptions } from "./compilation.js"

/** What reading a data set tells: how many rows there are, and the fitted description. */
export interface DataFacts extends DataRows {
  readonly spec: DataSpec
}
export interface CompileHost {
  readonly stdlib: readonly SourceFile[]
  /** An imported file; undefined when there is none. */
  load(path: string, from: SourceFile): SourceFile | undefined
  /** Reads, splits and fits the data, or says what is wrong with it. */
  data(set: DataSet, about: DataContext): DataFacts | Diagnostic
}
export interface DataContext {
  /** Where the program uses fields as indices, and how far those may go. */
  readonly bounds: ReadonlyMap<string, RowBounds>
  /** The place of a part of the declaration, for messages. */
  place(part: DataPart): Label | undefined
}
export type DataPart = { readonly field: string } | "source" | "test" | "split"
export interface Compiled extends Outcome {
  readonly model?: Model
  readonly bundle?: Bundle
}

/** Compiles a program from its source text. */
export function compile(main: SourceFile, host: CompileHost, options: CompileOptions): Compiled {
  const run = new Compilation(options)
  return run.finish(() => {
    run.sources.set(main.path, main)
    const module = run.stage("parse", () => parse(main, run.diagnostics))
    run.reached("ast", "the program as it was read", module, () => printModule(module))
    const modules = new Map<string, Module>([[main.path, module]])
    const checked = run.stage("check", () => checkModule(module, main, modules, host, run))
    run.gate()
    const model = checked ?? bug("check found no error and gave no model")
    run.reached("model", "names resolved, layers instantiated, every value typed", model, () =>
      printModel(model),
    )
    const data = run.stage("data", () => readData(model, modules, host, run.diagnostics))
    run.gate()
    const { graphs } = run.pass(lower, model)
    run.reached("graph", lower.summary, graphs, () => printGraphs(graphs))
    const code = forDevices(graphs, batchSizes(model, data), run)
    const name = main.path.replace(/^.*\//, "").replace(/\.nn$/, "")
    const specs = [...data.values()].map((facts) => facts.spec)
    const bundle = run.stage("bundle", () =>
      encode({ name, compiler: VERSION, model, ...code, data: specs }),
    )
    return { model, bundle }
  })
}

function checkModule(
  module: Module,
  main: SourceFile,
  modules: Map<string, Module>,
  host: CompileHost,
  { sources, diagnostics }: Compilation,
): Model | undefined {
  return check(module, {
    stdlib: host.stdlib.map((file) => parse(file, diagnostics)),
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

function readData(
  model: Model,
  modules: ReadonlyMap<string, Module>,
  host: CompileHost,
  diagnostics: Diagnostics,
): Map<string, DataFacts> {
  const facts = new Map<string, DataFacts>()
  for (const set of model.data) {
    const found = host.data(set, {
      bounds: fieldBounds(model, set.name),
      place: (part) => placeOf(modules, set.name, part),
    })
    if ("code" in found) diagnostics.add(found)
    else facts.set(set.name, found)
  }
  return facts
}

function placeOf(modules: ReadonlyMap<string, Module>, data: string, part: DataPart): Label | undefined {
  const decl = [...modules.values()]
    .flatMap(({ declarations }) => declarations)
    .find((d): d is DataDecl => d.kind === "data" && d.name.text === data)
  if (!decl) return undefined
  if (part === "source") return { span: decl.source.span, text: "this source" }
  if (part === "test") return decl.test && { span: decl.test.span, text: "this source of test rows" }
  if (part === "split") return decl.split && { span: decl.split.span, text: "this split" }
  const field = decl.fields.find(({ name }) => name.text === part.field)
  return field && { span: field.span, text: `read by the field \`${part.field}\`` }
}
