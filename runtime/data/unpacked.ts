/** runtime/data: bytes that come out of a compressed file, piece by piece. Memory grows with the bytes that are there, not with the size that
 *  the file announces, and is limited by MOST_UNPACKED. */
import { RunError } from "../error.js"

/** Bytes that a packed file may hold: 2 GiB, so that a small file cannot fill the memory. */
export const MOST_UNPACKED = 2 ** 31
export function tooLarge(place: string): never {
  throw new RunError(
    "data-too-large",
    `${place} holds more than ${MOST_UNPACKED / 2 ** 30} GiB when unpacked`,
    {
      help: "unpack it once (gunzip; numpy.savez for an .npz) and name the unpacked file, which may be of any size",
    },
  )
}

export class Unpacked {
  length = 0
  private buffer: Uint8Array<ArrayBuffer>

  constructor(
    capacity: number,
    private readonly full: () => never,
  ) {
    this.buffer = new Uint8Array(capacity)
  }
  add(piece: Uint8Array): void {
    const length = this.length + piece.length
    if (length > MOST_UNPACKED) this.full()
    if (length > this.buffer.length) {
      const larger = new Uint8Array(Math.min(MOST_UNPACKED, Math.max(length, 2 * this.buffer.length)))
      larger.set(this.bytes())
      this.buffer = larger
    }
    this.buffer.set(piece, this.length)
    this.length = length
  }
  bytes(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length)
  }
}
