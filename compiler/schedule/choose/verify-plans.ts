/** schedule: whether a target can carry out the plans of groups.
 *  Assumes: the groups are well formed otherwise. */
import type { Complaint } from "../../ir/complaint.js"
import { printPlan } from "../../ir/groups/plans.js"
import type { GroupedGraph } from "../../ir/groups/types.js"
import type { TargetProfile } from "../../targets/target.js"
import { planProblems } from "./choose.js"

export function verifyPlans(grouped: GroupedGraph, target: TargetProfile): Complaint[] {
  const problemOf = planProblems(grouped, target)
  return grouped.groups.flatMap((group): Complaint[] => {
    const { kind, id, plan } = group
    const problem = problemOf(group)
    if (!plan || problem === undefined) return []
    return [{ where: `${kind} ${id}`, message: `it cannot run as ${printPlan(plan)}: ${problem}`, of: plan }]
  })
}
