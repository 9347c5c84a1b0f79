/** compiler: graphs -> WGSL, one function per noun to start from. Source text and IR text both end up here.
 *  Guarantees: every stage reached is kept; the text of a stage, given back, goes on from it. */
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
import {
  buildKernels,
  cut,
  fuse,
  type GroupedGraph,
  link,
  order,
  pack,
  type Part,
} from "./schedule/index.js"

/** The largest B and R of a program, by its name. */
export type Sizes = (program: string) => DimValues

export interface Emitted {
  readonly plan: Plan
  /** By kernel name. */
  readonly wgsl: ReadonlyMap<string, string>
}

/** Graphs as lowering made them, `grad` nodes and all. */
export function fromGraphs(graphs: readonly Graph[], sizes: Sizes, run: Compilation): Emitted {
  let current = graphs
  for (const pass of GRAPH_PASSES) {
    const after = current.map((g) => run.pass(pass, g))
    run.reached(pass.name, pass.summary, after, () => printGraphs(after))
    current = after
  }
  const whole = current.map((graph): Whole => ({ graph, parts: run.pass(cut, graph) }))
  const fused = whole.flatMap(({ parts }) => parts.map((p) => run.pass(fuse, p.graph)))
  run.reached(fuse.name, fuse.summary, fused, () => fused.map(printGroups).join("\n"))
  const packed = fused.map((g) => run.pass(pack, g))
  run.reached(pack.name, pack.summary, packed, () => packed.map(printGroups).join("\n"))
  return groupsOf(whole, packed, sizes, run)
}

/** Groups read from text: each graph is a program of its own. */
export function fromGroups(fused: readonly GroupedGraph[], sizes: Sizes, run: Compilation): Emitted {
  const whole = fused.map(({ graph }): Whole => ({ graph, parts: [{ graph, turns: null }] }))
  return groupsOf(whole, fused, sizes, run)
}

/** A graph and the parts that it was cut into. */
interface Whole {
  readonly graph: Graph
  readonly parts: readonly Part[]
}

/** `fused` has the groups of all parts, in order. */
function groupsOf(
  whole: readonly Whole[],
  fused: readonly GroupedGraph[],
  sizes: Sizes,
  run: Compilation,
): Emitted {
  const ordered = fused.map((g) => run.pass(order, g))
  run.reached(order.name, order.summary, ordered, () => ordered.map(printGroups).join("\n"))
  const built = ordered.map((g) => run.pass(buildKernels, g))
  const programs = whole.map(({ graph, parts }) => link(graph, parts, built.splice(0, parts.length)))
  const text = (): string => programs.map(printKernelProgram).join("\n")
  run.reached(buildKernels.name, buildKernels.summary, programs, text)
  const scheduled = whole.map(({ graph }, i) => ({ graph, program: programs[i]!, dims: sizes(graph.name) }))
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
