/** ir/kernels: packs of slots. Slots have one offset for all programs, so those that a program walks over as a pack lie one after
 *  another for every other program too.
 *  Not here:   which updates run as packs (schedule/), where slots lie (memory/). */
import { bug } from "../../source/bug.js"
import type { Buffer, KernelProgram } from "./types.js"

/** Names of slots in the order in which a pack walks over them. */
export type SlotPack = readonly string[]

/** The numbers of the programs whose packs cannot lie in memory as those of the others do: the ones of fewer slots. */
export function clashing(programs: readonly (readonly SlotPack[])[]): ReadonlySet<number> {
  const size = (at: number): number => programs[at]!.reduce((n, pack) => n + pack.length, 0)
  const kept: (readonly SlotPack[])[] = []
  const out = new Set<number>()
  for (const at of programs.map((_, i) => i).sort((a, b) => size(b) - size(a))) {
    const packs = programs[at]!
    if (joined([...kept, packs].flat()).clash === undefined) kept.push(packs)
    else out.add(at)
  }
  return out
}

/** All slots of f32, in an order in which the packs of all programs lie one after another. */
export function slotsInOrder(programs: readonly KernelProgram[]): Buffer[] {
  const byName = new Map(slotPacks(programs).flatMap((pack) => pack.map((b) => [b.name, b] as const)))
  for (const program of programs)
    for (const b of program.buffers)
      if (b.role === "slot" && b.dtype === "f32" && !byName.has(b.name)) byName.set(b.name, b)
  return [...byName.values()]
}

/** The packs of slots over all programs; a pack that is a run within another one needs nothing of its own. */
export function slotPacks(programs: readonly KernelProgram[]): Buffer[][] {
  const packs = programs.flatMap(packsIn)
  const { kept, clash } = joined(packs.map(namesOf))
  if (clash !== undefined) return bug(`packs of slots overlap: ${clash}`)
  return kept.map((names) => packs.find((pack) => namesOf(pack).join(" ") === names.join(" "))!)
}

const namesOf = (pack: readonly Buffer[]): SlotPack => pack.map((b) => b.name)

function packsIn(program: KernelProgram): Buffer[][] {
  const byId = new Map(program.buffers.map((b) => [b.id, b]))
  return program.packs.flatMap((pack) => {
    const members = pack.members.map((id) => byId.get(id)!)
    if (members.every((b) => b.role === "slot")) return [members]
    return members.some((b) => b.role === "slot")
      ? bug(`pack ${pack.name} mixes slots and other buffers`)
      : []
  })
}

function joined(packs: readonly SlotPack[]): { kept: SlotPack[]; clash?: string } {
  const kept: SlotPack[] = []
  for (const pack of [...packs].sort((a, b) => b.length - a.length)) {
    const names = pack.join(" ")
    if (kept.some((k) => ` ${k.join(" ")} `.includes(` ${names} `))) continue
    const clash = kept.find((k) => k.some((name) => pack.includes(name)))
    if (clash) return { kept, clash: `${names} and ${clash.join(" ")}` }
    kept.push(pack)
  }
  return { kept }
}
