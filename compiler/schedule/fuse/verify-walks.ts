/** schedule: verifies that the loops of groups follow from their members, beside the checks of `ir/groups/verify.ts`.
 *  Assumes: the groups are well formed otherwise. */
import type { Complaint } from "../../ir/complaint.js"
import { indexGraph } from "../../ir/graph/graph-index.js"
import type { Group, GroupedGraph } from "../../ir/groups/types.js"
import { walkerOf } from "./probe.js"

export function verifyWalks({ graph, groups }: GroupedGraph): Complaint[] {
  const g = indexGraph(graph)
  const parts = (x: Group): Group[] => [x, ...x.parts.flatMap(parts)]
  return groups.flatMap(parts).flatMap((x) =>
    x.parts.length === 0 && x.full.length > 0 && walkerOf(g, x) === undefined
      ? [
          {
            where: `${x.kind} ${x.id}`,
            message: "no reduction says how the elements of a row are walked over",
            of: x,
          },
        ]
      : [],
  )
}
