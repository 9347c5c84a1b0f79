/** runtime/data: FieldSpec + Table -> the rows of a field as device memory holds them.
 *  Guarantees: every number is finite in the type of the field, every label one of its classes, every index inside of its axis, or
 *              a RunError names file, row, column and value.
 *  Not here: fitting (fit.ts), the computation of stages (stages/). */
import type { BundleDType, FieldSpec } from "../bundle/format.js"
import { inPart, RunError } from "../error.js"
import { bytesOf, product } from "../exec/size.js"
import { toHalf } from "../bundle/half.js"
import { decodeNumbers, makeValues, type Values } from "../exec/values.js"
import { checkBounds } from "./bounds.js"
import { eachBlock } from "./blocks.js"
import { withRange } from "./labels.js"
import { notFinite } from "./not-finite.js"
import { ruleOf, widthAfter } from "./stages/index.js"
import type { Column, Table } from "./table.js"
import { distinctSteps, ofOneStep, stepsOf } from "./windows.js"

/** One field of some rows. */
export interface FieldRows {
  readonly name: string
  /** The rows as device memory holds them, padded to whole words. */
  readonly bytes: Uint8Array
}

export function applyField(whole: FieldSpec, ofTable: Table, ofRows: Uint32Array): FieldRows {
  const { table, rows } = stepsOf(whole, ofTable, ofRows)
  const field = ofOneStep(whole)
  const { name, dtype } = field
  const known = asTheyAre(field, table, rows) ?? asNumbers(field, table, rows)
  if (known) return { name, bytes: known }
  const size = bytesOf(dtype)
  const elements = Math.ceil((rows.length * product(field.shape) * size) / 4) * (4 / size)
  const out = makeValues(dtype, elements)
  let next = 0
  convert(field, table, rows, (values) => {
    out.set(values, next)
    next += values.length
  })
  return { name, bytes: new Uint8Array(out.buffer) }
}

/** The same as numbers. */
export function fieldValues(field: FieldSpec, table: Table, rows: Uint32Array): Values {
  const { bytes } = applyField(field, table, rows)
  return decodeNumbers(field.dtype, new Uint8Array(bytes).buffer, 0, rows.length * product(field.shape))
}

/** The bytes of a table in memory that holds the rows of the field and nothing else; undefined where something is to be done, or to be
 *  refused. */
function asTheyAre(
  { dtype, shape, columns: [name = "", ...others], stages, bounds }: FieldSpec,
  table: Table,
  rows: Uint32Array,
): Uint8Array | undefined {
  if (dtype !== "f32" || others.length > 0 || stages.length > 0 || bounds) return undefined
  const column = table.column(name)
  if (column.piece !== undefined || column.stride !== undefined || rows.length !== table.rows)
    return undefined
  const { values } = column
  if (!(values instanceof Float32Array) || values.length !== rows.length * product(shape)) return undefined
  if (rows.some((row, i) => row !== i) || !areFinite(values)) return undefined
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** Rows that are gathered at once: a cache line has several of them. */
const ROWS_AT_ONCE = 1 << 8

/** Rows of numbers in memory that become f32 and nothing else, without a look at each; undefined as above. */
function asNumbers(
  { dtype, shape, columns: names, stages, bounds }: FieldSpec,
  table: Table,
  rows: Uint32Array,
): Uint8Array | undefined {
  if (dtype !== "f32" || stages.length > 0 || bounds) return undefined
  const columns = columnsOf(table, names)
  if (!columns) return undefined
  const width = product(shape)
  const plain = columns.every(
    ({ piece, stride, shape }) => !piece && stride === undefined && product(shape) === 1,
  )
  if (!plain || columns.length !== width) return undefined
  const out = new Float32Array(rows.length * width)
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    const end = Math.min(rows.length, from + ROWS_AT_ONCE)
    columns.forEach(({ values }, column) => {
      for (let i = from, to = from * width + column; i < end; i++, to += width) out[to] = values[rows[i]!]!
    })
  }
  return areFinite(out) ? new Uint8Array(out.buffer) : undefined
}

/** Undefined where one is refused: the long way says why. */
function columnsOf(table: Table, names: readonly string[]): readonly Column[] | undefined {
  try {
    return names.map((name) => table.column(name))
  } catch {
    return undefined
  }
}

/** By bit pattern, which is faster. */
function areFinite({ buffer, byteOffset, length }: Float32Array): boolean {
  const words = new Int32Array(buffer, byteOffset, length)
  for (let i = 0; i < length; i++) if ((words[i]! & 0x7f800000) === 0x7f800000) return false
  return true
}

