/** runtime/bundle: the first losses of a training section as the compiler computed them in double precision, on rows that both sides
 *  draw alike: what a device is asked for before it trains, with `verify`. */
import type { BundleDType, IndexBoundSpec } from "./format.js"

export interface GoldenSpec {
  /** The train section. */
  readonly train: string
  /** Rows of the data set and of each batch. */
  readonly rows: number
  /** Of the first steps, each over all rows. */
  readonly losses: readonly number[]
  /** What the losses may differ by, as a part of their size. */
  readonly tolerance: number
  /** Why there are none. */
  readonly skipped?: string
}

interface Field {
  readonly name: string
  readonly dtype: BundleDType
  readonly shape: readonly number[]
  readonly bounds?: readonly (IndexBoundSpec | null)[]
}

/** Rows of a field: indices within their bounds, other integers 0 or 1, numbers from 0 to 1. */
export function drawnRows({ name, dtype, shape, bounds }: Field, rows: number): Float64Array {
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
