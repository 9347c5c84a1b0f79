/** schedule: packs that cannot lie in memory as those of other programs do are taken apart.   GroupedProgram[] -> GroupedProgram[]
 *  Assumes:    `pack` ran; groups are not ordered yet.
 *  Guarantees: the packs of all programs agree on the order of slots in memory. Of programs that do not, the one whose packs hold
 *              fewer slots has none. */
import { clashing, type SlotPack } from "../../ir/kernels/packs.js"
import type { Pass } from "../../pass.js"
import type { GroupedGraph, GroupedProgram } from "../../ir/groups/types.js"
import { storedIn } from "./loads.js"
import { packOperands, slotHolding } from "./pack.js"
import { indexGraph } from "../../ir/graph/graph-index.js"

export const unpack: Pass<readonly GroupedProgram[], readonly GroupedProgram[]> = {
  name: "unpack",
  summary: "take packs apart whose slots cannot lie in one order for all programs",
  run: (programs, cx) => {
    const apart = clashing(programs.map((p) => p.groups.flatMap(slotPacksIn)))
    return programs.map((p, i) => {
      if (!apart.has(i)) return p
      cx.remark(
        `${p.graph.name}: its updates run by themselves, as other programs pack their slots otherwise`,
      )
      return { ...p, groups: p.groups.map(withoutPacks) }
    })
  },
}

const withoutPacks = ({ graph, groups }: GroupedGraph): GroupedGraph => ({
  graph,
  groups: groups.flatMap((x) => (x.kind === "pack" ? x.parts : [x])),
})

/** The slots among the buffers that a pack walks over. */
function slotPacksIn(grouped: GroupedGraph): SlotPack[] {
  const g = indexGraph(grouped.graph)
  const inBuffer = storedIn(grouped)
  const slotOf = slotHolding(g, grouped.groups)
  return grouped.groups.flatMap((group) => {
    if (group.kind !== "pack") return []
    return packOperands(g, group, inBuffer).flatMap((operands): SlotPack[] => {
      const names = operands.flatMap((v) => g.slots.get(slotOf(v) ?? -1)?.name ?? [])
      return names.length === operands.length ? [names] : []
    })
  })
}
