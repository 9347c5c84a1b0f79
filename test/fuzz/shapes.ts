/** test: shapes of the values in a generated program. */

/** A size, or the rows of a batch. */
export type Dim = number | "B"
export type Shape = readonly Dim[]

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i])
export const isStatic = (shape: Shape): shape is readonly number[] => !shape.includes("B")
export const numel = (shape: Shape, batch: number): number =>
  shape.reduce<number>((n, dim) => n * (dim === "B" ? batch : dim), 1)

export const spliced = (shape: Shape, at: number, remove: number, ...by: Dim[]): Shape =>
  shape.toSpliced(at, remove, ...by)

export const divisors = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0)

/** An expression, written so that it can stand anywhere, and its shape. */
export interface Piece {
  readonly text: string
  readonly shape: Shape
}
