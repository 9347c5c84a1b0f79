/** test: single graphs along the driver's list of passes, each result verified. */
import { Compilation } from "../../compiler/driver/compilation.js"
import { type State, stateOf, valueOf } from "../../compiler/driver/levels.js"
import { DEVICE_PASSES, type DriverPass, type Facts, PROGRAM_PASSES } from "../../compiler/driver/passes.js"
import type { Graph } from "../../compiler/ir/graph/types.js"
import { MOST_ROWS } from "../../compiler/ir/kernels/most.js"
import type { KernelProgram } from "../../compiler/ir/kernels/types.js"
import type { DimValues } from "../../compiler/ir/tensor.js"
import { multiStep } from "../../compiler/schedule/index.js"
import { DEFAULT_TARGET, type TargetProfile } from "../../compiler/targets/index.js"

export const factsFor = (dims: DimValues, budgets: Facts["budgets"] = new Map()): Facts => ({
  sizes: () => dims,
  budgets,
})

/** Whatever the passes make of it; throws what they had to say. */
export function through(
  passes: readonly DriverPass[],
  from: State,
  {
    target = DEFAULT_TARGET,
    dims = { B: 3, R: 7 },
    budgets,
  }: { target?: TargetProfile; dims?: DimValues; budgets?: Facts["budgets"] | undefined } = {},
): State {
  const run = new Compilation({ target, verify: true })
  let reached = from
  run.finish(() => {
    reached = run.through(passes, from, factsFor(dims, budgets))
    return {}
  })
  const said = run.diagnostics.all
  if (said.length > 0) throw new Error(said.map((d) => d.message).join("\n"))
  return reached
}

/** A graph as the scheduler gets it. */
export const optimized = (graph: Graph, budgets?: Facts["budgets"]): Graph =>
  valueOf(through(PROGRAM_PASSES.slice(1), stateOf("graphs", [graph]), { budgets }), "graphs")[0]!

/** The kernels of a graph for batches of any size, as they go into the plan, without those for many steps at once. */
export function scheduled(graph: Graph, target: TargetProfile): KernelProgram {
  const passes = DEVICE_PASSES.filter((p) => p.to !== "plan" && p.name !== multiStep.name)
  const dims = { B: MOST_ROWS, R: 7 }
  return valueOf(through(passes, stateOf("graphs", [graph]), { target, dims }), "kernels")[0]!.program
}
