/** memory: slots live in the arena `state`, at one place for all programs. Slots that some program walks over as a pack lie
 *  one after another in the pack's order. */
import { bug } from "../source/bug.js"
import type { Buffer, KernelProgram } from "../ir/kernels/types.js"
import type { StateSlot } from "../ir/graph/types.js"
import type { Arena, PlacedSlot } from "../ir/plan/types.js"
import { bytesOf, evalDim, numel } from "../ir/tensor.js"
import { alignUp, packLayout } from "./lifetimes.js"

const NO_DIMS = { B: 1, R: 1 }

export function placeSlots(
  slots: readonly StateSlot[],
  programs: readonly KernelProgram[],
  alignment: number,
): { arena: Arena; slots: PlacedSlot[] } {
  const runs = slotPacks(programs)
  const inRun = new Map(runs.flatMap((run) => run.map((b) => [b.name, run] as const)))
  const placed = new Map<string, { offset: number; bytes: number }>()
  let end = 0
  for (const slot of slots) {
    if (placed.has(slot.name)) continue
    const run = inRun.get(slot.name)
    if (run) {
      const layout = packLayout(run, NO_DIMS)
      for (const m of layout.members) placed.set(m.buffer.name, { offset: end + m.offset, bytes: m.bytes })
      end = alignUp(end + layout.bytes, alignment)
    } else {
      const bytes = alignUp(
        Math.max(1, evalDim(numel(slot.type.shape), NO_DIMS)) * bytesOf(slot.type.dtype),
        16,
      )
      placed.set(slot.name, { offset: end, bytes })
      end = alignUp(end + bytes, alignment)
    }
  }
  return {
    arena: { name: "state", bytes: Math.max(end, alignment) },
    slots: slots.map((s) => ({
      name: s.name,
      type: s.type,
      role: s.role,
      arena: "state",
      ...placed.get(s.name)!,
    })),
  }
}

/** Programs with packs of slots that cannot lie in memory as those of the others do: the ones of fewer slots. */
export function clashing(programs: readonly KernelProgram[]): ReadonlySet<KernelProgram> {
  const size = (p: KernelProgram): number => packsIn(p).reduce((n, pack) => n + pack.length, 0)
  const kept: KernelProgram[] = []
  const out = new Set<KernelProgram>()
  for (const program of [...programs].sort((a, b) => size(b) - size(a))) {
    if (joined([...kept, program].flatMap(packsIn)).clash === undefined) kept.push(program)
    else out.add(program)
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
function slotPacks(programs: readonly KernelProgram[]): Buffer[][] {
  const { kept, clash } = joined(programs.flatMap(packsIn))
  return clash === undefined ? kept : bug(`packs of slots overlap: ${clash}`)
}

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

function joined(packs: readonly Buffer[][]): { kept: Buffer[][]; clash?: string } {
  const kept: Buffer[][] = []
  for (const pack of [...packs].sort((a, b) => b.length - a.length)) {
    const names = pack.map((b) => b.name).join(" ")
    if (kept.some((k) => ` ${k.map((b) => b.name).join(" ")} `.includes(` ${names} `))) continue
    const clash = kept.find((k) => k.some((b) => pack.some((p) => p.name === b.name)))
    if (clash) return { kept, clash: `${names} and ${clash.map((b) => b.name).join(" ")}` }
    kept.push(pack)
  }
  return { kept }
}
