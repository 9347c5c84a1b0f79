/** runtime/data: a text -> Table: windows of characters, each `stride` after the one before.
 *  Guarantees: no window is copied: rows share the code points of the text. A character is a Unicode code point.
 *              Characters at the end that fill no window are left out. */
import { RunError } from "../error.js"
import { partOf, piecesOf, type DataFile } from "./file.js"
import { eachLine } from "./lines.js"
import { missingColumn, TextColumn, type Column, type Table } from "./table.js"
import { byteOrderMark } from "./utf8.js"

export const CHARACTERS = "characters"

export function parseText(
  place: string,
  file: DataFile,
  { window, stride }: { readonly window: number; readonly stride: number },
): Table {
  const values = charactersOf(place, file)
  if (values.length < window)
    throw new RunError("data-empty", `${place} has ${values.length} characters, and a row takes ${window}`, {
      help: "use a longer text, or shorter windows",
    })
  const characters: Column = { name: CHARACTERS, shape: [window], values, stride }
  return {
    place,
    rows: Math.floor((values.length - window) / stride) + 1,
    names: [CHARACTERS],
    overlap: Math.ceil(window / stride) - 1,
    column: (name) => (name === CHARACTERS ? characters : missingColumn(place, name, [CHARACTERS])),
    texts: () => {
      const texts = new TextColumn()
      values.forEach((code: number) => texts.add(String.fromCodePoint(code)))
      return texts.texts()
    },
    where: (row) => `${place}: row ${row + 1} (from character ${row * stride + 1} on)`,
  }
}

type CodePoints = Uint8Array | Uint16Array | Uint32Array

const PIECE = 1 << 20

/** The characters, in as few bytes as they allow. A character has at least one byte in the file. */
function charactersOf(place: string, file: DataFile): CodePoints {
  const mark = byteOrderMark(place, file)
  const content = partOf(file, mark, file.size - mark)
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
  let values: CodePoints = new Uint8Array(content.size)
  let most = 0xff
  let count = 0
  const add = (text: string): void => {
    for (let at = 0; at < text.length; at++) {
      const code = text.codePointAt(at)!
      if (code > 0xffff) at++
      if (code > most) {
        const wider: CodePoints =
          code > 0xffff ? new Uint32Array(content.size) : new Uint16Array(content.size)
        wider.set(values.subarray(0, count))
        values = wider
        most = code > 0xffff ? 0x10ffff : 0xffff
      }
      values[count++] = code
    }
  }
  try {
    for (const { piece, last } of piecesOf(content, PIECE)) add(decoder.decode(piece, { stream: !last }))
  } catch (caught) {
    // Reading it again by lines says in which one it is.
    eachLine(place, file, () => {})
    throw caught
  }
  return values.subarray(0, count)
}

export function codePoints(text: string): Uint32Array {
  const out = new Uint32Array(text.length)
  let count = 0
  for (const character of text) out[count++] = character.codePointAt(0)!
  return out.subarray(0, count)
}
