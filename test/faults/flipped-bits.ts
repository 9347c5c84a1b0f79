/** test: checkpoints of which one bit was changed. */
import type { AnyManifest } from "../../runtime/bundle/builds.js"
import { decodeCheckpoint } from "../../runtime/checkpoint/checkpoint.js"
import { RunError } from "../../runtime/error.js"

/** The bits of `file` after whose change it was taken nevertheless, or refused otherwise than as damaged. */
export function takenAfterFlip(
  file: Uint8Array,
  manifest: AnyManifest,
  { count, at }: { readonly count: number; readonly at: (i: number) => number },
): number[] {
  const damaged = Uint8Array.from(file)
  const taken: number[] = []
  for (let i = 0; i < count; i++) {
    const bit = at(i)
    const flip = (): number => (damaged[bit >> 3]! ^= 1 << (bit & 7))
    flip()
    try {
      decodeCheckpoint("the checkpoint", damaged, manifest)
      taken.push(bit)
    } catch (caught) {
      if (!(caught instanceof RunError && caught.code === "checkpoint-corrupt")) taken.push(bit)
    }
    flip()
  }
  return taken
}
