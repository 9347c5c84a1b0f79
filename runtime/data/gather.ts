/** runtime/data: rows of a table, in any order, as device memory holds them. Only these rows are read of a table that is not in memory,
 *  while something else goes on.
 *  Guarantees: the bytes are those that the same rows have among all others. An error about a row names its own place in its file.
 *  Not here: which rows they are (exec/staged.ts), reading files (file.ts). */
import type { FieldSpec } from "../bundle/format.js"
import { reasonOf, RunError } from "../error.js"
import { product } from "../exec/size.js"
import type { NumberArray } from "../exec/values.js"
import type { FieldRows } from "./apply.js"
import { ELEMENT_BYTES, elementsIn } from "./elements.js"
import { encoderOf, type FieldEncoder } from "./encoder.js"
import { gatherFrom } from "./file.js"
import type { TableRows } from "./load.js"
import { allRows } from "./split.js"
import { readsTexts } from "./stages/index.js"
import { WIDE } from "./stored.js"
import type { Column, Table, Texts } from "./table.js"
import { consecutive, rowsOfWindows, type Windows } from "./windows.js"

export interface Gathered {
  readonly fields: readonly FieldRows[]
  /** Their memory is used again. */
  done(): void
}

/** Bytes of columns that are read once for all, the smallest first. */
const HELD = 1 << 26

export class RowGather {
  readonly encoders: readonly FieldEncoder[]
  /** Memory for records, by column, to be used again. */
  private readonly spare = new Map<string, ArrayBuffer[]>()

  private constructor(
    fields: readonly FieldSpec[],
    /** The table of its columns. */
    private readonly table: Table,
    private readonly windows: Windows | undefined,
    /** The rows of the table, or of its windows, by their number here. */
    private readonly rows: Uint32Array,
    private readonly columns: ReadonlyMap<string, Column>,
    private readonly texts: ReadonlyMap<string, Texts>,
  ) {
    this.encoders = fields.map(encoderOf)
    this.length = Math.max(1, ...fields.map(({ window }) => window?.to ?? 1))
  }
  /** The length of a window. */
  private readonly length: number

  static async open(
    fields: readonly FieldSpec[],
    { table, rows }: TableRows,
    held = HELD,
  ): Promise<RowGather> {
    const named = (isText: boolean): string[] => [
      ...new Set(fields.filter((f) => isOfTexts(f) === isText).flatMap((f) => f.columns)),
    ]
    const texts = named(true).map((name): [string, Texts] => {
      const { distinct, codes, width } = table.texts(name)
      return [name, { distinct, codes, width }]
    })
    const columns = named(false).map((name) => table.column(name))
    const inFiles = columns.filter(({ inFile }) => inFile).sort((a, b) => bytesIn(a) - bytesIn(b))
    let sum = 0
    const read = new Set(inFiles.filter((column) => (sum += bytesIn(column)) <= held))
    const found = await Promise.all(
      columns.map(async (column): Promise<[string, Column]> => [
        column.name,
        read.has(column) ? await wholeOf(column, table) : column,
      ]),
    )
    const { windows } = table
    return new RowGather(fields, windows?.base ?? table, windows, rows, new Map(found), new Map(texts))
  }

  get count(): number {
    return this.rows.length
  }

  /** The rows of these numbers, in this order. */
  async gather(numbers: Uint32Array): Promise<Gathered> {
    const asked = numbers.map((number) => this.rows[number]!)
    const { windows, length } = this
    const rows = windows ? rowsOfWindows(windows, asked, length) : asked
    const taken: [string, ArrayBuffer][] = []
    const columns = await Promise.all(
      [...this.columns.values()].map(async (column): Promise<[string, Column]> => {
        const { name, shape } = column
        if (!column.inFile) return [name, { name, shape, values: valuesOf(column, rows) }]
        const [memory, values] = await this.fromFile(column, rows)
        taken.push([name, memory])
        return [name, { name, shape, values }]
      }),
    )
    const taking = this.tableOf(rows, new Map(columns))
    const table = windows ? { ...taking, windows: consecutive(taking, length) } : taking
    const all = allRows(asked.length)
    return {
      fields: this.encoders.map(({ name, encode }) => ({ name, bytes: encode(table, all) })),
      done: () => {
        for (const [name, memory] of taken.splice(0)) this.spare.get(name)?.push(memory)
      },
    }
  }