/** Refuses the rows that `applyField` would refuse. `see` gets the values, each row of a window once. */
export function checkField(
  field: FieldSpec,
  table: Table,
  rows: Uint32Array,
  see?: (value: number) => void,
): void {
  const steps = stepsOf(field, table, rows)
  convert(ofOneStep(field), steps.table, distinctSteps(steps.rows), (values) => {
    if (see) for (const value of values) see(value)
  })
}

/** `take` is given values that the type of the field holds, or rounds to some. */
function convert(
  field: FieldSpec,
  table: Table,
  rows: Uint32Array,
  take: (values: Float64Array) => void,
): void {
  const { dtype, bounds } = field
  const held = conversion(dtype)
  const width = product(field.shape)
  const check = (gathered: number): void => checkWidth(field, table, gathered)
  inPart({ field: field.name }, () => {
    try {
      eachBlock(field, table, rows, check, ({ values, where }) => {
        if (bounds) checkBounds(values, width, bounds, where)
        if (dtype === "f32") {
          const wrong = beyondF32(values)
          if (wrong >= 0) refuse(dtype, values[wrong]!, where(wrong))
        } else
          for (let i = 0; i < values.length; i++) {
            const value = held(values[i]!)
            if (value === undefined) refuse(dtype, values[i]!, where(i))
            values[i] = value
          }
        take(values)
      })
    } catch (caught) {
      throw withRange(caught, field, table, rows)
    }
  })
}

/** Numbers of this magnitude and above round to infinity in f32. */
const F32_END = 2 ** 128 - 2 ** 103
const F16_END = 65520

/** The place of the first value that f32 does not hold, without a call for each; -1: there is none. */
function beyondF32(values: Float64Array): number {
  for (let i = 0; i < values.length; i++) if (!(values[i]! < F32_END && values[i]! > -F32_END)) return i
  return -1
}

/** A number as the type holds it; undefined when the type does not hold it. */
export function conversion(dtype: BundleDType): (value: number) => number | undefined {
  switch (dtype) {
    case "f32":
      return (value) => (value < F32_END && value > -F32_END ? value : undefined)
    case "f16":
      return (value) => (value < F16_END && value > -F16_END ? toHalf(value) : undefined)
    case "i32":
      return (value) => ((value | 0) === value ? value : undefined)
    case "u32":
      return (value) => (value >>> 0 === value ? value : undefined)
    case "bool":
      return (value) => (value === 0 || value === 1 ? value : undefined)
  }
}

const INTEGERS: Readonly<Partial<Record<BundleDType, string>>> = {
  i32: `${-(2 ** 31)} to ${2 ** 31 - 1}`,
  u32: `0 to ${2 ** 32 - 1}`,
  bool: "0 to 1",
}

function refuse(dtype: BundleDType, value: number, where: string): never {
  if (!Number.isFinite(value)) notFinite(where, value)
  const range = INTEGERS[dtype]
  if (range !== undefined)
    throw new RunError("data-not-integer", `${where}: ${value} is not a whole number from ${range}`, {
      help: `the field is declared ${dtype}: ${Number.isInteger(value) ? "declare it f32, or write the column in another unit" : "declare it f32, or round the column"}`,
    })
  throw new RunError(
    "data-range",
    `${where}: ${value} is beyond ${dtype}, which ends at ${dtype === "f16" ? "65504" : "3.4028235e38"}`,
    {
      help: `bring the column nearer to 0 with \`|> scale(...)\` or \`|> standardize\`${dtype === "f16" ? ", or declare the field f32" : ""}`,
    },
  )
}

export function checkWidth(
  { name, shape, stages, columns }: FieldSpec,
  table: Table,
  gathered: number,
): void {
  const given = stages.reduce((width, stage) => widthAfter(stage, width), gathered)
  const declared = product(shape)
  for (const stage of stages) {
    const fitted = ruleOf(stage).fittedOn?.(stage)
    if (fitted !== undefined && fitted !== gathered)
      throw new RunError(
        "data-shape",
        `${table.place}: field "${name}" was fitted on ${fitted} values per row, here are ${gathered}`,
        { help: "give rows with the columns that the program was compiled with" },
      )
  }
  if (given !== declared)
    throw new RunError(
      "data-shape",
      `${table.place}: field "${name}" is [${shape.join(", ")}], ${declared} values per row, but its ` +
        `${columns.length === 1 ? `column "${columns[0]}" gives` : `${columns.length} columns give`} ${given}`,
      { help: "correct the type of the field, or the columns that it takes" },
    )
}
