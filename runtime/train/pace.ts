/** runtime/train: how many steps go into one submission: as many as take about a tenth of a second, so that submitting costs
 *  nothing and an interrupt, a browser's watchdog or another user of the GPU never waits long. */

const TARGET_MS = 100
/** The first steps compile kernels and are slow; growing slowly past them costs a few submissions. */
const GROWTH = 4

export class Pace {
  private steps = 1

  constructor(private readonly most: number) {}

  get stepsPerSubmit(): number {
    return this.steps
  }

  observe(steps: number, ms: number): void {
    const fitting = Math.round((TARGET_MS * steps) / Math.max(ms, 0.001))
    this.steps = Math.max(1, Math.min(fitting, this.steps * GROWTH, this.most))
  }
}
