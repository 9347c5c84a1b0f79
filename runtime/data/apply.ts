/** runtime/data: FieldSpec + Table -> the rows of a field as device memory holds them.
 *  Guarantees: every number is finite, every label one of its classes, every index inside of what it indexes, or a RunError
 *              names row and value.
 *  Not here: fitting (fit.ts). */
import type { BundleDType, FieldSpec, FittedStage } from "../bundle/format.js"
import { inPart, RunError } from "../error.js"
import { bytesOf, product } from "../exec/size.js"
import { makeValues, toHalf } from "../exec/values.js"
import { checkBounds } from "./bounds.js"
import { categoryNumbers } from "./categories.js"
import type { Table } from "./table.js"
import { toVocabulary } from "./vocabulary.js"

/** One field of some rows. */
export interface FieldRows {
  readonly name: string
  /** As device memory holds them, padded to whole words. */
  readonly bytes: Uint8Array
}

export function applyField(field: FieldSpec, table: Table, rows: Uint32Array): FieldRows {
  return inPart({ field: field.name }, () => apply(field, table, rows))
}

/** Refuses what `applyField` would refuse. Where numbers are only scaled, it is enough to look at the columns. */
export function checkField(field: FieldSpec, table: Table, rows: Uint32Array): void {
  if (field.dtype !== "f32" || field.stages.some(({ kind }) => kind !== "affine"))
    applyField(field, table, rows)
  else
    inPart({ field: field.name }, () => {
      checkWidth(field, table, gatherer(field, table).width)
      for (const name of field.columns) checkFinite(table, name)
    })
}

function checkFinite(table: Table, name: string): void {
  const { values, shape } = table.column(name)
  const wrong = values.findIndex((value: number) => !Number.isFinite(value))
  if (wrong < 0) return
  const row = table.rowLabel(Math.floor(wrong / product(shape)))
  throw new RunError(
    "data-not-a-number",
    `${table.place}: ${row}, column "${name}" holds ${values[wrong]}, which is not a finite number`,
    { help: "drop the row, or replace the value" },
  )
}

function apply(field: FieldSpec, table: Table, rows: Uint32Array): FieldRows {
  const gather = gatherer(field, table)
  const width = checkWidth(field, table, gather.width)
  const elements = Math.ceil((rows.length * width * bytesOf(field.dtype)) / 4) * (4 / bytesOf(field.dtype))
  const out = makeValues(field.dtype, elements)
  rows.forEach((row, i) => {
    const where = (): string => `${table.place}: ${table.rowLabel(row)}, field "${field.name}"`
    const values = field.stages.reduce((before, stage) => applyStage(stage, before, where), gather.row(row))
    for (let j = 0; j < width; j++) out[i * width + j] = convert(field.dtype, values[j]!, where)
    if (field.bounds) checkBounds(values, field.bounds, where)
  })
  return { name: field.name, bytes: new Uint8Array(out.buffer) }
}

/** Reads the columns of one row, one after another: numbers, or for `categories` what their texts are numbered. The array is used
 *  again for the next row. */
export function gatherer(
  { columns: names, stages }: Pick<FieldSpec, "columns" | "stages">,
  table: Table,
): { readonly width: number; row(row: number): Float64Array } {
  const [first] = stages
  const columns = names.map((name) => {
    if (first?.kind === "categories") {
      const { width, at } = categoryNumbers(table, name, first.names)
      return { width, stride: width, at }
    }
    const { values, shape, stride } = table.column(name)
    const width = product(shape)
    return { width, stride: stride ?? width, at: (place: number) => values[place]! }
  })
  const width = columns.reduce((sum, column) => sum + column.width, 0)
  const buffer = new Float64Array(width)
  return {
    width,
    row(row) {
      let next = 0
      for (const { width, stride, at } of columns)
        for (let j = 0; j < width; j++) buffer[next++] = at(row * stride + j)
      return buffer
    },
  }
}

/** One stage on one row. Affine stages work in place. */
export function applyStage(stage: FittedStage, values: Float64Array, where: () => string): Float64Array {
  switch (stage.kind) {
    case "affine": {
      const each = stage.scale.length > 1
      for (let j = 0; j < values.length; j++)
        values[j] = values[j]! * stage.scale[each ? j : 0]! + stage.shift[each ? j : 0]!
      return values
    }
    case "one_hot": {
      const out = new Float64Array(values.length * stage.classes)
      values.forEach((value, j) => {
        checkClass(value, stage.classes, where)
        out[j * stage.classes + value] = 1
      })
      return out
    }
    case "classes":
      for (const value of values) checkClass(value, stage.count, where)
      return values
    case "categories":
      return values
    case "slice":
      return values.slice(stage.from, stage.to)
    case "vocabulary":
      return toVocabulary(stage.characters, values, where)
  }
}

function checkClass(value: number, classes: number, where: () => string): void {
  if (!Number.isInteger(value) || value < 0 || value >= classes)
    throw new RunError("data-class", `${where()}: the label ${value} is not one of 0 to ${classes - 1}`, {
      help: `${classes} classes are numbered from 0`,
    })
}

const INTEGER_RANGE: Readonly<Partial<Record<BundleDType, readonly [number, number]>>> = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
  bool: [0, 1],
}

function convert(dtype: BundleDType, value: number, where: () => string): number {
  if (!Number.isFinite(value))
    throw new RunError("data-not-a-number", `${where()}: ${value} is not a finite number`)
  const range = INTEGER_RANGE[dtype]
  if (range && (!Number.isInteger(value) || value < range[0] || value > range[1]))
    throw new RunError(
      "data-not-integer",
      `${where()}: ${value} is not a whole number from ${range[0]} to ${range[1]}`,
      {
        help: `the field is declared ${dtype}`,
      },
    )
  return dtype === "f16" ? toHalf(value) : value
}

function widthAfter(stage: FittedStage, width: number): number {
  if (stage.kind === "one_hot") return width * stage.classes
  return stage.kind === "slice" ? stage.to - stage.from : width
}

function checkWidth({ name, shape, stages, columns }: FieldSpec, table: Table, gathered: number): number {
  const given = stages.reduce((width, stage) => widthAfter(stage, width), gathered)
  const declared = product(shape)
  for (const stage of stages)
    if (stage.kind === "affine" && stage.scale.length > 1 && stage.scale.length !== gathered)
      throw new RunError(
        "data-shape",
        `${table.place}: field "${name}" was fitted on ${stage.scale.length} values per row, here are ${gathered}`,
      )
  if (given !== declared)
    throw new RunError(
      "data-shape",
      `${table.place}: field "${name}" is [${shape.join(", ")}], ${declared} values per row, but its ` +
        `${columns.length === 1 ? `column "${columns[0]}" gives` : `${columns.length} columns give`} ${given}`,
    )
  return declared
}
