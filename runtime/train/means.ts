/** runtime/train: losses and metrics of the steps since the last report -> their means, weighted by rows.
 *  Guarantees: the sums so far can be saved and taken up again, bit for bit.
 *  Not here:   metrics over a part of the data (evaluate.ts). */
import type { Scalars } from "../exec/history.js"
import { reported } from "./metrics.js"

/** The sums, as a checkpoint holds them. A sum that is no finite number is null. */
export interface SavedMeans {
  readonly rows: number
  readonly sums: Readonly<Record<string, number | null>>
}

export class Means {
  private rows: number
  private readonly sums: Map<string, number>

  constructor(saved: SavedMeans | null) {
    this.rows = saved?.rows ?? 0
    this.sums = new Map(Object.entries(saved?.sums ?? {}).map(([name, sum]) => [name, sum ?? NaN]))
  }

  get isEmpty(): boolean {
    return this.rows === 0
  }

  /** Adds the metrics of one step over so many rows. */
  add(scalars: Scalars, rows: number): void {
    this.rows += rows
    for (const [name, value] of Object.entries(reported(scalars)))
      this.sums.set(name, (this.sums.get(name) ?? 0) + value * rows)
  }

  clear(): void {
    this.rows = 0
    this.sums.clear()
  }

  copy(): Means {
    const copy = new Means(null)
    copy.rows = this.rows
    for (const [name, sum] of this.sums) copy.sums.set(name, sum)
    return copy
  }

  /** `loss` and metrics; there is at least one step. */
  get values(): { readonly loss: number } & Scalars {
    const { loss = NaN, ...others } = Object.fromEntries(
      [...this.sums].map(([name, sum]) => [name, sum / this.rows]),
    )
    return { loss, ...others }
  }

  get saved(): SavedMeans {
    const sums = [...this.sums].map(([name, sum]) => [name, Number.isFinite(sum) ? sum : null])
    return { rows: this.rows, sums: Object.fromEntries(sums) }
  }
}
