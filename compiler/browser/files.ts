/** browser: the things that a caller may give in place of a data file: bytes, a text, a file that the user chose, rows, an array of numbers.
 *  Guarantees: rows and arrays become files of the format that their path names, so they are read like any other file.
 *  Not here:   reading formats (runtime/data). */
import { product } from "../../runtime/exec/size.js"
import { RunError } from "../../runtime/error.js"

export type Cell = number | string | boolean | null
/** The keys are the columns. */
export type DataRow = Readonly<Record<string, Cell | readonly unknown[]>>
/** Values row after row; `shape` begins with the number of rows. */
export interface DataArray {
  readonly values:
    Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array
  readonly shape: readonly number[]
}
export type FileContent =
  string | Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | readonly DataRow[] | DataArray
/** By the paths that stand in the program. */
export type Files = Readonly<Record<string, FileContent>>

export function blobOf(path: string, content: FileContent): Blob {
  if (content instanceof Blob) return content
  if (typeof content === "string" || content instanceof ArrayBuffer || content instanceof Uint8Array)
    return new Blob([content])
  if (isRows(content)) return new Blob([rowsAs(path, content)])
  return npy(path, content)
}

const isRows = (content: readonly DataRow[] | DataArray): content is readonly DataRow[] =>
  Array.isArray(content)

const endingOf = (path: string): string => /\.\w+$/.exec(path)?.[0].toLowerCase() ?? ""

function rowsAs(path: string, rows: readonly DataRow[]): string {
  const ending = endingOf(path)
  if (ending === ".json") return JSON.stringify(rows)
  if (ending === ".jsonl") return rows.map((row) => `${JSON.stringify(row)}\n`).join("")
  if (ending !== ".csv" && ending !== ".tsv")
    throw new RunError("bad-option", `rows are given for ${path}, which is no file of rows`, {
      help: "name a .csv, .json or .jsonl file in the program, or give the bytes of the file",
    })
  const names = Object.keys(rows[0] ?? {})
  const [comma, lines] = [
    ending === ".csv" ? "," : "\t",
    [names, ...rows.map((row) => names.map((name) => row[name]))],
  ]
  return lines.map((cells) => `${cells.map((cell) => cellText(path, cell)).join(comma)}\n`).join("")
}

function cellText(path: string, cell: unknown): string {
  if (cell === null || cell === undefined) return ""
  if (typeof cell === "number") return String(cell)
  if (typeof cell === "boolean") return cell ? "1" : "0"
  if (typeof cell === "string")
    return /[",\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
  throw new RunError("bad-option", `${path} is given rows with lists, which a cell cannot hold`, {
    help: "name a .json or .jsonl file in the program",
  })
}

const NPY_TYPES: readonly (readonly [string, new () => DataArray["values"]])[] = [
  ["<f8", Float64Array],
  ["<f4", Float32Array],
  ["<i4", Int32Array],
  ["<u4", Uint32Array],
  ["<i2", Int16Array],
  ["<u2", Uint16Array],
  ["|i1", Int8Array],
  ["|u1", Uint8Array],
]

/** The format: numpy.lib.format, version 1.0. */
function npy(path: string, { values, shape }: DataArray): Blob {
  const type = NPY_TYPES.find(([, kind]) => values instanceof kind)?.[0]
  if (type === undefined || endingOf(path) !== ".npy")
    throw new RunError(
      "bad-option",
      type === undefined
        ? `what is given for ${path} is neither bytes, nor rows, nor an array of numbers`
        : `an array of numbers is given for ${path}, which is no .npy file`,
      {
        help: 'an array is `{ values: Float32Array, shape: [rows, ...] }`, and read by `npy("x.npy")` in the program',
      },
    )
  if (product(shape) !== values.length)
    throw new RunError(
      "bad-option",
      `${path} has ${values.length} values, and the shape [${shape.join(", ")}]`,
      {
        help: "the shape begins with the number of rows",
      },
    )
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`
  const header = new TextEncoder().encode(`${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`)
  const start = new Uint8Array(10)
  start.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0])
  new DataView(start.buffer).setUint16(8, header.length, true)
  return new Blob([
    start,
    header,
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice(),
  ])
}
