/** compiler: graphs -> code for the devices, one function per noun to start from. Source text and IR text both end up here.
 *  Guarantees: every stage reached is kept; the text of a stage, given back, goes on from it. */
import type { EmittedCode } from "./bundle/encode.js"
import type { WebgpuCode } from "./bundle/encode-variants.js"
import { emitWasm, wasmModule } from "./codegen/wasm/emit.js"
import { linearMemoryExcess } from "./codegen/wasm/limits.js"
import { printWat } from "./codegen/wasm/text.js"
import { emitWgsl } from "./codegen/wgsl/emit.js"
import { type Budgets, RECOMPUTE, withinBudgets } from "./budget.js"
import type { Compilation } from "./compilation.js"
import { graphDiagrams } from "./ir/graph/diagram.js"
import { printGraphs } from "./ir/graph/text.js"
import type { Graph } from "./ir/graph/types.js"
import { programDiagram } from "./ir/kernels/diagram.js"
import { printKernelProgram } from "./ir/kernels/text.js"
import type { Kernel, KernelProgram } from "./ir/kernels/types.js"
import { printPlan } from "./ir/plan/text.js"
import type { Plan } from "./ir/plan/types.js"
import type { DimValues } from "./ir/tensor.js"
import { planMemory, type Scheduled } from "./memory/plan.js"
import { clashing, slotsInOrder } from "./memory/slots.js"
import { GRAPH_PASSES } from "./pipeline.js"
import { groupDiagrams } from "./schedule/group-diagram.js"
import { printGroups } from "./schedule/group-text.js"
import {
  buildKernels,
  canBeMany,
  cut,
  forOneWorkgroup,
  fuse,
  type GroupedGraph,
  link,
  manyCalls,
  manyPays,
  merge,
  order,
  pack,
  type Part,
  roll,
  workOf,
} from "./schedule/index.js"
import { type TargetProfile, WASM_TARGET } from "./target.js"

/** The largest B and R of a program, by its name. */
export type Sizes = (program: string) => DimValues

export interface Emitted {
  readonly plan: Plan
  /** By kernel name. */
  readonly wgsl: ReadonlyMap<string, string>
}

/** Graphs as lowering made them, `grad` nodes and all. */
export function fromGraphs(
  graphs: readonly Graph[],
  sizes: Sizes,
  run: Compilation,
  budgets: Budgets = new Map(),
): Emitted {
  return fromOptimized(optimized(graphs, run), sizes, run, budgets)
}

/** Graphs as lowering made them, to code for every device asked for. The stages shown are those of the first device. */
export function forDevices(
  graphs: readonly Graph[],
  sizes: Sizes,
  run: Compilation,
  budgets: Budgets = new Map(),
): EmittedCode {
  const { devices = ["webgpu", "wasm"] } = run.options
  const best = optimized(graphs, run)
  const [webgpu, ...variants] = devices.includes("webgpu") ? webgpuOf(best, sizes, run, budgets) : []
  return {
    webgpu,
    variants,
    wasm: devices.includes("wasm") ? wasmOf(best, sizes, run, budgets, webgpu === undefined) : undefined,
  }
}

function optimized(graphs: readonly Graph[], run: Compilation): readonly Graph[] {
  let current = graphs
  for (const pass of GRAPH_PASSES) {
    const after = current.map((g) => run.pass(pass, g))
    reachedGraphs(run, pass, after)
    current = after
  }
  return current
}

/** Code for the compilation's own target, whose stages are shown, and for its variants. */
function webgpuOf(
  graphs: readonly Graph[],
  sizes: Sizes,
  run: Compilation,
  budgets: Budgets,
): readonly WebgpuCode[] {
  const { target, variants = [] } = run.options
  const own = fromOptimized(graphs, sizes, run, budgets)
  const others = variants.map((variant): WebgpuCode => {
    const plan = planOf(graphs, sizes, run, budgets, { shown: false, target: variant })
    run.gate()
    return { target: variant, plan, wgsl: run.stage("wgsl", () => wgslOf(plan.kernels)) }
  })
  return [{ target, ...own }, ...others]
}

function fromOptimized(graphs: readonly Graph[], sizes: Sizes, run: Compilation, budgets: Budgets): Emitted {
  const plan = planOf(graphs, sizes, run, budgets, SHOWN)
  return { plan, wgsl: emit(plan.kernels, run) }
}

/** `alone`: nothing else is compiled, so these are the stages to show. A program too large for this device is an error then,
 *  and otherwise a remark: the bundle is for WebGPU only. */
