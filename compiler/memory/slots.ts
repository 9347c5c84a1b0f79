/** memory: slots live in the arena `state`, at one place for all programs. Slots that some program walks over as a pack lie
 *  one after another in the pack's order. */
import { slotPacks } from "../ir/kernels/packs.js"
import type { KernelProgram } from "../ir/kernels/types.js"
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
