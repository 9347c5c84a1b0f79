/** runtime/data: the bytes of a data file, wherever they are: in memory, on disk, packed as gzip, inside an archive.
 *  `read` waits for nothing, so that the compiler, which is one function that never waits, reads with the same code. Rows that a run
 *  takes from a file while it goes on are read by `gather`, which does wait. */

import type { Remember } from "./parsed.js"

export interface DataFile {
  /** Bytes. */
  readonly size: number
  /** Fills `into` with the bytes of the file from `at` on; all of them lie inside of the file. */
  read(at: number, into: Uint8Array): void
  /** Fills `memory` with records, one after another, while other work goes on, and gives it back; the caller goes on with the memory that it is
   *  given, for another thread may have had the memory meanwhile. Absent: `read` is as good. */
  gather?(records: Records, memory: ArrayBuffer): Promise<ArrayBuffer>
  /** Brings the whole file into memory: `read` of a file in parts gives the parts that are there, and else throws NotLoaded. Absent: all of it can be read. */
  load?(): Promise<void>
  /** Closes the files that `gather` holds open. */
  close?(): void
  /** Where the host keeps the columns read from text files. */
  readonly remember?: Remember
}

/** Those numbered `numbers` of a row of records of `bytes` bytes each. They begin `apart` bytes after one another, the first at `at`. */
export interface Records {
  readonly at: number
  readonly bytes: number
  readonly apart: number
  readonly numbers: Uint32Array
}

/** A part of a file was asked for that is not there yet. */
export class NotLoaded extends Error {
  override readonly name = "NotLoaded"
}

export const inMemory = (bytes: Uint8Array): DataFile => ({
  size: bytes.length,
  read: (at, into) => into.set(bytes.subarray(at, at + into.length)),
})

/** `size` bytes of a file, from `from` on. */
export function partOf(file: DataFile, from: number, size: number): DataFile {
  const { gather } = file
  return {
    size,
    read: (at, into) => file.read(from + at, into),
    ...(gather && {
      gather: (records, memory) => gather.call(file, { ...records, at: from + records.at }, memory),
    }),
  }
}

/** Calls back with the runs of records that lie one after another in the file: its first byte and length, and its place among all. */
export function eachRun(
  { at, bytes, apart, numbers }: Records,
  visit: (at: number, bytes: number, to: number) => void,
): void {
  for (let i = 0; i < numbers.length;) {
    let count = 1
    if (apart === bytes) while (numbers[i + count] === numbers[i]! + count) count++
    visit(at + numbers[i]! * apart, count * bytes, i * bytes)
    i += count
  }
}

/** The same as `gather`, of any file. */
export async function gatherFrom(
  file: DataFile,
  records: Records,
  memory: ArrayBuffer,
): Promise<ArrayBuffer> {
  if (file.gather) return file.gather(records, memory)
  eachRun(records, (at, bytes, to) => file.read(at, new Uint8Array(memory, to, bytes)))
  return memory
}

/** Fewer bytes where the file ends before. */
export function bytesOf(file: DataFile, at = 0, count = file.size): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(0, Math.min(count, file.size - at)))
  if (bytes.length > 0) file.read(at, bytes)
  return bytes
}

/** All of a file, piece by piece. The array is used again for the next piece. */
export function* piecesOf(
  file: DataFile,
  pieceBytes: number,
): Iterable<{ readonly piece: Uint8Array; readonly last: boolean }> {
  const buffer = new Uint8Array(Math.min(pieceBytes, file.size))
  for (let at = 0; at < file.size; at += pieceBytes) {
    const piece = buffer.subarray(0, Math.min(pieceBytes, file.size - at))
    file.read(at, piece)
    yield { piece, last: at + piece.length === file.size }
  }
}