function wasmOf(
  graphs: readonly Graph[],
  sizes: Sizes,
  run: Compilation,
  budgets: Budgets,
  alone: boolean,
): EmittedCode["wasm"] {
  const plan = planOf(graphs, sizes, run, budgets, { shown: alone, target: WASM_TARGET })
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

/** Optimised graphs, scheduled, and laid out in memory within the budgets of their programs. */
function planOf(graphs: readonly Graph[], sizes: Sizes, run: Compilation, budgets: Budgets, how: How): Plan {
  const { shown, target = run.options.target } = how
  const scheduled = (all: readonly Graph[], inRun: Compilation, hows: How): Plan => {
    const whole = all.map((graph): Whole => ({ graph, parts: inRun.pass(cut, graph, target) }))
    return planned(whole, packed(whole, inRun, hows), sizes, inRun, hows)
  }
  if (budgets.size === 0) return scheduled(graphs, run, how)
  const aside = run.aside()
  const within = withinBudgets(graphs, budgets, {
    plan: (all) => scheduled(all, aside, { shown: false, target }),
    group: (graph) => aside.pass(order, aside.pass(pack, aside.pass(fuse, graph, target), target), target),
    sizes,
    target,
    run,
  })
  if (shown) reachedGraphs(run, RECOMPUTE, within)
  return scheduled(within, run, how)
}

/** Groups read from text, packed or not: each graph is a program of its own. */
export function fromGroups(grouped: readonly GroupedGraph[], sizes: Sizes, run: Compilation): Emitted {
  const whole = grouped.map(({ graph }): Whole => ({ graph, parts: [{ graph, turns: null }] }))
  const packs = grouped.map((g) => run.pass(pack, g))
  const plan = planned(whole, packs, sizes, run, SHOWN)
  return { plan, wgsl: emit(plan.kernels, run) }
}

/** Keeps graphs as what `stage` made. */
export const reachedGraphs = (run: Compilation, { name, summary }: Stage, graphs: readonly Graph[]): void =>
  run.reached(
    name,
    summary,
    graphs,
    () => printGraphs(graphs),
    () => graphs.flatMap((g) => graphDiagrams(g)),
  )

const reachedGroups = (run: Compilation, { name, summary }: Stage, groups: readonly GroupedGraph[]): void =>
  run.reached(
    name,
    summary,
    groups,
    () => groups.map(printGroups).join("\n"),
    () => groups.flatMap(groupDiagrams),
  )

function reachedPrograms(run: Compilation, { name, summary }: Stage, scheduled: readonly Scheduled[]): void {
  const programs = scheduled.map((s) => s.program)
  run.reached(
    name,
    summary,
    programs,
    () => scheduled.map((s) => printKernelProgram(s.program, s.dims)).join("\n"),
    () => programs.map(programDiagram),
  )
}

interface Stage {
  readonly name: string
  readonly summary: string
}

/** A graph and the parts that it was cut into. */
interface Whole {
  readonly graph: Graph
  readonly parts: readonly Part[]
}
/** For which target (left out: the compilation's own), and whether the stages are kept to be shown. */
interface How {
  readonly shown: boolean
  readonly target?: TargetProfile
}
const SHOWN: How = { shown: true }

/** The groups of all parts, in order. */
function packed(whole: readonly Whole[], run: Compilation, { shown, target }: How): readonly GroupedGraph[] {
  const fused = whole.flatMap(({ parts }) => parts.map((p) => run.pass(fuse, p.graph, target)))
  if (shown) reachedGroups(run, fuse, fused)
  const packs = fused.map((g) => run.pass(pack, g, target))
  if (shown) reachedGroups(run, pack, packs)
  return packs
}

/** `grouped` has the groups of all parts, in order. */
function planned(
  whole: readonly Whole[],
  grouped: readonly GroupedGraph[],
  sizes: Sizes,
  run: Compilation,
  { shown, target }: How,
): Plan {
  const programsOf = (all: readonly GroupedGraph[]): KernelProgram[] => {
    const built = [...run.pass(buildKernels, all, target)]
    return whole.map(({ graph, parts }) => link(graph, parts, built.splice(0, parts.length)))
  }
  let ordered = grouped.map((g) => run.pass(order, g, target))
  let programs = programsOf(ordered)
  const apart = clashing(programs)
  if (apart.size > 0) {
    const unpacked = whole.flatMap(({ parts }, i) => parts.map(() => apart.has(programs[i]!)))
    ordered = grouped.map((g, i) => (unpacked[i] ? run.pass(order, withoutPacks(g), target) : ordered[i]!))
    programs = programsOf(ordered)
  }
  if (shown) reachedGroups(run, order, ordered)
  const single = whole.map(({ graph }, i): Scheduled => {
    return { graph, program: programs[i]!, dims: sizes(graph.name) }
  })
  const unmerged = [...single, ...manyOf(single, run, target ?? run.options.target)]
  if (shown) reachedPrograms(run, buildKernels, unmerged)
  const through = (pass: typeof merge, before: readonly Scheduled[]): Scheduled[] => {
    const programs = before.map((s) => s.program)
    const after = run.pass(pass, programs, target)
    const scheduled = before.map((s, i) => ({ ...s, program: after[i]! }))
    if (shown) reachedPrograms(run, pass, scheduled)
    return scheduled
  }
  const scheduled = through(roll, through(merge, unmerged))
  const plan = run.pass(planMemory, scheduled, target)
  if (shown) run.reached(planMemory.name, planMemory.summary, plan, () => printPlan(plan))
  return plan
}

const withoutPacks = ({ graph, groups }: GroupedGraph): GroupedGraph => ({
  graph,
  groups: groups.flatMap((x) => (x.kind === "pack" ? x.parts : [x])),
})

/** Programs that pay it, scheduled a second time: all kernels as one, for many calls in a dispatch. */
function manyOf(single: readonly Scheduled[], run: Compilation, target: TargetProfile): Scheduled[] {
  const slots = slotsInOrder(single.map((s) => s.program))
  const within = forOneWorkgroup(target)
  return single.flatMap(({ graph, program, dims }) => {
    if (!canBeMany(graph) || !manyPays(workOf(graph, dims), program.dispatches.length, target)) return []
    const groups = run.pass(order, run.pass(fuse, graph, within), within)
    const kernels = run.pass(buildKernels, [groups], within)
    const many = run.stage("many", () => manyCalls(kernels[0]!, dims, slots, target))
    return typeof many === "string" ? [] : [{ graph, program: many, dims }]
  })
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

const wgslOf = (kernels: readonly Kernel[]): ReadonlyMap<string, string> =>
  new Map(kernels.map((k) => [k.name, emitWgsl(k)]))

function emit(kernels: readonly Kernel[], run: Compilation): ReadonlyMap<string, string> {
  const wgsl = run.stage("wgsl", () => wgslOf(kernels))
  run.reached("wgsl", "one WGSL module per kernel", wgsl, () => [...wgsl.values()].join("\n"))
  return wgsl
}
