/** runtime/data: the file of a table that something else was converted to -> Table. Columns are read when they are asked for.
 *  The file: eight bytes of MAGIC; the columns, each at a multiple of eight bytes, row after row, little-endian; the header as JSON; its
 *  length and MAGIC once more, eight bytes each.
 *  Not here: making one (compiler/cli/convert). */
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import { RUN_CODES, type RunCode } from "../codes.js"
import { columnInFile } from "./column-in-file.js"
import { ELEMENT_BYTES, type ElementType } from "./elements.js"
import { bytesOf, type DataFile } from "./file.js"
import { columnText, missingColumn, TextColumn, type Column, type Table, type Texts } from "./table.js"

export const MAGIC = "nnctable"

export interface TableHeader {
  /** The name of the converted file, for messages. */
  readonly place: string
  readonly rows: number
  readonly names: readonly string[]
  /** A column of texts whose text says in messages which row is meant. */
  readonly rowNames?: string
  readonly numbers: readonly StoredNumbers[]
  /** `codes`: where the places in `distinct` lie, of 32 bits each. A column may also be among `numbers`. */
  readonly texts: readonly StoredTexts[]
  /** Columns that are of no use, and why. */
  readonly wrong: readonly StoredError[]
}
export interface StoredNumbers {
  readonly name: string
  readonly shape: readonly number[]
  readonly type: ElementType
  readonly at: number
}
export interface StoredTexts {
  readonly name: string
  readonly distinct: readonly string[]
  readonly at: number
}
export interface StoredError {
  readonly name: string
  readonly code: RunCode
  readonly message: string
  readonly help?: string
}

/** `path`: of the source, for messages about the file itself. */
export function parseTableFile(path: string, file: DataFile): Table {
  const header = headerOf(path, file)
  const { place, rows, names, rowNames } = header
  const texts = new Map(header.texts.map((each) => [each.name, once(() => textsOf(file, rows, each))]))
  const numbers = new Map(
    header.numbers.map((each) => [each.name, once(() => columnOf(place, file, rows, each))]),
  )
  const wrong = new Map(header.wrong.map((each) => [each.name, each]))
  const fail = (name: string): never => {
    const error = wrong.get(name)
    if (error)
      throw new RunError(error.code, error.message, error.help === undefined ? {} : { help: error.help })
    return missingColumn(place, name, names)
  }
  return {
    place,
    rows,
    names,
    column: (name) =>
      numbers.get(name)?.() ?? (texts.has(name) ? notNumbers(place, name, texts.get(name)!()) : fail(name)),
    texts: (name) => texts.get(name)?.() ?? asTexts(numbers.get(name)?.() ?? fail(name)),
    where(row, column) {
      const named = rowNames === undefined ? undefined : texts.get(rowNames)?.()
      const at = named ? `${place}: ${named.distinct[named.codes[row]!]!}` : `${place}: row ${row + 1}`
      return `${at}${columnText(column)}`
    },
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

function columnOf(
  place: string,
  file: DataFile,
  rows: number,
  { name, shape, type, at }: StoredNumbers,
): Column {
  const count = rows * product(shape)
  const where = (index: number): string =>
    `${place}: row ${Math.floor(index / product(shape)) + 1}${columnText(name)}`
  return columnInFile({ name, shape }, file, { type, bigEndian: false, count, at }, where)
}

const textsOf = (file: DataFile, rows: number, { distinct, at }: StoredTexts): Texts => ({
  distinct,
  codes: new Uint32Array(bytesOf(file, at, 4 * rows).buffer),
  width: 1,
})

function asTexts({ values, shape }: Column): Texts {
  const out = new TextColumn()
  values.forEach((value: number) => out.add(String(value)))
  return out.texts(product(shape))
}

function notNumbers(place: string, name: string, { distinct, codes }: Texts): never {
  const shown = JSON.stringify((distinct[codes[0] ?? 0] ?? "").slice(0, 40))
  throw new RunError(
    "data-not-a-number",
    `${place}: row 1${columnText(name)}: ${shown} is a text, not a number`,
    {
      help: "number its values with `|> categories(n)`, or leave the column out of the field",
    },
  )
}

const END = 16

function headerOf(place: string, file: DataFile): TableHeader {
  const refuse = (): never => {
    throw new RunError("data-format", `${place} is not a table that nnc converted, or it is damaged`, {
      help: "compile the program again",
    })
  }
  if (file.size < MAGIC.length + END) refuse()
  const end = bytesOf(file, file.size - END, END)
  const magic = String.fromCharCode(...bytesOf(file, 0, MAGIC.length), ...end.subarray(8))
  const length = Number(new DataView(end.buffer).getBigUint64(0, true))
  if (magic !== MAGIC + MAGIC || length > file.size - END - MAGIC.length) refuse()
  const header = parsed(new TextDecoder().decode(bytesOf(file, file.size - END - length, length)))
  return header && isWhole(header, file.size - END - length) ? header : refuse()
}

function parsed(text: string): TableHeader | undefined {
  try {
    const header: unknown = JSON.parse(text)
    return isHeader(header) ? header : undefined
  } catch {
    return undefined
  }
}

/** A bundle may come from a stranger. */
function isHeader(header: unknown): header is TableHeader {
  if (!isObject(header)) return false
  const { place, rows, names, rowNames, numbers, texts, wrong } = header
  return (
    isText(place) &&
    isCount(rows) &&
    isList(names, isText) &&
    (rowNames === undefined || isText(rowNames)) &&
    isList(
      numbers,
      (each) =>
        isObject(each) &&
        isText(each["name"]) &&
        isList(each["shape"], isCount) &&
        isText(each["type"]) &&
        Object.hasOwn(ELEMENT_BYTES, each["type"]) &&
        isCount(each["at"]),
    ) &&
    isList(
      texts,
      (each) =>
        isObject(each) && isText(each["name"]) && isList(each["distinct"], isText) && isCount(each["at"]),
    ) &&
    isList(
      wrong,
      (each) =>
        isObject(each) &&
        isText(each["name"]) &&
        isText(each["message"]) &&
        isText(each["code"]) &&
        Object.hasOwn(RUN_CODES, each["code"]),
    )
  )
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null
const isText = (value: unknown): value is string => typeof value === "string"
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const isList = (value: unknown, each: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(each)

/** Whether all columns lie inside of the file. */
const isWhole = ({ rows, numbers, texts }: TableHeader, end: number): boolean =>
  numbers.every(({ shape, type, at }) => at + rows * product(shape) * ELEMENT_BYTES[type] <= end) &&
  texts.every(({ at }) => at + 4 * rows <= end)
