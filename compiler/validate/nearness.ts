/** validate: compares numbers with the expected ones, as far as rounding allows. */

/** By element, the largest difference that rounding made in so many runs. */
export type Spread = (runs: number) => ArrayLike<number>
export interface Apart {
  readonly element: number
  readonly within: number
}

/** The difference that is always allowed, whatever rounding does: a share of the number, and a number. */
export interface Allowed {
  readonly relative: number
  readonly absolute: number
}

/** How often rounding is tried: more only where a few runs do not explain a difference. */
export const RUNS: readonly number[] = [2, 6, 16]
/** The factor on the differences that rounding made in these runs. */
const SAFETY = 16
/** A share of the largest number of the tensor: where rounding moves a number by more, no
 *  number of runs says how far it can. */
const VAGUE = 0.05

/** The first element that differs by more than rounding can explain; near: there is none; vague: rounding explains anything. */
export function apart(
  want: ArrayLike<number>,
  got: ArrayLike<number>,
  spread: Spread,
  { relative, absolute }: Allowed,
): Apart | "near" | "vague" {
  const wanted = Array.from(want)
  const off = wanted.map((v, i) => (Object.is(v, got[i]) ? 0 : Math.abs(got[i]! - v)))
  const allowed = (i: number): number => relative * Math.abs(wanted[i]!) + absolute
  const isNear = (i: number): boolean => off[i]! <= allowed(i)
  if (off.every((_, i) => isNear(i))) return "near"
  const size = VAGUE * wanted.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
  let found: Apart | undefined
  for (const runs of RUNS) {
    const moved = Array.from(spread(runs))
    const isVague = (v: number, i: number): boolean => !(moved[i]! <= size) || !Number.isFinite(v)
    // Where several are equal, chance says which of them rounding moves.
    const widest = moved.reduce((a, b) => Math.max(a, b), 0)
    const most = (i: number): number => SAFETY * moved[i]! + widest + allowed(i)
    const element = wanted.findIndex((v, i) => !isVague(v, i) && !(off[i]! <= most(i)))
    if (element < 0) return wanted.some((v, i) => isVague(v, i) && !isNear(i)) ? "vague" : "near"
    found = { element, within: most(element) }
  }
  return found!
}

/** By element, the largest difference of any run; NaN is the largest. */
export const spreadOver = (exact: ArrayLike<number>, runs: readonly ArrayLike<number>[]): Float64Array =>
  Float64Array.from(exact, (v, i) =>
    runs.reduce((most, run) => {
      const off = Math.abs(run[i]! - v)
      return off <= most || Number.isNaN(most) ? most : off
    }, 0),
  )
