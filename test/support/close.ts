/** Comparing arrays. The tolerance is relative to the larger of the two and of 1: below 1 it is absolute, because sums of terms
 *  near 1 cancel to small numbers without becoming more exact. */
import { expect } from "vitest"
import type { NdArray } from "../../compiler/ops/op.js"

export function close(found: NdArray, wanted: NdArray, tolerance: number, what: string): void {
  expect(found.shape, `${what}: shape`).toEqual(wanted.shape)
  for (let i = 0; i < wanted.data.length; i++) {
    const [a, b] = [found.data[i]!, wanted.data[i]!]
    if (Object.is(a, b)) continue
    const off = Math.abs(a - b) / Math.max(1, Math.abs(a), Math.abs(b))
    if (!(off <= tolerance))
      expect.fail(`${what}: element ${i} is ${a}, expected ${b}; off by ${off}, allowed ${tolerance}`)
  }
}
