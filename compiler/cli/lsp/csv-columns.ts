/** cli/lsp: the names in the first row of a CSV file. */
import { closeSync, openSync, readSync } from "node:fs"
import { CsvRows } from "../../../runtime/data/csv-rows.js"
import { inMemory } from "../../../runtime/data/file.js"
import { byteOrderMark } from "../../../runtime/data/utf8.js"

/** More than the first row has, of all but the strangest files. */
const BYTES = 1 << 16

/** Undefined where there is no such file, or none that begins with a row. */
export function csvColumns(path: string, delimiter: string): readonly string[] | undefined {
  try {
    const head = headOf(path)
    const text = head.subarray(byteOrderMark(path, inMemory(head)))
    const rows = new CsvRows(path, delimiter, text.length, (names) =>
      names.map(() => ({ numbers: false, texts: false })),
    )
    // The parser puts a line break behind the last byte.
    const bytes = new Uint8Array(text.length + 1)
    bytes.set(text)
    rows.parse(bytes, text.length, head.length < BYTES)
    return rows.names
  } catch {
    return undefined
  }
}

function headOf(path: string): Uint8Array {
  const file = openSync(path, "r")
  try {
    const bytes = new Uint8Array(BYTES)
    return bytes.subarray(0, readSync(file, bytes, 0, BYTES, 0))
  } finally {
    closeSync(file)
  }
}
