/** runtime/bundle: the memory that programs take on a device, by the manifest. */
import { bytesOf, evalShape, product } from "../exec/size.js"
import type { ArenaSpec, ProgramSpec } from "./format.js"

interface Programs {
  readonly arenas: readonly ArenaSpec[]
  readonly programs: readonly ProgramSpec[]
}

/** Bytes at the least: of all arenas, and of the rows of a batch. */
export function programBytes({ arenas, programs }: Programs): number {
  const fields = new Map<string, number>()
  for (const { maxBatch, inputs } of programs)
    for (const { source, shape, dtype } of inputs) {
      if (source.kind !== "data") continue
      const bytes = product(evalShape(shape, { B: maxBatch, R: maxBatch })) * bytesOf(dtype)
      fields.set(source.field, Math.max(fields.get(source.field) ?? 0, 16 * Math.ceil(bytes / 16)))
    }
  return arenaBytes({ arenas }) + [...fields.values()].reduce((sum, bytes) => sum + bytes, 0)
}

/** All that does not depend on the data. */
export const arenaBytes = ({ arenas }: Pick<Programs, "arenas">): number =>
  arenas.reduce((sum, { bytes }) => sum + bytes, 0)
