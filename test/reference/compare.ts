// Differences between results and the expectations of a case, in units of its tolerance.

/** Each difference as its README measures it; passing means all are at most the tolerance. */
export interface Differences {
  /** Largest relative difference (to at least 0.001) of a listed loss. */
  readonly loss: number
  /** Largest absolute difference of a final parameter or buffer. */
  readonly parameter: number
  /** Largest difference of a step-0 gradient, of a prediction: absolute up to values of 1, relative beyond. */
  readonly gradient: number
  readonly prediction: number
}

export const worst = (differences: Differences): number => Math.max(...Object.values(differences))

export function lossDifference(measured: number | undefined, expected: number): number {
  if (measured === undefined) return Infinity
  return finite(Math.abs(measured - expected) / Math.max(Math.abs(expected), 1e-3))
}

/** `unit`: the divisor of a difference at an expected value of this size. */
export function arrayDifference(
  measured: ArrayLike<number> | undefined,
  expected: ArrayLike<number>,
  unit: (size: number) => number,
): number {
  if (measured === undefined || measured.length < expected.length) return Infinity
  let largest = 0
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [measured[i]!, expected[i]!]
    const difference = a === b ? 0 : Math.abs(a - b) / unit(Math.abs(b))
    largest = Math.max(largest, finite(difference))
  }
  return largest
}

export const absolute = (): number => 1
export const relativeBeyondOne = (size: number): number => Math.max(1, size)

/** NaN passes no comparison, so that it must not count as a small difference. */
const finite = (difference: number): number => (Number.isNaN(difference) ? Infinity : difference)

export const printDifference = (difference: number): string =>
  Number.isFinite(difference) ? difference.toExponential(1) : String(difference)
