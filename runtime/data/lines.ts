/** runtime/data: the lines of a text file in UTF-8, one after another. They end in LF, CRLF or CR. */
import { RunError } from "../error.js"
import type { DataFile } from "./file.js"
import { byteOrderMark, decodeUtf8 } from "./utf8.js"

const LF = 10
const CR = 13

/** Bytes read at a time, and the most that a line may have. */
const PIECE = 1 << 20
const MOST_LINE = 1 << 28

/** Lines are numbered from 1. */
export function eachLine(place: string, file: DataFile, visit: (line: string, number: number) => void): void {
  for (const _ of linePieces(place, file, visit));
}

/** The same; yields after every piece of the file. */
export function* linePieces(
  place: string,
  file: DataFile,
  visit: (line: string, number: number) => void,
): Iterable<void> {
  let at: number = byteOrderMark(place, file)
  let buffer = new Uint8Array(Math.min(PIECE, file.size - at))
  let kept = 0
  let number = 1
  while (at < file.size || kept > 0) {
    const piece = Math.min(buffer.length - kept, file.size - at)
    file.read(at, buffer.subarray(kept, kept + piece))
    at += piece
    const end = kept + piece
    const last = at === file.size
    let from = 0
    for (;;) {
      const stop = lineEnd(buffer, from, end, last)
      if (stop < 0) break
      const current = number++
      visit(
        decodeUtf8(buffer.subarray(from, stop), () => `${place}: line ${current}`),
        current,
      )
      from = stop + (buffer[stop] === CR && stop + 1 < end && buffer[stop + 1] === LF ? 2 : 1)
    }
    kept = Math.max(0, end - from)
    if (from > 0) buffer.copyWithin(0, from, end)
    else if (!last) {
      if (buffer.length > MOST_LINE)
        throw new RunError("data-format", `${place}: line ${number} has more than ${MOST_LINE >> 20} MiB`, {
          help: "a row is one line",
        })
      const larger = new Uint8Array(2 * buffer.length)
      larger.set(buffer)
      buffer = larger
    }
    yield
  }
}

/** Where a line ends; -1 when that is not among the bytes before `end`. */
function lineEnd(bytes: Uint8Array, from: number, end: number, last: boolean): number {
  for (let at = from; at < end; at++)
    if (bytes[at] === LF || (bytes[at] === CR && (at + 1 < end || last))) return at
  return last && from < end ? end : -1
}
