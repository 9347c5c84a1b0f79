/** cli/sweep: which runs are not worth their time: the median rule of Golovin et al. 2017 ("Google Vizier"), as in Optuna's
 *  MedianPruner: a run is stopped at a report when its best value so far is worse than the median of the others' best values up to
 *  the same step. */

export interface Reported {
  readonly step: number
  readonly value: number
}
/** So many others have to have come as far. */
const LEAST_OTHERS = 4

export function isHopeless(
  own: readonly Reported[],
  others: readonly (readonly Reported[])[],
  better: "higher" | "lower",
): boolean {
  const step = own.at(-1)?.step ?? 0
  // What a network says before it learned anything says nothing of its settings.
  if (step === 0) return false
  const best = (reports: readonly Reported[]): number =>
    reports
      .filter((report) => report.step <= step)
      .reduce((most, { value }) => (isBetter(value, most, better) ? value : most), worst(better))
  const asFar = others.filter((reports) => (reports.at(-1)?.step ?? -1) >= step).map(best)
  if (asFar.length < LEAST_OTHERS) return false
  return isBetter(medianOf(asFar), best(own), better)
}

const worst = (better: "higher" | "lower"): number => (better === "higher" ? -Infinity : Infinity)

export const isBetter = (a: number, b: number, better: "higher" | "lower"): boolean =>
  better === "higher" ? a > b : a < b

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2
}
