/** compiler: graphs -> code for the devices, one function per noun to start from. Source text and IR text both end up here.
 *  Guarantees: every stage reached is kept; the text of a stage, given back, goes on from it. */
import type { EmittedCode } from "./bundle/encode.js"
import { emitWasm, wasmModule } from "./codegen/wasm/emit.js"
import { linearMemoryExcess } from "./codegen/wasm/limits.js"
import { printWat } from "./codegen/wasm/text.js"
import { emitWgsl } from "./codegen/wgsl/emit.js"
import type { Compilation } from "./compilation.js"
import { printGraphs } from "./ir/graph/text.js"
import type { Graph } from "./ir/graph/types.js"
import { printKernelProgram } from "./ir/kernels/text.js"
import type { Kernel, KernelProgram } from "./ir/kernels/types.js"
import { printPlan } from "./ir/plan/text.js"
import type { Plan } from "./ir/plan/types.js"
import type { DimValues } from "./ir/tensor.js"
import { planMemory } from "./memory/plan.js"
import { GRAPH_PASSES } from "./pipeline.js"
import { printGroups } from "./schedule/group-text.js"
import { WASM_TARGET } from "./target.js"
import { buildKernels, fuse, type GroupedGraph, order, pack } from "./schedule/index.js"

/** The largest B and R of a program, by its name. */
export type Sizes = (program: string) => DimValues

export interface Emitted {
  readonly plan: Plan
  /** By kernel name. */
  readonly wgsl: ReadonlyMap<string, string>
}

/** Graphs as lowering made them, `grad` nodes and all. */
export function fromGraphs(graphs: readonly Graph[], sizes: Sizes, run: Compilation): Emitted {
  return fromOptimized(optimized(graphs, run), sizes, run)
}

/** Graphs as lowering made them, to code for every device asked for. The stages shown are those of the first device. */
export function forDevices(graphs: readonly Graph[], sizes: Sizes, run: Compilation): EmittedCode {
  const { devices = ["webgpu", "wasm"] } = run.options
  const best = optimized(graphs, run)
  const webgpu = devices.includes("webgpu") ? fromOptimized(best, sizes, run) : undefined
  return {
    webgpu,
    wasm: devices.includes("wasm") ? wasmOf(best, sizes, run, webgpu === undefined) : undefined,
  }
}

function optimized(graphs: readonly Graph[], run: Compilation): readonly Graph[] {
  let current = graphs
  for (const pass of GRAPH_PASSES) {
    const after = current.map((g) => run.pass(pass, g))
    run.reached(pass.name, pass.summary, after, () => printGraphs(after))
    current = after
  }
  return current
}

function fromOptimized(graphs: readonly Graph[], sizes: Sizes, run: Compilation): Emitted {
  const fused = graphs.map((g) => run.pass(fuse, g))
  run.reached(fuse.name, fuse.summary, fused, () => fused.map(printGroups).join("\n"))
  const packed = fused.map((g) => run.pass(pack, g))
  run.reached(pack.name, pack.summary, packed, () => packed.map(printGroups).join("\n"))
  return fromGroups(packed, sizes, run)
}

/** `alone`: nothing else is compiled, so these are the stages to show. A program too large for this device is an error then,
 *  and otherwise a remark: the bundle is for WebGPU only. */
function wasmOf(
  graphs: readonly Graph[],
  sizes: Sizes,
  run: Compilation,
  alone: boolean,
): EmittedCode["wasm"] {
  const fused = graphs.map((g) => run.pass(fuse, g, WASM_TARGET))
  const packed = fused.map((g) => run.pass(pack, g, WASM_TARGET))
  const ordered = packed.map((g) => run.pass(order, g, WASM_TARGET))
  const programs = ordered.map((g) => run.pass(buildKernels, g, WASM_TARGET))
  const text = (): string => programs.map(printKernelProgram).join("\n")
  if (alone) run.reached(buildKernels.name, buildKernels.summary, programs, text)
  const scheduled = ordered.map(({ graph }, i) => ({ graph, program: programs[i]!, dims: sizes(graph.name) }))
  const plan = run.pass(planMemory, scheduled, WASM_TARGET)
  if (alone) run.reached(planMemory.name, planMemory.summary, plan, () => printPlan(plan))
  const excess = linearMemoryExcess(plan)
  if (excess !== undefined) {
    run.diagnostics.add({ ...excess, severity: alone ? "error" : "warning" })
    run.gate()
    return undefined
  }
  const module = run.stage("wasm", () => emitWasm(plan.kernels))
  const wat = (): string => printWat(wasmModule(plan.kernels).module)
  run.reached("wasm", "all kernels as one WebAssembly module", plan.kernels, wat)
  return { plan, module }
}

export function fromGroups(fused: readonly GroupedGraph[], sizes: Sizes, run: Compilation): Emitted {
  const ordered = fused.map((g) => run.pass(order, g))
  run.reached(order.name, order.summary, ordered, () => ordered.map(printGroups).join("\n"))
  const programs = ordered.map((g) => run.pass(buildKernels, g))
  const text = (): string => programs.map(printKernelProgram).join("\n")
  run.reached(buildKernels.name, buildKernels.summary, programs, text)
  const scheduled = ordered.map(({ graph }, i) => ({ graph, program: programs[i]!, dims: sizes(graph.name) }))
  const plan = run.pass(planMemory, scheduled)
  run.reached(planMemory.name, planMemory.summary, plan, () => printPlan(plan))
  return { plan, wgsl: emit(plan.kernels, run) }
}

/** Programs of kernels without the graphs they came from: their WGSL, and no plan. */
export const fromKernels = (
  programs: readonly KernelProgram[],
  run: Compilation,
): ReadonlyMap<string, string> =>
  emit(
    programs.flatMap((p) => p.kernels),
    run,
  )

export const fromPlan = (plan: Plan, run: Compilation): Emitted => ({ plan, wgsl: emit(plan.kernels, run) })

function emit(kernels: readonly Kernel[], run: Compilation): ReadonlyMap<string, string> {
  const wgsl = run.stage("wgsl", () => new Map(kernels.map((k) => [k.name, emitWgsl(k)])))
  run.reached("wgsl", "one WGSL module per kernel", wgsl, () => [...wgsl.values()].join("\n"))
  return wgsl
}
