/** runtime/data: decompresses Zstandard files. A file may consist of several frames. */
import { Decompress } from "fzstd"
import { reasonOf, RunError } from "../error.js"
import { bytesOf, eachPiece, inMemory, type DataFile } from "./file.js"
import { tooLarge, Unpacked } from "./unpacked.js"

export const isZstd = (file: DataFile): boolean => {
  const [a, b, c, d] = bytesOf(file, 0, 4)
  return a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd
}

const PIECE = 1 << 16

export function unpackZstd(place: string, file: DataFile): DataFile {
  const out = new Unpacked(file.size, () => tooLarge(place))
  const stream = new Decompress((piece) => out.add(piece))
  try {
    eachPiece(file, PIECE, (piece, last) => stream.push(piece.slice(), last))
  } catch (caught) {
    if (caught instanceof RunError) throw caught
    throw new RunError(
      "data-truncated",
      `${place} cannot be unpacked (${file.size} bytes of Zstandard): ${reasonOf(caught)}`,
      { help: "the file is cut off or damaged: fetch it again", cause: caught },
    )
  }
  return inMemory(out.bytes())
}
