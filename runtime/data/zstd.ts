/** runtime/data: decompresses Zstandard files. A file may consist of several frames. */
import { Decompress } from "fzstd"
import { reasonOf, RunError } from "../error.js"
import { bytesOf, inMemory, piecesOf, type DataFile } from "./file.js"
import { tooLarge, Unpacked } from "./unpacked.js"

export const isZstd = (file: DataFile): boolean => {
  const [a, b, c, d] = bytesOf(file, 0, 4)
  return a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd
}

const PIECE = 1 << 16

/** All of it, in memory. */
export function unpackZstd(place: string, file: DataFile): DataFile {
  const out = new Unpacked(file.size, () => tooLarge(place))
  for (const piece of unzstd(place, file)) out.add(piece)
  return inMemory(out.bytes())
}

/** The unpacked bytes, piece by piece. */
export function* unzstd(place: string, file: DataFile): Generator<Uint8Array, void> {
  const out: Uint8Array[] = []
  const stream = new Decompress((piece) => void out.push(piece.slice()))
  for (const { piece, last } of piecesOf(file, PIECE)) {
    try {
      stream.push(piece.slice(), last)
    } catch (caught) {
      throw new RunError(
        "data-truncated",
        `${place} cannot be unpacked (${file.size} bytes of Zstandard): ${reasonOf(caught)}`,
        { help: "the file is cut off or damaged: fetch it again", cause: caught },
      )
    }
    yield* out.splice(0)
  }
}
