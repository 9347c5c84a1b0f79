/** runtime/data: fields that lie on the device as the codes in their files (StoredSpec): which ones, and their rows.
 *  Guarantees: every value is the one that `applyField` gives, bit for bit, since the same stages make it, once for each code.
 *  Not here:   how the device turns codes into values (compiler/lower). */
import type { FieldSpec, FittedStage, StoredSpec } from "../bundle/format.js"
import { inPart, RunError } from "../error.js"
import { bytesOf, product } from "../exec/size.js"
import { encodeNumbers, type NumberArray } from "../exec/values.js"
import { checkField, checkWidth, conversion, type FieldRows } from "./apply.js"
import type { TableRows } from "./load.js"
import { applyStage, ruleOf } from "./stages/index.js"
import type { Column, Table } from "./table.js"

interface Codes {
  readonly bytes: number
  /** The array of a column of this type. */
  readonly array: new (of: number | ArrayBuffer) => NumberArray
}
const CODES: Readonly<Record<StoredSpec["type"], Codes>> = {
  u8: { bytes: 1, array: Uint8Array },
  i8: { bytes: 1, array: Int8Array },
  u16: { bytes: 2, array: Uint16Array },
  i16: { bytes: 2, array: Int16Array },
}
const TYPES: readonly StoredSpec["type"][] = ["u8", "i8", "u16", "i16"]

/** How the field is stored, if that takes fewer bytes than its own dtype: all of its columns hold integers of one short type, and its
 *  stages are computed from each number by itself. */
export function storageFor(field: FieldSpec, parts: readonly TableRows[]): StoredSpec | undefined {
  const { columns, stages, dtype, shape, window } = field
  if (window) return undefined
  if (stages.some((stage) => followsOf(stage) === undefined)) return undefined
  const all = parts.flatMap(({ table }) => columns.map((name) => table.column(name)))
  const type = TYPES.find((each) => all.every((column) => isOf(column, each)))
  if (type === undefined) return undefined
  const values = valuesOf(field, type)
  const width = product(shape)
  // A list for each place of a row is that of bytes: no other is shorter than rows are.
  if (values === "each" && CODES[type].bytes > 1) return undefined
  const listed = values === "code" ? 0 : 256 ** CODES[type].bytes * (values === "each" ? width : 1)
  const rows = parts.reduce((sum, part) => sum + part.rows.length, 0)
  const stored = rows * rowBytes(width, type) + listed * bytesOf(dtype) * parts.length
  return stored < rows * width * bytesOf(dtype) ? { type, values } : undefined
}

const followsOf = (stage: FittedStage) => ruleOf(stage).follows?.(stage)

function isOf(column: Column, type: StoredSpec["type"]): boolean {
  if (column.inFile === undefined)
    return column.piece === undefined && column.values instanceof CODES[type].array
  const found = column.inFile.elements.type
  return found === type || (found === "bool" && type === "u8")
}

function valuesOf({ stages, dtype }: FieldSpec, type: StoredSpec["type"]): StoredSpec["values"] {
  const changes = stages.map(followsOf).filter((each) => each !== "same")
  if (changes.includes("place")) return "each"
  const holdsAll = dtype === "f32" || dtype === "i32" || dtype === "u32"
  return changes.length === 0 && holdsAll && type.startsWith("u") ? "code" : "one"
}

/** Rows begin at whole words. */
export const rowBytes = (width: number, type: StoredSpec["type"]): number =>
  4 * Math.ceil((width * CODES[type].bytes) / 4)

export type StoredField = FieldSpec & { readonly stored: StoredSpec }

/** The values of codes, which are the same for all rows, and how rows become codes. Refuses what `applyField` refuses, and numbers that
 *  are no codes. */
export function packer(field: StoredField): {
  readonly list: FieldRows | undefined
  pack(table: Table, rows: Uint32Array): Uint8Array
} {
  const values = field.stored.values === "code" ? undefined : valuesOfCodes(field)
  const held = conversion(field.dtype)
  // The list is of all codes; a value that a field cannot hold matters only where it occurs.
  const isChecked =
    field.bounds !== undefined ||
    field.stages.some((stage) => followsOf(stage) === "same") ||
    (values?.some((value) => held(value) === undefined) ?? false)
  return {
    list: values && { name: `${field.name}/values`, bytes: encodeNumbers(field.dtype, values) },
    pack: (table, rows) =>
      inPart({ field: field.name }, () => {
        const codes = packed(field, table, rows)
        if (isChecked) checkField(field, table, rows)
        return codes
      }),
  }
}

function packed(field: StoredField, table: Table, rows: Uint32Array): Uint8Array {
  const { type } = field.stored
  const columns = field.columns.map((column) => table.column(column))
  checkWidth(
    field,
    table,
    columns.reduce((sum, { shape }) => sum + product(shape), 0),
  )
  const { array, bytes } = CODES[type]
  const apart = rowBytes(product(field.shape), type) / bytes
  const [only, ...others] = columns
  const whole = only && others.length === 0 ? rowsOf(only, rows, apart) : undefined
  if (whole instanceof array) return new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength)
  const out = new array(rows.length * apart)
  let offset = 0
  for (const column of columns) {
    const width = product(column.shape)
    const { values, stride = width } = column
    const areCodes = values instanceof array
    for (let i = 0; i < rows.length; i++) {
      const [from, to] = [rows[i]! * stride, i * apart + offset]
      if (areCodes && width >= WIDE) out.set(values.subarray(from, from + width), to)
      else
        for (let j = 0; j < width; j++) {
          const value = values[from + j]!
          out[to + j] = value
          if (out[to + j] !== value) refuse(field, value, table.where(rows[i]!, column.name))
        }
    }
    offset += width
  }
  return new Uint8Array(out.buffer)
}

/** The values of rows that lie one after another, `apart` values each. */
function rowsOf(
  { values, stride, shape }: Column,
  rows: Uint32Array,
  apart: number,
): NumberArray | undefined {
  const first = rows[0] ?? 0
  if (stride !== undefined || product(shape) !== apart || rows.some((row, i) => row !== first + i))
    return undefined
  return values.subarray(first * apart, (first + rows.length) * apart)
}

/** Numbers that are copied faster together than one by one. */
export const WIDE = 32

function refuse({ name, stored: { type } }: StoredField, value: number, where: string): never {
  throw new RunError(
    "data-stored",
    `${where}: ${value} is not of type ${type}, as which the field "${name}" was compiled`,
    {
      help: "compile the program with this file, or convert the file to the type of the one it replaces",
    },
  )
}

/** By code, then by place in a row where each has its own. */
function valuesOfCodes({ stages, stored: { type, values }, shape }: StoredField): Float64Array {
  const { array, bytes } = CODES[type]
  const codes = 256 ** bytes
  const unsigned = bytes === 1 ? new Uint8Array(codes) : new Uint16Array(codes)
  for (let code = 0; code < codes; code++) unsigned[code] = code
  const numbers = new array(unsigned.buffer)
  const width = values === "each" ? product(shape) : 1
  let list: Float64Array = Float64Array.from(
    { length: codes * width },
    (_, i) => numbers[Math.floor(i / width)]!,
  )
  for (const stage of stages)
    if (followsOf(stage) !== "same")
      list = applyStage(stage, list, width, (i) => `code ${Math.floor(i / width)}`)
  return list
}
