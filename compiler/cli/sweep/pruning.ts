/** cli/sweep: which runs are not worth their time.
 *  median:  the rule of Golovin et al. 2017 ("Google Vizier"), as in Optuna's MedianPruner: a run is stopped at a report when its best value so
 *           far is worse than the median of the others' best values up to the same step.
 *  halving: successive halving (Jamieson and Talwalkar 2016), for runs that come one by one as in Li et al. 2020 ("ASHA"): after 1/2^k, ..., 1/4
 *           and 1/2 of the steps, the better half of the runs that have come as far goes on. */

export interface Reported {
  readonly step: number
  readonly value: number
}
export const STOP_RULES = ["median", "halving"] as const
export type StopRule = (typeof STOP_RULES)[number]

export interface Standing {
  readonly own: readonly Reported[]
  readonly others: readonly (readonly Reported[])[]
  /** Steps of a whole run. */
  readonly total: number
  readonly better: "higher" | "lower"
}

export const isHopeless = (rule: StopRule, standing: Standing): boolean => RULES[rule](standing)

/** So many others have to have come as far. */
const LEAST_OTHERS = 4

const RULES: Readonly<Record<StopRule, (standing: Standing) => boolean>> = {
  median({ own, others, better }) {
    const step = own.at(-1)?.step ?? 0
    // The loss of a network before it learned anything says nothing about its settings.
    if (step === 0) return false
    const asFar = others.flatMap((reports) => bestBy(step, reports, better) ?? [])
    return asFar.length >= LEAST_OTHERS && isBetter(medianOf(asFar), bestOf(own, better), better)
  },
  halving({ own, others, total, better }) {
    const last = own.at(-1)?.step ?? 0
    return rungs(total, others.length + 1).some((step) => {
      const value = last >= step ? atRung(step, own, better) : undefined
      if (value === undefined) return false
      const asFar = others.flatMap((reports) => atRung(step, reports, better) ?? [])
      const ahead = asFar.filter((each) => isBetter(each, value, better)).length
      return ahead >= Math.ceil((asFar.length + 1) / 2)
    })
  },
}

/** So many halvings leave one of the runs. */
const rungs = (total: number, runs: number): readonly number[] =>
  Array.from({ length: Math.floor(Math.log2(runs)) }, (_, k) => total / 2 ** (k + 1))

/** The best value up to the first report at the rung or behind it; undefined before it. */
function atRung(step: number, reports: readonly Reported[], better: Standing["better"]): number | undefined {
  const at = reports.find((report) => report.step >= step)
  return at && bestOf(reports.slice(0, reports.indexOf(at) + 1), better)
}

/** The best value up to a step of a run that has come as far. */
const bestBy = (
  step: number,
  reports: readonly Reported[],
  better: Standing["better"],
): number | undefined =>
  (reports.at(-1)?.step ?? -1) < step
    ? undefined
    : bestOf(
        reports.filter((report) => report.step <= step),
        better,
      )

const bestOf = (reports: readonly Reported[], better: Standing["better"]): number =>
  reports.reduce((most, { value }) => (isBetter(value, most, better) ? value : most), worst(better))

const worst = (better: Standing["better"]): number => (better === "higher" ? -Infinity : Infinity)

export const isBetter = (a: number, b: number, better: Standing["better"]): boolean =>
  better === "higher" ? a > b : a < b

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2
}
