/** choose: a plan for every group that has none.   GroupedGraph[] -> GroupedGraph[]
 *  Assumes:    groups are in dispatch order.
 *  Guarantees: every group has a plan that the target can carry out; plans that were there stay. Templates choose nothing.
 *  Not here:   the cost of a choice (`cost/`), the loops of a plan (`templates/`). */
import type { Group, GroupedGraph, GroupKind, KernelPlan } from "../../ir/groups/types.js"
import { indexGraph } from "../../ir/graph/graph-index.js"
import { MOST_ROWS } from "../../ir/kernels/most.js"
import type { Pass } from "../../pass.js"
import type { TargetProfile } from "../../targets/target.js"
import { groupForm } from "../kernel/form.js"
import { KernelBuild, type Placed } from "../kernel/kernel-build.js"
import { buffersIn, unaligned } from "../kernel/placed.js"
import { chains } from "./chains.js"
import { elements } from "./elements.js"
import type { Planner } from "./planner.js"
import { products } from "./products.js"
import { rows } from "./rows.js"

const PLANNERS: Readonly<Record<GroupKind, Planner>> = {
  map: elements,
  row: rows,
  contract: products,
  pack: elements,
  chain: chains,
}

export const choose: Pass<readonly GroupedGraph[], readonly GroupedGraph[]> = {
  name: "choose",
  summary: "choose how the loops of every group run",
  run: (all, { target }) => {
    // Groups of one form have one plan.
    const plans = new Map<string, KernelPlan>()
    return all.map((grouped) => {
      const planning = planningOf(grouped, target)
      const planned = (group: Group): Group => {
        if (group.plan !== null) return group
        const form = planning.formOf(group)
        const known = form === undefined ? undefined : plans.get(form)
        const plan = known ?? PLANNERS[group.kind].best(planning.build(group))
        if (form !== undefined) plans.set(form, plan)
        return { ...group, plan }
      }
      return { ...grouped, groups: grouped.groups.map(planned) }
    })
  },
}

/** The questions about a group that precede its kernel. */
interface Planning {
  build(group: Group): KernelBuild
  /** Equal for groups with equal plans; undefined: not worth telling. */
  formOf(group: Group): string | undefined
}
function planningOf(grouped: GroupedGraph, target: TargetProfile): Planning {
  const placed: Placed = { ...buffersIn(indexGraph(grouped.graph), grouped), target, mostRows: MOST_ROWS }
  const narrow = unaligned(placed)
  return {
    build: (group) => new KernelBuild(placed, group, narrow),
    formOf: (group) =>
      group.kind === "row" || group.kind === "contract" ? groupForm(placed, group, narrow).key : undefined,
  }
}

/** Plans of a group that can be carried out, that of the cost model first. */
export function plansOf(grouped: GroupedGraph, group: Group, target: TargetProfile): readonly KernelPlan[] {
  const { build } = planningOf(grouped, target)
  const planner = PLANNERS[group.kind]
  const best = planner.best(build(group))
  const others = planner.others(build(group)).filter((p) => planner.problem(build(group), p) === undefined)
  const texts = new Set<string>()
  return [best, ...others].filter((plan) => {
    const text = JSON.stringify(Object.entries(plan).sort())
    return !texts.has(text) && texts.add(text)
  })
}

/** Why a group of the graph cannot be run as planned; undefined: it can. */
export function planProblems(
  grouped: GroupedGraph,
  target: TargetProfile,
): (group: Group) => string | undefined {
  const planning = planningOf(grouped, target)
  return (group) =>
    group.plan === null ? undefined : PLANNERS[group.kind].problem(planning.build(group), group.plan)
}
