/** runtime/data: gzip files -> their contents. A file may have several members, one after another.
 *  Guarantees: the checksum and the length of every member are right, or a RunError says that the file is damaged; memory grows with the bytes
 *              that are really there, not with the announced ones, and ends at MOST_UNPACKED. */
import { Gunzip } from "fflate"
import { reasonOf, RunError } from "../error.js"
import { crc32 } from "./crc32.js"
import { bytesOf, inMemory, piecesOf, type DataFile } from "./file.js"
import { MOST_UNPACKED, tooLarge, Unpacked } from "./unpacked.js"

/** No byte of DEFLATE stands for more than this many. */
export const MOST_RATIO = 1032

export const isGzip = (file: DataFile): boolean => {
  const [first, second] = bytesOf(file, 0, 2)
  return first === 0x1f && second === 0x8b
}

const PIECE = 1 << 16
const TRAILER = 8

/** All of it, in memory. */
export function unpackGzip(place: string, file: DataFile): DataFile {
  const out = new Unpacked(guess(file), () => tooLarge(place))
  for (const piece of gunzipped(place, file)) out.add(piece)
  return inMemory(out.bytes())
}

/** The unpacked bytes, piece by piece. */
export function* gunzipped(place: string, file: DataFile): Generator<Uint8Array, void> {
  const damaged = (why: string, cause?: unknown): RunError =>
    new RunError("data-truncated", `${place} cannot be unpacked (${file.size} bytes of gzip): ${why}`, {
      help: "the file is cut off or damaged: fetch it again",
      cause,
    })
  let member = { at: 0, length: 0, crc: 0 }
  /** Checks the member that ends before byte `end`. */
  const check = (end: number): void => {
    if (end - member.at < TRAILER) throw damaged("it ends too early")
    const [sum, length] = new Uint32Array(bytesOf(file, end - TRAILER, TRAILER).buffer)
    if (sum !== member.crc) throw damaged("its checksum (CRC-32) is not that of its content")
    if (length !== member.length >>> 0) throw damaged("its length is not that of its content")
    member = { at: end, length: 0, crc: 0 }
  }
  const out: Uint8Array[] = []
  const stream = new Gunzip((piece) => {
    member.crc = crc32(piece, member.crc)
    member.length += piece.length
    out.push(piece)
  })
  stream.onmember = check
  for (const { piece, last } of piecesOf(file, PIECE)) {
    try {
      stream.push(piece.slice(), last)
    } catch (caught) {
      throw caught instanceof RunError ? caught : damaged(reasonOf(caught), caught)
    }
    yield* out.splice(0)
  }
  check(file.size)
}

/** The last four bytes of a file are the length of its last member, if it is whole. */
function guess(file: DataFile): number {
  const announced = file.size < 4 ? 0 : new Uint32Array(bytesOf(file, file.size - 4, 4).buffer)[0]!
  return Math.min(announced, MOST_RATIO * file.size, MOST_UNPACKED)
}
