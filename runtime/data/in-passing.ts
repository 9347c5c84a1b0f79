/** runtime/data: packed bytes as a file that is unpacked while it is read from front to end.
 *  Guarantees: memory does not grow with the file. Every byte can be read; going back begins again at the front. */
import type { DataFile } from "./file.js"

/** `size`: of the unpacked bytes, of which `unpack` gives the pieces in order. */
export function inPassing(size: number, unpack: () => Iterator<Uint8Array>): DataFile {
  let pieces = unpack()
  /** Unpacked bytes from `from` up to `to`. */
  let held: Uint8Array[] = []
  let from = 0
  let to = 0
  const restart = (): void => {
    pieces = unpack()
    held = []
    from = to = 0
  }
  const forget = (before: number): void => {
    while (held.length > 0 && from + held[0]!.length <= before) from += held.shift()!.length
  }
  return {
    size,
    read(at, into) {
      if (at < from) restart()
      const end = at + into.length
      while (to < end) {
        const { value } = pieces.next()
        if (value === undefined) throw new Error(`the file ends at ${to}, before ${end}`)
        held.push(value)
        to += value.length
        forget(at)
      }
      let start = from
      for (const piece of held) {
        const [first, last] = [Math.max(at, start), Math.min(end, start + piece.length)]
        if (first < last) into.set(piece.subarray(first - start, last - start), first - at)
        start += piece.length
      }
      forget(end)
    },
  }
}

/** How many bytes these are together. */
export function lengthOf(pieces: Iterable<Uint8Array>): number {
  let length = 0
  for (const piece of pieces) length += piece.length
  return length
}
