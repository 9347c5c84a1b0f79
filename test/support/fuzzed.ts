/** test: random programs from a seed on, judged; fails with the smallest program of each kind of failure. */
import { expect } from "vitest"
import type { Limits } from "../fuzz/build.js"
import type { Backend } from "../fuzz/judge.js"
import { fuzzOne, noFigures } from "../fuzz/run.js"

export interface Fuzzed {
  /** The first seed. */
  readonly from: number
  readonly count: number
  readonly limits: Limits
  readonly backends: readonly Backend[]
}

export async function expectNoFailures({ from, count, limits, backends }: Fuzzed): Promise<void> {
  const figures = noFigures()
  for (let n = 0; n < count; n++) await fuzzOne(figures, from + n, limits, backends)
  const found = [...figures.found.values()].map((f) => `${f.kind}, seed ${f.seed}: ${f.message}\n${f.text}`)
  expect(found.join("\n\n")).toBe("")
  expect(figures.accepted / count).toBeGreaterThan(0.9)
}
