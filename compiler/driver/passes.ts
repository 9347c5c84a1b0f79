/** driver: the passes from Model to Plan, in order, one per line. This list is the only pipeline: compiling, `nnc inspect`, checks of
 *  translation and tests walk along it. */
import { autodiff } from "../autodiff/backward.js"
import type { Graph } from "../ir/graph/types.js"
import type { KernelProgram } from "../ir/kernels/types.js"
import type { Budget } from "../ir/model/types.js"
import type { DimValues } from "../ir/tensor.js"
import { lower } from "../lower/lower.js"
import { planMemory } from "../memory/plan.js"
import { afterLoops } from "../optimize/after-loops.js"
import { blockedScans } from "../optimize/blocked-scans.js"
import { cse } from "../optimize/cse.js"
import { dce } from "../optimize/dce.js"
import { foldConstants } from "../optimize/fold-constants.js"
import { sequences } from "../optimize/sequences.js"
import { signs } from "../optimize/signs.js"
import { simplify } from "../optimize/simplify.js"
import { sink } from "../optimize/sink.js"
import type { Pass, PassContext } from "../pass.js"
import { autocast } from "../precision/autocast.js"
import type { GroupedGraph } from "../ir/groups/types.js"
import {
  buildKernels,
  choose,
  cut,
  fuse,
  kernelsFor,
  link,
  multiStep,
  horizontalFusion,
  order,
  pack,
  roll,
  unpack,
} from "../schedule/index.js"
import { rematerialization } from "./budget.js"
import { type GivenPlan, withPlans } from "./plans.js"
import { type Level, type Levels, type State, stateOf, valueOf } from "./levels.js"

/** The facts about the programs beside their code. */
export interface Facts {
  /** The largest B and R of a program, by its name. */
  readonly sizes: (program: string) => DimValues
  /** By the name of the program that trains. */
  readonly budgets: ReadonlyMap<string, Budget>
  /** Plans of kernels that are given. */
  readonly plans?: readonly GivenPlan[]
}
export interface DriverContext extends PassContext, Facts {
  /** Runs the passes behind the present one on graphs, down to `until`, without diagnostics. */
  attempt(graphs: readonly Graph[], until: DriverPass): State
}

/** A pass over all programs of a compilation. */
export interface DriverPass {
  /** Also the word for `--after` and the folder of its cases. */
  readonly name: string
  readonly summary: string
  readonly from: Level
  readonly to: Level
  run(state: State, cx: DriverContext): State
}

type Named = Pick<DriverPass, "name" | "summary">

function pass<A extends Level, B extends Level>(
  from: A,
  to: B,
  { name, summary }: Named,
  run: (input: Levels[A], cx: DriverContext) => Levels[B],
): DriverPass {
  return { name, summary, from, to, run: (state, cx) => stateOf(to, run(valueOf(state, from), cx)) }
}

/** Over every graph by itself. */
const graphs = (each: Pass<Graph, Graph>): DriverPass =>
  pass("graphs", "graphs", each, (all, cx) => all.map((g) => each.run(g, cx)))

/** Over the groups of every part by itself. */
const groups = (each: Pass<GroupedGraph, GroupedGraph>): DriverPass =>
  pass("groups", "groups", each, (all, cx) =>
    all.map((p) => ({ ...p, groups: p.groups.map((g) => each.run(g, cx)) })),
  )

/** Over the kernels of all programs. */
const kernels = (all: Pass<readonly KernelProgram[], readonly KernelProgram[]>): DriverPass =>
  pass("kernels", "kernels", all, (scheduled, cx) => {
    const programs = all.run(
      scheduled.map((s) => s.program),
      cx,
    )
    return scheduled.map((s, i) => ({ ...s, program: programs[i]! }))
  })

const ordered = groups(order)
const planned = pass("kernels", "plan", planMemory, (scheduled, cx) => planMemory.run(scheduled, cx))

/** The passes that are the same for every device. Each preserves the values that a graph computes. Folding first lets simplify see constants; those that
 *  it uncovers are folded again; long walks are cut; cse comes when equal things look equal; signs goes by equal comparisons; dce sweeps
 *  up after all. Loops read their sequences themselves only then: as long as they do not, a slice is a value that rules see. */
export const PROGRAM_PASSES: readonly DriverPass[] = [
  pass("model", "graphs", lower, (model, cx) => lower.run(model, cx).graphs),
  pass("graphs", "graphs", autodiff, (all, cx) =>
    all.map((g) => autodiff.run(g, { ...cx, isMemoryScarce: cx.budgets.has(g.name) })),
  ),
  graphs(sink),
  graphs(foldConstants),
  graphs(simplify),
  graphs(blockedScans),
  graphs(cse),
  graphs(signs),
  graphs(dce),
  graphs(afterLoops),
  graphs(sequences),
  graphs(autocast),
]

/** The passes that run for each kind of device. */
export const DEVICE_PASSES: readonly DriverPass[] = [
  pass("graphs", "graphs", rematerialization, (all, cx) =>
    rematerialization.run(all, {
      ...cx,
      plan: (tried) => valueOf(cx.attempt(tried, planned), "plan"),
      group: (graph) => valueOf(cx.attempt([graph], ordered), "groups")[0]!.groups[0]!,
    }),
  ),
  pass("graphs", "parts", cut, (all, cx) => all.map((graph) => cut.run(graph, cx))),
  pass("parts", "groups", fuse, (all, cx) =>
    all.map((p) => ({ ...p, groups: p.parts.map((x) => fuse.run(x.graph, cx)) })),
  ),
  groups(pack),
  pass("groups", "groups", unpack, (all, cx) => unpack.run(all, cx)),
  ordered,
  pass("groups", "groups", choose, (given, cx) => {
    const all = withPlans(given, cx.plans ?? [], cx)
    const planned = [
      ...choose.run(
        all.flatMap((p) => p.groups),
        cx,
      ),
    ]
    return all.map((p) => ({ ...p, groups: planned.splice(0, p.groups.length) }))
  }),
  pass("groups", "kernels", buildKernels, (all, cx) => {
    const mostRows = all.flatMap((p) => p.groups.map(() => cx.sizes(p.graph.name).B))
    const groups = all.flatMap((p) => p.groups)
    const built = [...kernelsFor(mostRows).run(groups, cx)]
    return all.map(({ graph, parts }) => {
      const program = link(graph, parts, built.splice(0, parts.length))
      return { graph, program, dims: cx.sizes(graph.name) }
    })
  }),
  pass("kernels", "kernels", multiStep, (all, cx) => multiStep.run(all, cx)),
  kernels(horizontalFusion),
  kernels(roll),
  planned,
]

export const PASSES: readonly DriverPass[] = [...PROGRAM_PASSES, ...DEVICE_PASSES]
