/** runtime/data: IDX files (MNIST's format) -> Column. */
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import { afterTheData, emptyFile, truncated } from "./damaged.js"
import { columnInFile } from "./column-in-file.js"
import { ELEMENT_BYTES, type ElementType } from "./elements.js"
import { bytesOf, type DataFile } from "./file.js"
import type { Column } from "./table.js"

/** By the third byte of the magic number. Numbers are big-endian. */
const TYPES: Readonly<Partial<Record<number, ElementType>>> = {
  0x08: "u8",
  0x09: "i8",
  0x0b: "i16",
  0x0c: "i32",
  0x0d: "f32",
  0x0e: "f64",
}

export function parseIdx(place: string, name: string, file: DataFile): Column {
  if (file.size === 0) emptyFile(place)
  const magic = bytesOf(file, 0, 4)
  const type = TYPES[magic[2] ?? 0]
  const rank = magic[3] ?? 0
  if (magic[0] !== 0 || magic[1] !== 0 || !type || rank === 0) {
    const start = [...magic].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
    throw new RunError("data-format", `${place} is not an IDX file: it starts with ${start}`, {
      help: "an IDX file starts with 00 00, an element type (08: u8) and the number of axes",
    })
  }
  const header = 4 + 4 * rank
  if (file.size < header) truncated(place, header, file.size)
  const view = new DataView(bytesOf(file, 0, header).buffer)
  const sizes = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const count = product(sizes)
  if (!Number.isSafeInteger(8 * count))
    throw new RunError("data-format", `${place} is damaged: its header says ${sizes.join("x")} ${type}`, {
      help: "fetch the file again",
    })
  const expected = header + count * ELEMENT_BYTES[type]
  if (file.size < expected) truncated(place, expected, file.size)
  if (file.size > expected) afterTheData(place, file.size - expected, `${sizes.join("x")} ${type}`)
  const shape = sizes.slice(1)
  return columnInFile({ name, shape }, file, { type, bigEndian: true, count, at: header }, () => place)
}
