/** cli: the values of a parquet column, as they come -> numbers or texts of a table. A missing value is NaN among numbers, and an empty
 *  text. */
import type { RunCode } from "../../../runtime/codes.js"
import { TextColumn } from "../../../runtime/data/table.js"
import type { TableWriter } from "./table-writer.js"

/** A fault of a column, for its user. */
interface Wrong {
  readonly code: RunCode
  readonly message: string
  readonly help: string
}

export class ParquetColumn {
  private rows = 0
  private numbers = new Float64Array(1 << 10)
  private count = 0
  private readonly texts = new TextColumn()
  /** The form of the first row that is not empty. */
  private form: { readonly kind: "number" | "text" | "time" | "list"; readonly length: number } | undefined
  /** Rows before that. */
  private empty = 0
  private wrong: Wrong | undefined

  constructor(
    private readonly place: string,
    private readonly name: string,
  ) {}

  add(value: unknown): void {
    this.rows++
    if (this.wrong) return
    if (value === null || value === undefined) return this.addEmpty()
    const form = formOf(value)
    if (!form)
      return this.fail(
        "data-not-a-number",
        `holds ${describe(value)}`,
        "columns hold numbers, texts, times, or lists of numbers",
      )
    this.form ??= this.begin(form)
    if (form.kind !== this.form.kind)
      return this.fail(
        "data-not-a-number",
        `holds ${describe(value)} where others are another kind of value`,
        "a column holds one kind of value",
      )
    if (form.length !== this.form.length)
      return this.fail(
        "data-ragged",
        `has a list of ${form.length} where others are lists of ${this.form.length}`,
        "lists of a column have one length",
      )
    if (form.kind === "text") this.texts.add(String(value))
    else if (value instanceof Date) {
      this.number(value.getTime() / 1000)
      this.texts.add(value.toISOString())
    } else if (form.kind === "list")
      for (const each of Array.from(value as ArrayLike<unknown>)) this.number(each)
    else this.number(value)
  }

  /** Writes itself. */
  end(into: TableWriter): void {
    const { name, wrong } = this
    if (wrong) return into.addWrong({ name, ...wrong })
    const { kind, length } = this.form ?? this.begin({ kind: "number", length: 1 })
    if (kind === "text" || kind === "time") into.addTexts(name, this.texts.texts())
    if (kind === "text") return
    const values = this.numbers.subarray(0, this.count)
    const type = shortestType(values)
    into.startNumbers(name, kind === "list" ? [length] : [], type)
    into.write(type === "f64" ? values : ARRAYS[type].from(values))
  }

  private begin(form: NonNullable<typeof this.form>): NonNullable<typeof this.form> {
    this.form = form
    for (let i = 0; i < this.empty; i++) this.addEmpty()
    return form
  }

  private addEmpty(): void {
    if (!this.form) this.empty++
    else {
      const { kind, length } = this.form
      if (kind === "text" || kind === "time") this.texts.add("")
      if (kind !== "text") for (let i = 0; i < length; i++) this.number(NaN)
    }
  }

  private number(value: unknown): void {
    const number = typeof value === "number" ? value : toNumber(value)
    if (number === undefined) {
      const what =
        typeof value === "bigint"
          ? `${value}, which f64 does not hold exactly`
          : `a list with ${describe(value)}`
      return this.fail(
        typeof value === "bigint" ? "data-range" : "data-not-a-number",
        `holds ${what}`,
        "write the column as numbers of another type",
      )
    }
    if (this.count === this.numbers.length) {
      const more = new Float64Array(2 * this.count)
      more.set(this.numbers)
      this.numbers = more
    }
    this.numbers[this.count++] = number
  }

  private fail(code: RunCode, what: string, help: string): void {
    this.wrong = { code, message: `${this.place}: row ${this.rows}, column "${this.name}" ${what}`, help }
  }
}

function formOf(
  value: unknown,
): { readonly kind: "number" | "text" | "time" | "list"; readonly length: number } | undefined {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean")
    return { kind: "number", length: 1 }
  if (typeof value === "string") return { kind: "text", length: 1 }
  if (value instanceof Date) return { kind: "time", length: 1 }
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView)))
    return { kind: "list", length: Array.from(value as ArrayLike<unknown>).length }
  return undefined
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value
  if (typeof value === "boolean") return Number(value)
  if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) return Number(value)
  return value === null || value === undefined ? NaN : undefined
}

const describe = (value: unknown): string =>
  Array.isArray(value)
    ? "a list"
    : typeof value === "object"
      ? "an object"
      : `the ${typeof value} ${String(value).slice(0, 40)}`

const ARRAYS = { u8: Uint8Array, i16: Int16Array, i32: Int32Array, f32: Float32Array } as const

/** The first that holds all of them exactly. */
function shortestType(values: Float64Array): keyof typeof ARRAYS | "f64" {
  for (const type of ["u8", "i16", "i32", "f32"] as const) {
    const one = new ARRAYS[type](1)
    if (values.every((value) => ((one[0] = value), Object.is(one[0], value)))) return type
  }
  return "f64"
}
