/** runtime/data: the bytes of a data file, wherever they are: in memory, on disk, packed as gzip, inside an archive.
 *  Reading waits for nothing, so that the compiler, which is one function that never waits, reads with the same code. */

import type { Remember } from "./parsed.js"

export interface DataFile {
  /** Bytes. */
  readonly size: number
  /** Fills `into` with what the file holds from byte `at` on; all of it lies inside of the file. */
  read(at: number, into: Uint8Array): void
  /** Where the host keeps what text files were read as. */
  readonly remember?: Remember
}

export const inMemory = (bytes: Uint8Array): DataFile => ({
  size: bytes.length,
  read: (at, into) => into.set(bytes.subarray(at, at + into.length)),
})

/** `size` bytes of a file, from `from` on. */
export const partOf = (file: DataFile, from: number, size: number): DataFile => ({
  size,
  read: (at, into) => file.read(from + at, into),
})

/** Fewer bytes where the file ends before. */
export function bytesOf(file: DataFile, at = 0, count = file.size): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(0, Math.min(count, file.size - at)))
  if (bytes.length > 0) file.read(at, bytes)
  return bytes
}

/** Calls back with all of a file, piece by piece. The array is used again for the next piece. */
export function eachPiece(
  file: DataFile,
  pieceBytes: number,
  visit: (piece: Uint8Array, last: boolean) => void,
): void {
  const buffer = new Uint8Array(Math.min(pieceBytes, file.size))
  for (let at = 0; at < file.size; at += pieceBytes) {
    const piece = buffer.subarray(0, Math.min(pieceBytes, file.size - at))
    file.read(at, piece)
    visit(piece, at + piece.length === file.size)
  }
}
