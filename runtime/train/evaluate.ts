/** runtime/train: an evaluation program over all rows of a data set.
 *  Guarantees: means are weighted by rows, the last partial batch is exact; the partial results of batches are added up in double precision
 *              and in order; reports over all rows are computed once, at the end, for as many rows; no slot is changed.
 *  Not here:   rows that are not a data set (predict.ts). */
import type { TrainSpec } from "../bundle/format.js"
import { ParameterBlocks, type CallParameters } from "../exec/blocks.js"
import { History, type Arrays } from "../exec/history.js"
import type { PlacedRows } from "../exec/placed-rows.js"
import type { Program } from "../exec/program.js"
import { evalShape } from "../exec/size.js"
import { reported } from "./metrics.js"
import { runProgram } from "./predict.js"

/** A metric: a number, or a table of them, row by row. */
export type Metric = number | readonly Metric[]
export interface Metrics {
  readonly loss: number
  readonly [name: string]: Metric
}

/** The numbers among them. */
export const numbersOf = (metrics: Readonly<Record<string, Metric>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(metrics).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  )

/** Values of all rows, by output. */
type Joined = ReadonlyMap<string, Float64Array>

/** Made once, used at every report. */
export class Evaluator {
  private readonly history: History
  private readonly blocks: ParameterBlocks
  private readonly sizes: readonly number[]
  private readonly batch: number

  constructor(
    private readonly program: Program,
    /** Makes reports from the joined results of all batches; null when there are none. */
    private readonly overall: Program | null,
    private readonly spec: Pick<TrainSpec, "totals" | "reports">,
    private readonly part: PlacedRows,
    private readonly seed: number,
  ) {
    const { rows } = part
    this.batch = Math.max(1, Math.min(program.spec.maxBatch, rows))
    const count = Math.max(1, Math.ceil(rows / this.batch))
    this.sizes = Array.from({ length: count }, (_, i) =>
      rows === 0 ? 1 : Math.min(this.batch, rows - i * this.batch),
    )
    this.history = new History(program, count, () => true)
    this.blocks = new ParameterBlocks(program.loaded.device)
  }

  /** `loss` and the metrics over all rows. */
  async run(step: number, epoch: number): Promise<Metrics> {
    const results: Arrays[] = []
    const at = { step, epoch, seed: this.seed }
    const walk = this.part.walk({
      shuffle: false,
      seed: this.seed,
      calls: this.sizes.length,
      at: (i) => ({ B: this.sizes[i]!, epoch, start: i * this.batch, before: i * this.batch }),
    })
    let i = 0
    while (i < this.sizes.length) {
      const { device } = this.program.loaded
      const ready = i + (await walk.ready(i, BATCHES_PER_SUBMIT))
      const recorder = device.record()
      const { iterations } = this.program
      for (; i < Math.min(ready, this.sizes.length); i++) {
        if (this.history.full || !this.blocks.hasRoom(iterations)) break
        const B = this.sizes[i]!
        const block = this.blocks.add({ ...at, B, ...walk.of(i) }, iterations)
        this.program.record(recorder, B, block)
        this.history.recordCalls(recorder, 1)
      }
      this.blocks.flush()
      recorder.submit()
      results.push(...(await this.history.drain()))
    }
    return this.finished(this.joined(results), at)
  }

  free(): void {
    this.history.free()
  }

  private joined(results: readonly Arrays[]): Joined {
    const rows = this.sizes.reduce((a, b) => a + b, 0)
    return new Map(
      this.program.spec.outputs.map(({ name }) => {
        const reduce = this.spec.totals?.find((t) => t.name === name)?.reduce ?? "mean"
        const joined = Float64Array.from(results[0]![name]!)
        if (reduce === "mean") joined.forEach((value, k) => (joined[k] = value * this.sizes[0]!))
        results.slice(1).forEach((result, i) => {
          const weight = reduce === "mean" ? this.sizes[i + 1]! : 1
          result[name]!.forEach((value, k) => (joined[k] = JOIN[reduce](joined[k]!, value * weight)))
        })
        return [name, reduce === "mean" ? joined.map((value) => value / rows) : joined]
      }),
    )
  }

  private async finished(
    joined: Joined,
    at: Pick<CallParameters, "step" | "epoch" | "seed">,
  ): Promise<Metrics> {
    const isTotal = (name: string): boolean => this.spec.totals?.some((t) => t.name === name) ?? false
    const found = new Map<string, Metric>()
    for (const { name, shape } of this.program.spec.outputs)
      if (!isTotal(name)) found.set(name, table(joined.get(name)!, evalShape(shape, this.program.sizes(1))))
    if (this.overall) {
      const feeds = this.overall.spec.inputs.map(({ name }) => [name, joined.get(name)!] as const)
      const batch = Math.max(1, this.part.rows)
      const late = await runProgram(this.overall, Object.fromEntries(feeds), { ...at, batch })
      for (const [name, { shape, values }] of Object.entries(late)) found.set(name, table(values, shape))
    }
    const numbers = numbersOf(Object.fromEntries(found))
    const tables = [...found].filter(([, value]) => typeof value !== "number")
    const losses = reported(numbers)
    const all: Metrics = { ...losses, ...Object.fromEntries(tables) }
    const { reports } = this.spec
    const others = Object.keys(all).filter((name) => !reports.includes(name))
    return {
      loss: losses.loss,
      ...Object.fromEntries([...others, ...reports].map((name) => [name, all[name]!])),
    }
  }
}

const add = (a: number, b: number): number => a + b
const JOIN = { mean: add, sum: add, max: Math.max, min: Math.min }

/** Evaluation is rare, so a fixed small number serves: short enough for large models, few enough for small ones. */
const BATCHES_PER_SUBMIT = 16

function table(values: ArrayLike<number>, [size, ...rest]: readonly number[], from = 0): Metric {
  if (size === undefined) return values[from]!
  const stride = rest.reduce((a, b) => a * b, 1)
  return Array.from({ length: size }, (_, i) => table(values, rest, from + i * stride))
}
