/** runtime/data: fields that lie on the device as the codes in their files (StoredSpec): which ones, and their rows.
 *  Guarantees: every value is the one that `applyField` gives, bit for bit, for it is made by the same stages, once for each code.
 *  Not here:   what the device makes of codes (compiler/lower). */
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
  /** What a column of this type is in memory. */
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
  const { columns, stages, dtype, shape } = field
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

function isOf({ piece, values }: Column, type: StoredSpec["type"]): boolean {
  return piece === undefined && values instanceof CODES[type].array
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

type StoredField = FieldSpec & { readonly stored: StoredSpec }

/** The codes of a field, and their values. Refuses what `applyField` refuses, and numbers that are no codes. */
export function packField(field: StoredField, table: Table, rows: Uint32Array): FieldRows[] {
  const { name, stored } = field
  return inPart({ field: name }, () => {
    const codes: FieldRows = { name, bytes: packed(field, table, rows) }
    if (stored.values === "code") {
      if (needsEveryValue(field)) checkField(field, table, rows)
      return [codes]
    }
    const values = valuesOfCodes(field)
    const held = conversion(field.dtype)
    // The list is of all codes; what a field cannot hold matters where it occurs.
    if (needsEveryValue(field) || values.some((value) => held(value) === undefined))
      checkField(field, table, rows)
    return [codes, { name: `${name}/values`, bytes: encodeNumbers(field.dtype, values) }]
  })
}

const needsEveryValue = ({ bounds, stages }: FieldSpec): boolean =>
  bounds !== undefined || stages.some((stage) => followsOf(stage) === "same")

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
  const out = new array(rows.length * apart)
  let offset = 0
  for (const column of columns) {
    const width = product(column.shape)
    const { values, stride = width } = column
    for (let i = 0; i < rows.length; i++) {
      const [from, to] = [rows[i]! * stride, i * apart + offset]
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
