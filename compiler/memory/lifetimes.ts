/** memory: first and last use of every allocation of one program.
 *  An allocation is a buffer, or a pack of buffers that must lie one after another. */
import { bug } from "../source/bug.js"
import { bytesOf, evalDim, type DimValues } from "../ir/tensor.js"
import { PACK_ALIGN, type Buffer, type KernelProgram } from "../ir/kernels/types.js"

export interface Allocation {
  readonly name: string
  /** The members in memory order, each with its offset from the start of the allocation. */
  readonly members: readonly { readonly buffer: Buffer; readonly offset: number; readonly bytes: number }[]
  readonly bytes: number
  /** Indices of the first and last dispatch that touch it; inputs live from 0, outputs to the end. */
  readonly first: number
  readonly last: number
}

export const alignUp = (bytes: number, alignment: number): number => Math.ceil(bytes / alignment) * alignment

/** Bytes of a buffer at these sizes; at least one element, so that it can be bound. Vectors are read whole. */
export const bufferBytes = (b: Buffer, dims: DimValues): number =>
  alignUp(Math.max(1, evalDim(b.elements, dims)) * bytesOf(b.dtype), 16)

/** Every buffer that lives within one call (temps, feeds, outputs), alone or in its pack, in order of first use. */
export function allocations(program: KernelProgram, dims: DimValues): Allocation[] {
  const uses = usesOf(program)
  const byId = new Map(program.buffers.map((b) => [b.id, b]))
  const owned = (b: Buffer): boolean => b.role !== "slot" && b.role !== "data"
  // An output may be an input that was fed.
  const given = new Set(program.outputs.map((o) => o.buffer))
  const out: Allocation[] = []
  const packed = new Set<number>()
  const span = (ids: readonly number[]): { first: number; last: number } => {
    let first = Infinity
    let last = -1
    for (const id of ids) {
      const role = byId.get(id)!.role
      const use = uses.get(id)
      if (role === "feed") first = 0
      if (role === "output" || given.has(id)) last = program.dispatches.length
      if (use) {
        first = Math.min(first, use.first)
        last = Math.max(last, use.last)
      }
    }
    return { first: first === Infinity ? 0 : first, last: Math.max(last, 0) }
  }
  for (const pack of program.packs) {
    const members = pack.members.map((id) => byId.get(id) ?? bug(`pack ${pack.name} has no buffer ${id}`))
    if (!members.every(owned)) continue
    for (const b of members) {
      if (packed.has(b.id)) bug(`buffer ${b.name} is in two packs`)
      packed.add(b.id)
    }
    out.push({ name: pack.name, ...packLayout(members, dims), ...span(pack.members) })
  }
  for (const b of program.buffers) {
    if (!owned(b) || packed.has(b.id)) continue
    const bytes = bufferBytes(b, dims)
    out.push({ name: b.name, members: [{ buffer: b, offset: 0, bytes }], bytes, ...span([b.id]) })
  }
  return out.sort((a, b) => a.first - b.first || b.bytes - a.bytes)
}

/** Members one after another, each at a multiple of PACK_ALIGN elements. */
export function packLayout(
  members: readonly Buffer[],
  dims: DimValues,
): Pick<Allocation, "members" | "bytes"> {
  let offset = 0
  const placed = members.map((buffer) => {
    const at = offset
    offset += alignUp(Math.max(1, evalDim(buffer.elements, dims)), PACK_ALIGN) * bytesOf(buffer.dtype)
    return { buffer, offset: at, bytes: bufferBytes(buffer, dims) }
  })
  return { members: placed, bytes: offset }
}

function usesOf(program: KernelProgram): Map<number, { first: number; last: number }> {
  const packs = new Map(program.packs.map((p) => [p.id, p.members]))
  const uses = new Map<number, { first: number; last: number }>()
  program.dispatches.forEach((dispatch, at) => {
    // A buffer that a loop reads or writes lives through all of its iterations.
    const loop = program.loops?.find((l) => l.first <= at && at < l.end)
    const [from, to] = loop ? [loop.first, loop.end - 1] : [at, at]
    for (const ref of dispatch.args) {
      for (const id of ref.kind === "buffer" ? [ref.id] : packs.get(ref.id)!) {
        const use = uses.get(id)
        uses.set(id, { first: use?.first ?? from, last: to })
      }
    }
  })
  return uses
}
