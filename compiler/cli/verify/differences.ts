/** cli: compares the numbers of two implementations of a program: how far they differ, and whether rounding explains it. */

type Numbers = ReadonlyMap<string, ArrayLike<number>>

/** The results of one implementation. */
export interface Computed {
  /** The losses of every step. */
  readonly losses: readonly number[]
  /** The gradients of the first step, by parameter. */
  readonly gradients: Numbers
  /** After the last step, by slot. */
  readonly values: Numbers
  readonly evaluation: Numbers
  /** `MODEL/output` */
  readonly predictions: Numbers
}

/** The largest difference of something, and how large its numbers are. */
export interface Difference {
  readonly what: string
  /** Where the difference is. */
  readonly of: string
  readonly difference: number
  readonly scale: number
  /** How much of the scale it may be. */
  readonly allowed: number
  /** How far start values that differ by a rounding bring the numbers apart; 0 where nobody asked. */
  readonly rounding: number
}

/** The differences that rounding may grow to after a few steps; for gradients, at the first. */
const ALLOWED = { loss: 1e-4, gradient: 1e-4, parameter: 1e-3, evaluation: 1e-3, prediction: 1e-3 }
/** Two roundings are not the same one. */
const MARGIN = 10

export const agrees = ({ difference, scale, allowed, rounding }: Difference): boolean =>
  difference <= Math.max(allowed * scale, MARGIN * rounding)

/** Numbers that are nothing but rounding are as large as their difference, so that no scale is taken to be smaller than a floor.
 *  `nudged`: the second one once more, from start values that differ by a rounding. */
export function differences(a: Computed, b: Computed, nudged?: Computed): readonly Difference[] {
  const line = (
    what: keyof typeof ALLOWED,
    of: (c: Computed) => Numbers,
    floor = 0,
  ): readonly Difference[] => {
    if (of(a).size === 0) return []
    const found = largest(of(a), of(b), floor)
    const rounding = nudged === undefined ? 0 : largest(of(b), of(nudged), 0).difference
    return [{ what, ...found, allowed: ALLOWED[what], rounding }]
  }
  const one = (name: string, numbers: Numbers): Numbers => new Map([[name, numbers.get(name) ?? []]])
  return [
    ...line("loss", (c) => new Map([["all steps", c.losses]]), 1e-3),
    ...line("gradient", (c) => c.gradients, 1e-3),
    ...line("parameter", (c) => c.values, 1e-4),
    ...[...a.evaluation.keys()].flatMap((name) =>
      line("evaluation", (c) => one(name, c.evaluation), 1e-3).map((d) => ({ ...d, of: name })),
    ),
    ...line("prediction", (c) => c.predictions, 1e-3),
  ]
}

/** The difference that is the largest relative to the numbers of its tensor, but to no less than a floor. */
function largest(a: Numbers, b: Numbers, floor: number): Pick<Difference, "of" | "difference" | "scale"> {
  const scales = [...a.values()].map(scaleOf)
  const usual = scales.toSorted((x, y) => x - y)[Math.floor(scales.length / 2)] ?? 0
  let worst = { of: "", difference: 0, scale: Math.max(usual, floor) }
  for (const [i, [name, own]] of [...a].entries()) {
    const scale = Math.max(scales[i]!, floor, usual * SMALLEST)
    const difference = apart(own, b.get(name) ?? [])
    if (difference * worst.scale >= worst.difference * scale) worst = { of: name, difference, scale }
  }
  return worst
}
const SMALLEST = 1e-2

const scaleOf = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 0)

function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = a.length === b.length ? 0 : Infinity
  for (let i = 0; i < a.length; i++) {
    // Both may be the same infinity, or not a number.
    const d = Object.is(a[i], b[i]) ? 0 : Math.abs(a[i]! - (b[i] ?? NaN))
    most = Math.max(most, Number.isNaN(d) ? Infinity : d)
  }
  return most
}
