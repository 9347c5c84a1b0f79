/** ops: arrays of the float64 interpreter, for reading and writing by index. Slow and obvious on purpose.
 *  Shares nothing with the lowerings it judges. */
import type { NdArray } from "./op.js"

/** An array whose element at every index is `f(index)`. */
export function ndarray(shape: readonly number[], f: (index: readonly number[]) => number): NdArray {
  const data = new Float64Array(count(shape))
  let i = 0
  for (const index of indices(shape)) data[i++] = f(index)
  return { shape, data }
}
export const zeros = (shape: readonly number[]): NdArray & { readonly data: Float64Array } => ({
  shape,
  data: new Float64Array(count(shape)),
})

/** The element of x at `index`. */
export const at = (x: NdArray, index: readonly number[]): number => x.data[offset(x.shape, index)]!
export function addAt(x: NdArray, index: readonly number[], value: number): void {
  x.data[offset(x.shape, index)]! += value
}

/** All indices of a shape in row-major order. */
export function* indices(shape: readonly number[]): Generator<readonly number[]> {
  const total = count(shape)
  for (let flat = 0; flat < total; flat++) yield unravel(shape, flat)
}
export const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)

/** Row-major position of an index. */
export function offset(shape: readonly number[], index: readonly number[]): number {
  if (index.length !== shape.length || index.some((i, axis) => i < 0 || i >= shape[axis]!))
    throw new RangeError(`index [${index.join(", ")}] outside [${shape.join(", ")}]`)
  return index.reduce((sum, i, axis) => sum * shape[axis]! + i, 0)
}
/** The index at a row-major position. */
export function unravel(shape: readonly number[], flat: number): number[] {
  const index = new Array<number>(shape.length)
  let rest = flat
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis]!
    rest = Math.floor(rest / shape[axis]!)
  }
  return index
}
export const clampIndex = (i: number, size: number): number => Math.max(0, Math.min(size - 1, i))
/** A copy of `list` with `value` at `position`. */
export const replaced = <T>(list: readonly T[], position: number, value: T): T[] =>
  list.map((old, i) => (i === position ? value : old))
