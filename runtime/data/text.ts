/** runtime/data: a text -> Table: windows of characters, each `stride` after the one before.
 *  Guarantees: no window is copied: rows share the code points of the text. A character is a Unicode code point.
 *              What is left at the end and fills no window is left out. */
import { RunError } from "../error.js"
import { missingColumn, type Column, type Table } from "./table.js"

export const CHARACTERS = "characters"

export function parseText(
  place: string,
  text: string,
  { window, stride }: { readonly window: number; readonly stride: number },
): Table {
  const values = codePoints(text)
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
    texts: () => [...text],
    rowLabel: (row) => `row ${row + 1} (from character ${row * stride + 1} on)`,
  }
}

export function codePoints(text: string): Uint32Array {
  const out = new Uint32Array(text.length)
  let count = 0
  for (const character of text) out[count++] = character.codePointAt(0)!
  return out.subarray(0, count)
}
