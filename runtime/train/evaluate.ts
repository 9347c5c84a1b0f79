/** runtime/train: an evaluation program over all rows of a data set.
 *  Guarantees: averages are weighted by rows, the last partial batch is exact; the evaluation program changes no slot.
 *  Not here:   rows that are not a data set (predict.ts). */
import { ParameterBlocks } from "../exec/blocks.js"
import { History, type Scalars } from "../exec/history.js"
import type { Program } from "../exec/program.js"
import { reported } from "./metrics.js"

/** Made once, used at every report. */
export class Evaluator {
  private readonly history: History
  private readonly blocks: ParameterBlocks
  private readonly sizes: readonly number[]
  private readonly batch: number

  constructor(
    private readonly program: Program,
    private readonly seed: number,
  ) {
    const { rows } = program
    this.batch = Math.max(1, Math.min(program.spec.maxBatch, rows))
    const count = Math.max(1, Math.ceil(rows / this.batch))
    this.sizes = Array.from({ length: count }, (_, i) =>
      rows === 0 ? 1 : Math.min(this.batch, rows - i * this.batch),
    )
    this.history = new History(program, count)
    this.blocks = new ParameterBlocks(program.machine.device)
  }

  /** `loss` and the metrics, averaged over all rows. */
  async run(step: number, epoch: number): Promise<Record<string, number>> {
    const results: Scalars[] = []
    let i = 0
    while (i < this.sizes.length) {
      const { device } = this.program.machine
      const recorder = device.record()
      const { turns } = this.program
      for (let n = 0; n < BATCHES_PER_SUBMIT && i < this.sizes.length; n++, i++) {
        if (this.history.full || !this.blocks.hasRoom(turns)) break
        const B = this.sizes[i]!
        const start = i * this.batch
        const block = this.blocks.add({ B, R: this.program.rows, step, epoch, seed: this.seed, start }, turns)
        this.program.record(recorder, B, block)
        this.history.recordStep(recorder)
      }
      this.blocks.flush()
      recorder.submit()
      results.push(...(await this.history.drain()))
    }
    return average(results.map(reported), this.sizes)
  }

  free(): void {
    this.history.free()
  }
}

/** Evaluation is rare, so a fixed small number serves: short enough for large models, few enough for small ones. */
const BATCHES_PER_SUBMIT = 16

function average(
  results: readonly Record<string, number>[],
  rows: readonly number[],
): Record<string, number> {
  const total = rows.reduce((a, b) => a + b, 0)
  return Object.fromEntries(
    Object.keys(results[0] ?? {}).map((name) => [
      name,
      results.reduce((sum, result, i) => sum + result[name]! * rows[i]!, 0) / total,
    ]),
  )
}
