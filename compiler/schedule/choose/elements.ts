/** schedule: plans of elementwise groups. */
import type { KernelPlan, MapPlan } from "../../ir/groups/types.js"
import { divDim, numel } from "../../ir/tensor.js"
import { inFours, mapLanes, nominal } from "../cost/model.js"
import type { KernelBuild } from "../kernel/kernel-build.js"
import { type Planner, SIZES_OF_WORKGROUPS, tooManyLanes } from "./planner.js"

export const elements = {
  best(b: KernelBuild): MapPlan {
    const { target } = b.placed
    const total = numel(b.group.outer)
    const quads = inFours(target) ? divDim(total, 4) : undefined
    return {
      kind: "map",
      width: quads === undefined ? 1 : 4,
      lanes: mapLanes(nominal(quads ?? total), target),
    }
  },

  others: (): readonly KernelPlan[] =>
    ([4, 1] as const).flatMap((width) => SIZES_OF_WORKGROUPS.map((lanes) => ({ kind: "map", width, lanes }))),

  problem(b: KernelBuild, plan: KernelPlan): string | undefined {
    if (plan.kind !== "map") return `a ${b.group.kind} group has plans of the kind map`
    if (plan.width === 4 && !inFours(b.placed.target)) return "one workgroup works on single elements"
    if (plan.width === 4 && divDim(numel(b.group.outer), 4) === undefined)
      return "the number of elements is no multiple of 4"
    return tooManyLanes(b, plan.lanes)
  },
} satisfies Planner
