/** check: advice about shapes that do not fit: where they differ, and the one call that would make them fit where there is one.
 *  Guarantees: a call that is named does make them fit. */
import { broadcastShapes, numel, printDim, sameDim, sameShape, type Dim, type Shape } from "../ir/tensor.js"

const list = (shape: Shape): string => `[${shape.map(printDim).join(", ")}]`

/** Advice about two shapes, or more, that do not broadcast. */
export function broadcastHelp(shapes: readonly Shape[]): string | undefined {
  const sides =
    shapes.length === 2 ? ["the left side", "the right side"] : shapes.map((_, n) => `argument ${n + 1}`)
  for (const [n, a] of shapes.entries()) {
    const m = shapes.findIndex((b, i) => i > n && broadcastShapes(a, b) === undefined)
    if (m < 0) continue
    const [first, second] = [
      { name: sides[n]!, shape: a },
      { name: sides[m]!, shape: shapes[m]! },
    ]
    const call = callFor(second, first.shape) ?? callFor(first, second.shape)
    const differ = difference(first, second)
    return call === undefined ? differ : `${differ}; ${call}`
  }
  return undefined
}

interface Sided {
  readonly name: string
  readonly shape: Shape
}

/** The first axis from the right at which neither size is 1 and they differ. */
function difference(a: Sided, b: Sided): string {
  const rank = Math.min(a.shape.length, b.shape.length)
  for (let back = 1; back <= rank; back++) {
    const [x, y] = [a.shape.at(-back)!, b.shape.at(-back)!]
    if (x !== 1 && y !== 1 && !sameDim(x, y))
      return `axis -${back} is ${printDim(x)} on ${a.name} and ${printDim(y)} on ${b.name}`
  }
  return `${list(a.shape)} and ${list(b.shape)} differ`
}

/** A call that gives one side the sizes of the other one, or 1. */
function callFor({ name, shape }: Sided, other: Shape): string | undefined {
  for (let axis = shape.length; axis > 0 && shape.length < other.length; axis--)
    if (fits(shape.toSpliced(axis, 0, 1), other))
      return `\`unsqueeze(..., ${axis === shape.length ? -1 : axis})\` gives ${name} an axis of size 1 to stretch there`
  return shape.length <= other.length ? rearranged(shape, other.slice(-shape.length), name) : undefined
}
const fits = (shape: Shape, other: Shape): boolean => {
  const joined = broadcastShapes(shape, other)
  return joined !== undefined && sameShape(joined, other)
}

/** A transposition or a reshape of `what` that has exactly this shape. */
export function rearranged(shape: Shape, wanted: Shape, what: string): string | undefined {
  const rank = shape.length
  for (let b = rank - 1; rank === wanted.length && b > 0; b--)
    for (let a = b - 1; a >= 0; a--)
      if (sameShape(shape.with(a, shape[b]!).with(b, shape[a]!), wanted)) {
        const last = a === rank - 2 && b === rank - 1
        return `\`transpose(...${last ? "" : `, ${a}, ${b}`})\` swaps ${last ? "the last two axes" : `axes ${a} and ${b}`} of ${what}`
      }
  return sameDim(numel(shape), numel(wanted))
    ? `\`reshape(..., ${list(wanted)})\` lays out the elements of ${what} so`
    : undefined
}

/** Advice about axis `axis` of `shape`, declared as `wanted`; `declared`: the whole declared shape, where it is known; `own`: the user declared it. */
export function axisHelp(
  axis: number,
  shape: Shape,
  wanted: Dim,
  declared: Shape | undefined,
  own: boolean,
): string {
  const call = declared && rearranged(shape, declared, "it")
  if (call !== undefined) return call
  const [is, size] = [printDim(shape[axis]!), printDim(wanted)]
  return `make axis ${axis} ${size} where the tensor comes from${own ? `, or declare ${is} here` : ""}`
}
