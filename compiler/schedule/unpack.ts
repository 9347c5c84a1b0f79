/** schedule: packs that cannot lie in memory as those of other programs do are taken apart.   GroupedProgram[] -> GroupedProgram[]
 *  Assumes:    `pack` ran; groups are not ordered yet.
 *  Guarantees: the packs of all programs agree on the order of slots in memory. Of programs that do not, the one whose packs hold
 *              fewer slots has none. */
import type { ValueId } from "../ir/graph/types.js"
import { clashing, type SlotPack } from "../ir/kernels/packs.js"
import type { Pass } from "../pass.js"
import { bug } from "../source/bug.js"
import type { GroupedGraph, GroupedProgram } from "./group.js"
import { storedIn } from "./group-loads.js"
import { packForm } from "./pack.js"
import { indexGraph } from "./values.js"

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

/** A pack walks over one buffer of each part at a time: those that are slots. */
function slotPacksIn(grouped: GroupedGraph): SlotPack[] {
  const g = indexGraph(grouped.graph)
  const inBuffer = storedIn(grouped)
  const into = new Map(grouped.groups.flatMap((x) => x.stores.map((s) => [s.value, s.slot] as const)))
  const slotOf = (v: ValueId): string | undefined => g.slots.get(into.get(v) ?? v)?.name
  return grouped.groups.flatMap((group) => {
    if (group.kind !== "pack") return []
    const parts = group.parts.map(
      (x) => packForm(g, x, inBuffer)?.operands ?? bug("a part of a pack has a form"),
    )
    return parts[0]!.flatMap((_, n): SlotPack[] => {
      const names = parts.flatMap((operands) => slotOf(operands[n]!) ?? [])
      return names.length === parts.length ? [names] : []
    })
  })
}
