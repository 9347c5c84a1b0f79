/** validate: how far rounding may lead a device away from the results of a graph in double precision.
 *  How:  the graph is evaluated again with every value rounded and moved by a few of its last digits at random, as far as its operation
 *        says (`roundingOf`). Where such runs differ from the exact one, so may a device: rounding may be magnified by bad conditioning, or lead to
 *        the other side of a choice, or beyond the range of f32. A value that no rounding moves has to be exact. */
import { fromHalf, toHalf } from "../../runtime/bundle/half.js"
import type { EvalInputs } from "../ir/graph/eval.js"
import type { Node } from "../ir/graph/types.js"
import { opDef } from "../ops/index.js"
import { type NdArray, roundingOf } from "../ops/op.js"

/** Numbers from 0 to 1. */
export type Noise = () => number
type Held = NonNullable<EvalInputs["held"]>
/** An operation of other arguments. */
type Again = (args: readonly NdArray[]) => NdArray

/** The relative difference of f32 values that two ways of computing the same may have. */
export interface Precision {
  /** How far values are moved, as a share of them. */
  readonly digits: number
  readonly nearest: (v: number) => number
  /** Smaller numbers may be 0. */
  readonly subnormal: number
}
/** Four roundings of f32. Drivers flush what is subnormal, or not. */
export const SINGLE: Precision = { digits: 2 ** -22, nearest: Math.fround, subnormal: 1.2e-38 }
export const DOUBLE: Precision = { digits: 2 ** -51, nearest: (v) => v, subnormal: 0 }
const HALF_DIGIT = 2 ** -11

/** Rounds each value of an evaluation; without noise, halves alone, since a program that has them asks for that. */
export const rounding =
  ({ digits, nearest, subnormal }: Precision, noise: Noise | null): Held =>
  (node, value, args, again) => {
    if (node.type.dtype === "f16") return { shape: value.shape, data: value.data.map(halfOf(noise)) }
    if (noise === null || node.type.dtype !== "f32") return value
    return moved(node, value, args, again, (exact, size, share, offset) => {
      const far = nearest(exact + digits * (share * size * signed(noise) + offset * signed(noise)))
      return Math.abs(far) < subnormal && noise() < 0.5 ? 0 : far
    })
  }
const signed = (noise: Noise): number => 2 * noise() - 1

/** Devices keep more digits while a half stays in registers: they then hold numbers that are too small or too large for a half. */
function halfOf(noise: Noise | null): (v: number) => number {
  if (noise === null) return (v) => fromHalf(toHalf(v))
  return noise() < 0.5 ? Math.fround : (v) => fromHalf(toHalf(v * (1 + HALF_DIGIT * signed(noise))))
}

/** `by`: the exact value moved by so many last digits of a number of this `size`, and so many of 1. */
function moved(
  node: Node,
  value: NdArray,
  args: readonly NdArray[],
  again: Again,
  by: (exact: number, size: number, share: number, offset: number) => number,
): NdArray {
  const def = opDef(node.op)
  const how = roundingOf(def)
  const isSum = how === "sum"
  const terms = def.lower.kind === "map" ? 0 : Math.max(...args.map((a) => a.data.length))
  const share = 1 + terms / Math.max(1, value.data.length) / TERMS_PER_DIGIT
  // The rounding errors of terms do not shrink where the terms cancel.
  const sizes = isSum ? again(args.map(magnitudes)).data : value.data
  const exactSums = isSum && args.every((a) => a.data.every((v) => Number.isInteger(v * GRID)))
  const isExact = (v: number, i: number): boolean =>
    !Number.isFinite(v) ||
    (how === "exact" && Math.fround(v) === v) ||
    (isSum && (sizes[i] === 0 || (exactSums && sizes[i]! * GRID ** 2 < 2 ** 24)))
  const offset = how === "angle" ? 2 : 0
  return {
    shape: value.shape,
    data: value.data.map((v, i) => (isExact(v, i) ? v : by(v, sizes[i]!, share, offset))),
  }
}
const TERMS_PER_DIGIT = 64
/** Multiples of 1/GRID, and products of two of them, are added up without rounding while sums are small. */
const GRID = 64
const magnitudes = ({ shape, data }: NdArray): NdArray => ({ shape, data: data.map(Math.abs) })
