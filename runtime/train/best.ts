/** runtime/train: the best value so far of a metric that a run is steered by, and since when.
 *  Guarantees: seeing the same value again changes nothing, so a report may be made once more when a run is resumed. */
import type { WatchedSpec } from "../bundle/format.js"
import { isBetter } from "./metrics.js"

export interface BestSoFar {
  /** null: no finite one was seen. */
  readonly value: number | null
  /** Updates made when it was seen. */
  readonly step: number
}
export const NOTHING_YET: BestSoFar = { value: null, step: 0 }

export class Best {
  constructor(
    private readonly watched: WatchedSpec | null | undefined,
    private seen: BestSoFar,
  ) {}

  get soFar(): BestSoFar {
    return this.seen
  }

  /** Whether a report has the best value so far. `values`: by name, with `val_` or `test_` before those of held-back rows. */
  see(values: Readonly<Record<string, number>>, step: number): boolean {
    const name = watchedName(this.watched, values)
    if (!this.watched || name === undefined) return false
    const value = values[name]!
    if (!isBetter(this.watched.better, value, this.seen.value)) return false
    this.seen = { value, step }
    return true
  }
}

/** The name of the metric in a report: that over held-back rows, where there are some. */
export function watchedName(
  watched: Pick<WatchedSpec, "metric"> | null | undefined,
  values: Readonly<Record<string, unknown>>,
): string | undefined {
  if (!watched) return undefined
  const { metric } = watched
  return [`val_${metric}`, `test_${metric}`, metric].find((name) => Object.hasOwn(values, name))
}
