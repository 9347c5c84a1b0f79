/** schedule: plans of a product with the rows that read it. */
import type { ChainPlan, KernelPlan } from "../../ir/groups/types.js"
import { isStatic, numel } from "../../ir/tensor.js"
import { mapLanes, nominal, rowLanes } from "../cost/model.js"
import type { KernelBuild } from "../kernel/kernel-build.js"
import { type Planner, SIZES_OF_WORKGROUPS, tooManyLanes, tooMuchMemory } from "./planner.js"

export const chains = {
  best(b: KernelBuild): ChainPlan {
    const { target } = b.placed
    if (target.costs.sharesRows) return { kind: "chain", by: "workgroup", lanes: rowLanes(target) }
    return { kind: "chain", by: "invocation", lanes: mapLanes(nominal(numel(b.group.outer)), target) }
  },

  others: (): readonly KernelPlan[] =>
    (["workgroup", "invocation"] as const).flatMap((by) =>
      SIZES_OF_WORKGROUPS.map((lanes) => ({ kind: "chain", by, lanes })),
    ),

  problem(b: KernelBuild, plan: KernelPlan): string | undefined {
    if (plan.kind !== "chain") return "a chain has plans of the kind chain"
    const columns = numel(b.group.inner)
    if (!isStatic(columns)) return "the columns of a chain are counted"
    if (plan.by === "workgroup" && plan.lanes < columns)
      return `a workgroup has a lane for each of the ${columns} columns`
    const bytes = plan.by === "workgroup" ? 4 * columns * (plan.lanes + 1) : 0
    return tooManyLanes(b, plan.lanes) ?? tooMuchMemory(b, bytes)
  },
} satisfies Planner
