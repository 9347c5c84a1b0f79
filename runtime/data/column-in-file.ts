/** runtime/data: columns of binary files. Small ones are read at once; of large ones the parts that are asked for. */
import { ELEMENT_BYTES, readElements, type Elements } from "./elements.js"
import type { DataFile } from "./file.js"
import type { Column } from "./table.js"

/** Bytes up to which a column is read at once. */
const SMALL = 1 << 24

/** `where`: names an element, for messages. `small`: of how many bytes a column is read at once. */
export function columnInFile(
  { name, shape }: Pick<Column, "name" | "shape">,
  file: DataFile,
  elements: Elements,
  where: (index: number) => string,
  small = SMALL,
): Column {
  const { type, at, count } = elements
  const bytes = ELEMENT_BYTES[type]
  if (count * bytes <= small) return { name, shape, values: readElements(file, elements, where) }
  const piece = (from: number, to: number): Column["values"] =>
    readElements(file, { ...elements, at: at + from * bytes, count: to - from }, (i) => where(from + i))
  return {
    name,
    shape,
    piece,
    count,
    inFile: { file, elements },
    get values() {
      return piece(0, count)
    },
  }
}
