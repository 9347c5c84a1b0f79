/** runtime/data: fields with more rows than one binding takes, in pieces. */
import type { FieldSpec, PiecesSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import { bytesOf, product } from "../exec/size.js"
import type { FieldRows } from "./apply.js"
import { rowBytes } from "./stored.js"

/** What every WebGPU device binds: the default of maxStorageBufferBindingSize. */
const MOST_BYTES = 2 ** 27
/** Pieces begin at whole words, also where a row is an odd number of halves. */
const ROWS_STEP = 2

/** For so many rows, if they are more than `most` bytes, and one row is not. */
export function piecesOf(field: FieldSpec, rows: number, most = MOST_BYTES): PiecesSpec | undefined {
  const bytes = bytesOfRow(field)
  const each = Math.floor(most / bytes / ROWS_STEP) * ROWS_STEP
  return rows * bytes <= most || each === 0 ? undefined : { rows: each, count: Math.ceil(rows / each) }
}

function bytesOfRow({ shape, dtype, stored }: FieldSpec): number {
  return stored ? rowBytes(product(shape), stored.type) : product(shape) * bytesOf(dtype)
}

/** `rows`: how many there are. A piece without rows holds a row that nothing reads. */
export function inPieces(
  { name, bytes }: FieldRows,
  field: FieldSpec & { readonly pieces: PiecesSpec },
  rows: number,
): FieldRows[] {
  const { pieces } = field
  if (rows > pieces.rows * pieces.count)
    throw new RunError(
      "data-stored",
      `the field "${name}" has ${rows} rows, and was compiled for at most ${pieces.rows * pieces.count}`,
      { help: "compile the program with this file" },
    )
  const row = bytesOfRow(field)
  return Array.from({ length: pieces.count }, (_, i) => {
    const [from, end] = [i * pieces.rows, (i + 1) * pieces.rows]
    return {
      name: `${name}/${i}`,
      bytes: from < rows ? bytes.subarray(from * row, end * row) : new Uint8Array(4 * Math.ceil(row / 4)),
    }
  })
}
