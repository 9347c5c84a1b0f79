/** ir/plan: an independent proof that the plan is sound. Guarantees, when it returns nothing:
 *   1. every range lies within its arena;
 *   2. binding offsets are multiples of the alignment;
 *   3. two buffers of one program that are alive at the same dispatch share no byte;
 *   4. slots share no byte, and no buffer that lives within a call lies in their arena;
 *   5. in one dispatch, ranges of one arena do not overlap unless they are equal reads, and an arena that is written is bound
 *      read_write throughout;
 *   6. every dispatch names a kernel with as many parameters as it has bindings, and only buffers of its program. */
import type { Complaint } from "../complaint.js"
import type { Kernel } from "../kernels/types.js"
import type { Placement, Plan, PlannedProgram } from "./types.js"

type Say = (where: string, message: string, of: object) => void

/** All that is wrong; empty when the plan is sound. */
export function verifyPlan(plan: Plan, alignment: number): Complaint[] {
  const complaints: Complaint[] = []
  const say: Say = (where, message, of) => void complaints.push({ where, message, of })
  const arenas = new Map(plan.arenas.map((a) => [a.name, a.bytes]))
  const inside = (p: Placement): boolean =>
    p.arena.startsWith("data:") || (p.offset >= 0 && p.offset + p.bytes <= (arenas.get(p.arena) ?? -1))
  for (const s of plan.slots) if (!inside(s)) say(`slot ${s.name}`, `it lies outside arena ${s.arena}`, s)
  for (const [a, b] of overlapping(plan.slots, () => true)) say(`slot ${b.name}`, `it overlaps ${a.name}`, b)
  const kernels = new Map(plan.kernels.map((k) => [k.name, k]))
  for (const program of plan.programs) {
    for (const b of program.buffers)
      if (!inside(b)) say(`${program.name}, ${b.name}`, `it lies outside arena ${b.arena}`, b)
    const own = program.buffers.filter((b) => b.role !== "slot" && b.role !== "data")
    for (const b of own)
      if (b.arena === "state") say(`${program.name}, ${b.name}`, "it lies in the arena of the slots", b)
    for (const [a, b] of overlapping(own, (x, y) => x.first <= y.last && y.first <= x.last))
      say(`${program.name}, ${b.name}`, `it overlaps ${a.name}, which is alive at the same time`, b)
    verifyDispatches(program, kernels, alignment, say)
  }
  return complaints
}

/** Pairs that share a byte of one arena, among those for which `concerns` holds. A sweep over offsets. */
function overlapping<T extends Placement>(items: readonly T[], concerns: (a: T, b: T) => boolean): [T, T][] {
  const found: [T, T][] = []
  const sorted = [...items].sort((a, b) =>
    a.arena < b.arena ? -1 : a.arena > b.arena ? 1 : a.offset - b.offset,
  )
  let open: T[] = []
  for (const item of sorted) {
    open = open.filter((o) => o.arena === item.arena && o.offset + o.bytes > item.offset)
    for (const o of open) if (concerns(o, item)) found.push([o, item])
    open.push(item)
  }
  return found
}

function verifyDispatches(
  program: PlannedProgram,
  kernels: ReadonlyMap<string, Kernel>,
  alignment: number,
  say: Say,
): void {
  const ids = new Set(program.buffers.map((b) => b.id))
  program.dispatches.forEach((d, at) => {
    const where = `${program.name}, dispatch ${at} (${d.kernel})`
    const kernel = kernels.get(d.kernel)
    if (kernel === undefined) return say(where, "no such kernel", d)
    if (kernel.params.length !== d.bindings.length)
      return say(where, `${d.bindings.length} bindings for ${kernel.params.length} parameters`, d)
    d.bindings.forEach((binding, i) => {
      if (binding.offset % alignment !== 0) say(where, `binding ${i} is not aligned to ${alignment}`, d)
      for (const id of binding.buffers) if (!ids.has(id)) say(where, `no buffer ${id}`, d)
      const written = d.bindings.some(
        (b, j) => b.arena === binding.arena && kernel.params[j]!.access !== "read",
      )
      if (written && kernel.params[i]!.access === "read")
        say(where, `binding ${i} reads arena ${binding.arena}, which the dispatch writes`, d)
    })
    const bound = d.bindings.map((b, i) => ({ ...b, bytes: Math.max(b.bytes, 1), index: i }))
    for (const [a, b] of overlapping(bound, () => true)) {
      const reads = kernel.params[a.index]!.access === "read" && kernel.params[b.index]!.access === "read"
      if (!reads) say(where, `bindings ${a.index} and ${b.index} overlap in arena ${a.arena}`, d)
    }
  })
}
