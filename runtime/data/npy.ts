/** runtime/data: NPY files (format 1.0 to 3.0, both orders of axes and of bytes) -> Column.
 *  The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import type { NumberArray } from "../exec/values.js"
import { columnInFile } from "./column-in-file.js"
import { ELEMENT_BYTES, readElements, type ElementType } from "./elements.js"
import { bytesOf, type DataFile } from "./file.js"
import { afterTheData, emptyFile, truncated } from "./damaged.js"
import type { Column } from "./table.js"

const MAGIC = "\u0093NUMPY"

/** By numpy's `descr` without its order of bytes. */
const TYPES: Readonly<Record<string, ElementType>> = {
  b1: "bool",
  u1: "u8",
  i1: "i8",
  u2: "u16",
  i2: "i16",
  f2: "f16",
  u4: "u32",
  i4: "i32",
  f4: "f32",
  u8: "u64",
  i8: "i64",
  f8: "f64",
}

interface Header {
  readonly type: ElementType
  readonly bigEndian: boolean
  readonly fortran: boolean
  readonly sizes: readonly number[]
  readonly dataAt: number
}

export function parseNpy(place: string, name: string, file: DataFile): Column {
  const { type, bigEndian, fortran, sizes, dataAt } = headerOf(place, file)
  const count = product(sizes)
  const expected = dataAt + count * ELEMENT_BYTES[type]
  if (file.size < expected) truncated(place, expected, file.size)
  if (file.size > expected) afterTheData(place, file.size - expected, `${sizes.join("x")} ${type}`)
  const [rows = 0, ...shape] = sizes
  const width = product(shape)
  // The first axis changes fastest in Fortran order.
  const rowOf = (index: number): number => (fortran ? index % rows : Math.floor(index / width))
  const elements = { type, bigEndian, count, at: dataAt }
  const where = (index: number): string => `${place}: row ${rowOf(index) + 1}, column "${name}"`
  if (!fortran) return columnInFile({ name, shape }, file, elements, where)
  return { name, shape, values: inOrder(readElements(file, elements, where), sizes) }
}

function headerOf(place: string, file: DataFile): Header {
  if (file.size === 0) emptyFile(place)
  const start = bytesOf(file, 0, 12)
  const magic = String.fromCharCode(...start.subarray(0, 6))
  if (magic !== MAGIC)
    throw new RunError("data-format", `${place} is not an NPY file: it does not start with \\x93NUMPY`, {
      help: magic.startsWith("PK")
        ? "it is an archive, such as an .npz: read it with `npz(...)`"
        : "write it with numpy.save",
    })
  if (start.length < 12) truncated(place, 12, file.size)
  const view = new DataView(start.buffer)
  const major = start[6]!
  if (major < 1 || major > 3)
    throw new RunError("data-format", `${place} is an NPY file of version ${major}, and 1 to 3 are read`, {
      help: "write it with numpy.save",
    })
  const headerAt = major === 1 ? 10 : 12
  const dataAt = headerAt + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true))
  if (file.size < dataAt) truncated(place, dataAt, file.size)
  const text = new TextDecoder().decode(bytesOf(file, headerAt, dataAt - headerAt))
  const [, keys = ""] = /^\s*\{(.*)\}\s*$/s.exec(text) ?? []
  const descr = /'descr':\s*('[^']*'|\[.*\])/s.exec(keys)?.[1]
  const fortran = /'fortran_order':\s*(True|False)/.exec(keys)?.[1]
  const shape = /'shape':\s*\(([^)]*)\)/.exec(keys)?.[1]
  if (descr === undefined || fortran === undefined || shape === undefined)
    throw new RunError("data-format", `${place} is damaged: its header does not say type, order and shape`, {
      help: "write it with numpy.save",
    })
  return { ...typeOf(place, descr), sizes: sizesOf(place, shape), fortran: fortran === "True", dataAt }
}

function typeOf(place: string, descr: string): { readonly type: ElementType; readonly bigEndian: boolean } {
  const [, order = "", code = ""] = /^'([<>|=])?(\w+)'$/.exec(descr) ?? []
  const type = Object.hasOwn(TYPES, code) ? TYPES[code] : undefined
  if (type) return { type, bigEndian: order === ">" }
  throw new RunError("data-format", `${place} holds elements of type ${descr.replace(/^'(.*)'$/, "$1")}`, {
    help: helpFor(descr, code),
  })
}

function helpFor(descr: string, code: string): string {
  if (descr.startsWith("[")) return 'save each of its fields as an array of its own: array["name"]'
  if (code.startsWith("c")) return "save array.real and array.imag"
  if (/^[US]/.test(code)) return "number the texts: numpy.unique(array, return_inverse=True)[1]"
  if (/^[mM]/.test(code)) return 'save times as numbers: array.astype("int64")'
  return 'convert it: array.astype("float32")'
}

/** `10, 3`: whole numbers, none of them negative. */
function sizesOf(place: string, shape: string): readonly number[] {
  // Python 2 wrote long integers as 10L.
  const sizes =
    shape.trim() === ""
      ? []
      : shape
          .replace(/,\s*$/, "")
          .split(",")
          .map((size) => size.trim())
  const numbers = sizes.map((size) => (/^\d+L?$/.test(size) ? Number.parseInt(size, 10) : NaN))
  if (!numbers.every(Number.isSafeInteger) || !Number.isSafeInteger(8 * product(numbers)))
    throw new RunError(
      "data-format",
      `${place} is damaged: its header says the shape (${shape.slice(0, 60)})`,
      {
        help: "sizes are whole numbers, none of them negative: write the file again with numpy.save",
      },
    )
  if (numbers.length === 0)
    throw new RunError("data-format", `${place} holds a single number, not rows`, {
      help: "save an array whose first axis is the rows",
    })
  return numbers
}

/** From Fortran order to C order. */
function inOrder(values: NumberArray, sizes: readonly number[]): NumberArray {
  const out = values.slice()
  const steps = sizes.map((_, axis) => product(sizes.slice(0, axis)))
  const index = sizes.map(() => 0)
  let from = 0
  for (let to = 0; to < out.length; to++) {
    out[to] = values[from]!
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis]!
      if (++index[axis]! < sizes[axis]!) break
      from -= steps[axis]! * sizes[axis]!
      index[axis] = 0
    }
  }
  return out
}
