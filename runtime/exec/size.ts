/** runtime/exec: sizes that depend on the call, and element types as bytes. */
import type { BundleDType, RangeSpec, SizeExpr } from "../bundle/format.js"

/** B: rows of this batch. R: rows of the data set on the device. */
export interface SizeValues {
  readonly B: number
  readonly R: number
}

export function evalSize(size: SizeExpr, values: SizeValues): number {
  if (typeof size === "number") return size
  if (typeof size === "string") return values[size]
  const [op, left, right] = size
  const a = evalSize(left, values)
  const b = evalSize(right, values)
  switch (op) {
    case "add":
      return a + b
    case "sub":
      return a - b
    case "mul":
      return a * b
    case "div":
      return Math.trunc(a / b)
    case "min":
      return Math.min(a, b)
    case "max":
      return Math.max(a, b)
  }
}

export const evalShape = (shape: readonly SizeExpr[], values: SizeValues): number[] =>
  shape.map((size) => evalSize(size, values))

export const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

/** Bytes of one element in device memory; bool is stored as u32. */
export const bytesOf = (dtype: BundleDType): number => (dtype === "f16" ? 2 : 4)

/** The field that a binding reads, when it is one of the data set's. */
export const dataField = ({ arena }: RangeSpec): string | undefined =>
  arena.startsWith("data:") ? arena.slice("data:".length) : undefined
