/** runtime/bundle: the first losses of a training section as the compiler computed them in double precision, on rows that both sides
 *  draw alike. With `verify`, a device must reproduce them before it trains. */
import type { BundleDType, IndexBoundSpec, StoredSpec } from "./format.js"

export interface GoldenSpec {
  /** The train section. */
  readonly train: string
  /** Rows of the data set and of each batch. */
  readonly rows: number
  /** The losses of the first steps, each over all rows. */
  readonly losses: readonly number[]
  /** The relative difference that the losses may have. */
  readonly tolerance: number
  /** Why there are none. */
  readonly skipped?: string
}

interface Field {
  readonly name: string
  readonly dtype: BundleDType
  readonly shape: readonly number[]
  readonly bounds?: readonly (IndexBoundSpec | null)[]
  readonly stored?: StoredSpec
}

/** The form in which programs read a field. */
export interface DrawnInput {
  readonly name: string
  readonly dtype: BundleDType
  readonly shape: readonly number[]
  readonly values: Float64Array
}

/** Rows of a field as they lie on a device. */
export function drawnInputs(field: Field, rows: number): readonly DrawnInput[] {
  const { name, dtype, shape, stored } = field
  if (!stored) return [{ name, dtype, shape: [rows, ...shape], values: drawnRows(field, rows) }]
  const width = shape.reduce((n, d) => n * d, 1)
  const bits = CODE_BITS[stored.type]
  const codes = { name, dtype: "i32", shape: [width] } as const
  if (stored.values === "code") return [packed(name, drawnRows({ ...field, ...codes }, rows), width, bits)]
  const any = { below: 2 ** bits, or: null, at: "" }
  const listed = stored.values === "each" ? [2 ** bits, ...shape] : [2 ** bits]
  const list = { name: `${name}/values`, dtype, shape: [listed.reduce((n, d) => n * d, 1)] }
  return [
    packed(name, drawnRows({ ...codes, bounds: [any] }, rows), width, bits),
    { ...list, values: drawnRows({ ...field, name: list.name, shape: listed.slice(1) }, 2 ** bits) },
  ]
}

const CODE_BITS: Readonly<Record<StoredSpec["type"], number>> = { u8: 8, i8: 8, u16: 16, i16: 16 }

/** Codes in words, from the lowest bits on, each row from a word on. */
function packed(name: string, codes: Float64Array, width: number, bits: number): DrawnInput {
  const rows = codes.length / width
  const perWord = 32 / bits
  const words = Math.ceil(width / perWord)
  const values = new Float64Array(rows * words)
  codes.forEach((code, i) => {
    const place = i % width
    values[Math.floor(i / width) * words + Math.floor(place / perWord)]! +=
      code * 2 ** (bits * (place % perWord))
  })
  return { name, dtype: "u32", shape: [rows, words], values }
}

/** Indices within their bounds, other integers 0 or 1, numbers from 0 to 1. */
function drawnRows({ name, dtype, shape, bounds }: Field, rows: number): Float64Array {
  const width = shape.reduce((n, d) => n * d, 1)
  const next = randomNumbers(name)
  return Float64Array.from({ length: rows * width }, (_, i) => {
    const bound = bounds?.[(i % width) % bounds.length]
    if (bound) return Math.floor(next() * bound.below)
    return dtype === "f32" || dtype === "f16" ? Math.round(next() * 256) / 256 : Math.floor(next() * 2)
  })
}

/** From 0 (inclusive) to 1, the same for the same name (FNV-1a, mulberry32). */
function randomNumbers(name: string): () => number {
  let a = 2166136261
  for (let i = 0; i < name.length; i++) a = Math.imul(a ^ name.charCodeAt(i), 16777619)
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
