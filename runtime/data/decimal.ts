/** runtime/data: decimal digits -> the nearest f64, without a text.
 *  Up to 15 digits and powers of ten up to 22 are exact in f64, so one operation rounds once (Clinger 1990). Longer numbers are computed with
 *  twice the digits of f64 (Dekker 1971) and taken where the error that is left cannot change the rounding. */

/** From which on digits are no longer added to the first part of a number: it then has 15. */
export const FIRST_FULL = 1e14
/** Digits of the second part. */
export const MOST_REST = 15

const EXACT = 22
/** Powers of ten from -MOST to MOST, each a sum of two f64; of the first its upper and lower half. */
const MOST = 60
const POWERS = Float64Array.from({ length: 2 * MOST + 1 }, (_, i) => Number(`1e${i - MOST}`))
const ERRORS = POWERS.map((power, i) => remainder(power, i - MOST))
const UPPER = POWERS.map(upper)

/** (first * 10^count + rest) * 10^exponent, where `rest` has `count` digits; NaN where that needs more than is computed here. */
export function nearest(first: number, rest: number, count: number, exponent: number): number {
  if (first === 0) return 0
  if (count === 0 && exponent >= -EXACT && exponent <= EXACT)
    return exponent < 0 ? first / POWERS[MOST - exponent]! : first * POWERS[MOST + exponent]!
  if (count > MOST_REST || exponent < -MOST || exponent + count > MOST) return NaN
  const n = MOST + exponent + count
  const power = POWERS[n]!
  const product = first * power
  const [a, b] = [upper(first), UPPER[n]!]
  const [c, d] = [first - a, power - b]
  const lost = c * d - (product - a * b - c * b - a * d)
  const more = lost + (first * ERRORS[n]! + rest * POWERS[MOST + exponent]!)
  const sum = product + more
  const left = more - (sum - product)
  const doubt = sum * DOUBT
  return sum + (left + doubt) === sum && sum + (left - doubt) === sum ? sum : NaN
}

/** More than all roundings above together, relative to the result: they are below 2^-100. */
const DOUBT = 2 ** -95

/** The upper 26 bits (Dekker's split). */
function upper(value: number): number {
  const shifted = 134217729 * value
  return shifted - (shifted - value)
}

/** 10^n - power. */
function remainder(power: number, n: number): number {
  // power = mantissa / 2^scale, both whole.
  let scale = 0n
  let mantissa = power
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2
    scale++
  }
  const whole = BigInt(mantissa)
  if (n >= 0) return Number(10n ** BigInt(n) - whole)
  const ten = 10n ** BigInt(-n)
  return Number((1n << scale) - whole * ten) / Number(ten) / 2 ** Number(scale)
}
