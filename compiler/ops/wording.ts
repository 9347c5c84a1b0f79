/** ops: words that the constraints of many operations share, so that they say the same thing alike.
 *  Not here:   the sentence around them, which is the diagnostic's (check/emit.ts). */
import { printShape, printType } from "../ir/tensor.js"
import type { Shape, TensorType } from "../ir/tensor.js"
import type { InferContext } from "./op.js"

export const TO_FLOAT = "convert it: `f32(...)`"
export const TO_INDEX = "convert it: `i32(...)`"
export const TO_BOOL = "compare to get a bool: `x > 0`"

/** `1 axis`, `2 axes`. */
export const countOf = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`

/** The axes of a tensor of this shape, in words: `whose axes are 0 to 2`. */
export function axesOf(shape: Shape): string {
  const rank = shape.length
  if (rank === 0) return "a scalar, which has no axes"
  return rank === 1 ? "whose only axis is 0" : `whose axes are 0 to ${rank - 1}`
}

/** `axis` is one of x; `label` is the constraint that says so, `arg` which argument x is. */
export function requireAxis(label: string, x: TensorType, axis: number, at: InferContext, arg = 0): void {
  at.require(
    label,
    axis >= 0 && axis < x.shape.length,
    () => `there is no axis ${axis} in ${printType(x)}, ${axesOf(x.shape)}`,
    { arg },
  )
}

/** `5`, or `5 (padded to 7)`. */
export const padded = (size: number, low: number, high: number): string =>
  low + high === 0 ? `${size}` : `${size} (padded to ${size + low + high})`

/** A window too large for its axis. */
export function windowTooLarge(
  taps: number,
  size: number,
  s: { readonly low: number; readonly high: number; readonly dilation: number },
): string {
  const span = (taps - 1) * s.dilation + 1
  const window = `a window of ${taps}${s.dilation === 1 ? "" : ` with dilation ${s.dilation} spans ${span} indices and`}`
  return `${window} does not fit into an axis of ${padded(size, s.low, s.high)}`
}
export const SMALLER_WINDOW = "use a smaller window or dilation, or more padding"

/** The batch stands where a fixed size is needed. */
export const dependsOnBatch = (shape: Shape): string =>
  `${printShape(shape)} has a size that depends on the batch`