  private async fromFile(column: Column, rows: Uint32Array): Promise<[ArrayBuffer, NumberArray]> {
    const { name, shape } = column
    const { file, elements } = column.inFile!
    const width = product(shape)
    const size = ELEMENT_BYTES[elements.type]
    const spare = this.spare.get(name) ?? []
    this.spare.set(name, spare)
    const bytes = rows.length * width * size
    const at = spare.findIndex(({ byteLength }) => byteLength >= bytes)
    const memory = at < 0 ? new ArrayBuffer(bytes) : spare.splice(at, 1)[0]!
    if (at < 0) spare.length = 0
    const apart = (column.stride ?? width) * size
    const records = { at: elements.at, bytes: width * size, apart, numbers: rows }
    const filled = await gatherFrom(file, records, memory).catch((caught: unknown) =>
      lost(this.table, caught),
    )
    const where = (index: number): string => this.table.where(rows[Math.floor(index / width)]!, name)
    return [filled, elementsIn(filled, { ...elements, count: rows.length * width }, where)]
  }

  private tableOf(rows: Uint32Array, columns: ReadonlyMap<string, Column>): Table {
    const { place, names, where } = this.table
    return {
      place,
      rows: rows.length,
      names,
      column: (name) => columns.get(name) ?? this.table.column(name),
      texts: (name) => {
        const { distinct, codes, width } = this.texts.get(name) ?? this.table.texts(name)
        return { distinct, width, codes: valuesOf({ name, shape: [width], values: codes }, rows) }
      },
      where: (row, column) => where(rows[row]!, column),
    }
  }
}

const isOfTexts = ({ stages: [first] }: FieldSpec): boolean => first !== undefined && readsTexts(first)

const bytesIn = ({ inFile }: Column): number =>
  inFile ? inFile.elements.count * ELEMENT_BYTES[inFile.elements.type] : 0

/** A column, read from its file. */
async function wholeOf(column: Column, table: Table): Promise<Column> {
  const { name, shape, stride } = column
  const { file, elements } = column.inFile!
  const bytes = bytesIn(column)
  const records = { at: elements.at, bytes, apart: bytes, numbers: Uint32Array.of(0) }
  const memory = await gatherFrom(file, records, new ArrayBuffer(bytes)).catch((caught: unknown) =>
    lost(table, caught),
  )
  const apart = stride ?? product(shape)
  const values = elementsIn(memory, elements, (index) => table.where(Math.floor(index / apart), name))
  return { name, shape, values, ...(stride !== undefined && { stride }) }
}

/** The values of some rows, in an array of the same type, which may be the same one. */
function valuesOf<T extends NumberArray>(
  { shape, values, stride }: Column & { readonly values: T },
  rows: Uint32Array,
): T {
  const width = product(shape)
  const apart = stride ?? width
  const first = rows[0] ?? 0
  if (apart === width && rows.every((row, i) => row === first + i))
    return values.subarray(first * width, (first + rows.length) * width) as T
  const out = new (values.constructor as new (length: number) => T)(rows.length * width)
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i]! * apart
    if (width >= WIDE) out.set(values.subarray(from, from + width), i * width)
    else for (let j = 0; j < width; j++) out[i * width + j] = values[from + j]!
  }
  return out
}

function lost({ place }: Table, caught: unknown): never {
  throw new RunError("data-file", `${place} can no longer be read: ${reasonOf(caught)}`, {
    help: "`--resume` goes on from the last checkpoint once it is there again",
    cause: caught,
  })
}
