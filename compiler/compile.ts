/** compiler: source text -> Bundle. Pure: what it needs of the outside world comes through `CompileHost`.
 *  Guarantees: never throws for a user's mistake; every stage reached is in `stages`. */
import type { Bundle, DataSpec } from "../runtime/bundle/format.js"
import { encode, type EmittedCode } from "./bundle/encode.js"
import { check } from "./check/check.js"
import { emitWasm, wasmModule } from "./codegen/wasm/emit.js"
import { printWat } from "./codegen/wasm/text.js"
import { emitWgsl } from "./codegen/wgsl/emit.js"
import { Compilation, type CompileOptions, type Outcome } from "./compilation.js"
import { printModule } from "./ir/ast/text.js"
import type { Module } from "./ir/ast/types.js"
import { parseGraphs, printGraphs } from "./ir/graph/text.js"
import type { Graph } from "./ir/graph/types.js"
import { printKernelProgram } from "./ir/kernels/text.js"
import { printModel } from "./ir/model/text.js"
import type { DataSet, Model } from "./ir/model/types.js"
import { printPlan } from "./ir/plan/text.js"
import type { Plan } from "./ir/plan/types.js"
import type { DimValues } from "./ir/tensor.js"
import { lower } from "./lower/lower.js"
import { planMemory } from "./memory/plan.js"
import { parse } from "./parse/parse.js"
import { GRAPH_PASSES } from "./pipeline.js"
import { buildKernels, fuse, order } from "./schedule/index.js"
import { batchSizes, type DataRows } from "./sizes.js"
import { bug } from "./source/bug.js"
import type { Diagnostic, Diagnostics } from "./source/diagnostic.js"
import type { SourceFile } from "./source/source.js"
import { type TargetProfile, WASM_TARGET } from "./target.js"
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
  data(set: DataSet): DataFacts | Diagnostic
}
export interface Compiled extends Outcome {
  readonly model?: Model
  readonly bundle?: Bundle
}

/** Compiles a program from its source text. */
export function compile(main: SourceFile, host: CompileHost, options: CompileOptions): Compiled {
  const run = new Compilation(options)
  return run.finish(() => {
    const module = run.stage("parse", () => parse(main, run.diagnostics))
    run.reached("ast", "the program as it was read", module, () => printModule(module))
    const checked = run.stage("check", () => checkModule(module, main, host, run.diagnostics))
    run.gate()
    const model = checked ?? bug("check found no error and gave no model")
    run.reached("model", "names resolved, layers instantiated, every value typed", model, () =>
      printModel(model),
    )
    const data = run.stage("data", () => readData(model, host, run.diagnostics))
    run.gate()
    const { graphs } = run.pass(lower, model)
    run.reached("graph", lower.summary, graphs, () => printGraphs(graphs))
    const emitted = emitAll(compileGraphs(graphs, run), batchSizes(model, data), run)
    const name = main.path.replace(/^.*\//, "").replace(/\.nn$/, "")
    const specs = [...data.values()].map((facts) => facts.spec)
    const bundle = run.stage("bundle", () =>
      encode({ name, compiler: VERSION, model, ...emitted, data: specs }),
    )
    return { model, bundle }
  })
}

/** Compiles graphs given as text, from autodiff to WGSL. `dims` stands for every program's largest sizes. */
export function compileGraphText(text: string, dims: DimValues, options: CompileOptions): Outcome {
  const run = new Compilation(options)
  return run.finish(() => {
    const graphs = parseGraphs(text)
    run.reached("graph", "the graphs that were given", graphs, () => printGraphs(graphs))
    emitAll(compileGraphs(graphs, run), () => dims, run)
    return {}
  })
}

function checkModule(
  module: Module,
  main: SourceFile,
  host: CompileHost,
  diagnostics: Diagnostics,
): Model | undefined {
  const files = new Map<string, SourceFile>([[main.path, main]])
  const modules = new Map<string, Module>()
  return check(module, {
    stdlib: host.stdlib.map((file) => parse(file, diagnostics)),
    load: (path, from) => {
      const file = host.load(path, files.get(from) ?? main)
      if (file === undefined) return undefined
      files.set(file.path, file)
      const loaded = modules.get(file.path) ?? parse(file, diagnostics)
      modules.set(file.path, loaded)
      return loaded
    },
    diagnostics,
  })
}

function readData(model: Model, host: CompileHost, diagnostics: Diagnostics): Map<string, DataFacts> {
  const facts = new Map<string, DataFacts>()
  for (const set of model.data) {
    const found = host.data(set)
    if ("code" in found) diagnostics.add(found)
    else facts.set(set.name, found)
  }
  return facts
}

/** Every graph through the graph passes. */
function compileGraphs(graphs: readonly Graph[], run: Compilation): readonly Graph[] {
  let current = graphs
  for (const pass of GRAPH_PASSES) {
    const after = current.map((g) => run.pass(pass, g))
    run.reached(pass.name, pass.summary, after, () => printGraphs(after))
    current = after
  }
  return current
}

type Sizes = (program: string) => DimValues

/** Graphs scheduled for a target, and all of them in one plan. `dumped`: these are the stages to look at. */
function planFor(
  graphs: readonly Graph[],
  sizes: Sizes,
  run: Compilation,
  target: TargetProfile,
  dumped: boolean,
): Plan {
  const fused = graphs.map((g) => run.pass(fuse, g, target))
  const ordered = fused.map((g) => run.pass(order, g, target))
  const programs = ordered.map((g) => run.pass(buildKernels, g, target))
  if (dumped)
    run.reached(buildKernels.name, buildKernels.summary, programs, () =>
      programs.map(printKernelProgram).join("\n"),
    )
  const scheduled = graphs.map((graph, i) => ({ graph, program: programs[i]!, dims: sizes(graph.name) }))
  const plan = run.pass(planMemory, scheduled, target)
  if (dumped) run.reached("plan", planMemory.summary, plan, () => printPlan(plan))
  return plan
}

/** Graphs to code for the devices asked for. The stages shown are those of the first. */
function emitAll(graphs: readonly Graph[], sizes: Sizes, run: Compilation): EmittedCode {
  const { target, devices = ["webgpu", "wasm"] } = run.options
  const webgpu = devices.includes("webgpu") ? emitForWebgpu(planFor(graphs, sizes, run, target, true), run) : undefined
  if (!devices.includes("wasm")) return { webgpu }
  const plan = planFor(graphs, sizes, run, WASM_TARGET, webgpu === undefined)
  run.gate()
  const module = run.stage("wasm", () => emitWasm(plan.kernels))
  run.reached("wasm", "all kernels as one WebAssembly module", plan.kernels, () => printWat(wasmModule(plan.kernels).module))
  return { webgpu, wasm: { plan, module } }
}

function emitForWebgpu(plan: Plan, run: Compilation): EmittedCode["webgpu"] {
  const wgsl = run.stage("wgsl", () => new Map(plan.kernels.map((k) => [k.name, emitWgsl(k)])))
  run.reached("wgsl", "one WGSL module per kernel", wgsl, () => [...wgsl.values()].join("\n"))
  return { plan, wgsl }
}
