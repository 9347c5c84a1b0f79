/** bench: samples of one runner on one workload -> one figure. */
import type { Workload } from "./data.js"
import type { Sample } from "./peers.js"

/** The mean of the two in the middle when they are even in number: with two rounds the lower one would wrong a peer. */
export function median(values: readonly number[]): number {
  const sorted = values.filter((x) => !Number.isNaN(x)).sort((a, b) => a - b)
  if (sorted.length === 0) return NaN
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2
}

/** nnc gives the rate of every window, the peers the median of theirs. */
export function ratesOf(sample: Sample): number[] {
  if (sample.error !== undefined) return []
  const rates = sample["rates"]
  return Array.isArray(rates) ? rates.map(Number) : [Number(sample.steps_per_s)]
}

/** One sample for all rounds: the rate is the median of all, the rest is that of the round in the middle. `ratios`: our rate
 *  over that of each peer. */
export function summaryOf(samples: readonly Sample[], workload: Workload): Sample[] {
  const mine = samples.filter((s) => s.workload === workload)
  const merged = [...new Set(mine.map((s) => s.peer))].map((peer) => {
    const rounds = mine.filter((s) => s.peer === peer)
    const done = rounds.filter((s) => s.error === undefined)
    const [middle = rounds[0]!] = done
      .toSorted((a, b) => a.steps_per_s! - b.steps_per_s!)
      .slice((done.length - 1) >> 1)
    return done.length === 0 ? middle : { ...middle, steps_per_s: round(median(done.flatMap(ratesOf))) }
  })
  const [own, ...peers] = merged
  if (own === undefined || own.error !== undefined || peers.length === 0) return merged
  const ratios = peers.flatMap(({ peer, steps_per_s: rate }) =>
    rate === undefined ? [] : [[peer, round(own.steps_per_s! / rate)] as const],
  )
  return [{ ...own, ratios: Object.fromEntries(ratios) }, ...peers]
}

const round = (x: number): number => Math.round(x * 100) / 100
