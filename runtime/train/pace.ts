/** runtime/train: how many steps go into one submission: as many as take about a tenth of a second, so that submitting costs
 *  nothing and an interrupt, a browser's watchdog or another user of the GPU never waits long. */

const TARGET_MS = 100
/** The first steps compile kernels and are slow; growing slowly past them costs a few submissions. */
const GROWTH = 4

export class Pace {
  private steps = 1

  constructor(private readonly most: number) {}

  /** How many to submit before step `step`. */
  stepsFrom(_step: number): number {
    return this.steps
  }

  observe(steps: number, ms: number): void {
    const fitting = Math.round((TARGET_MS * steps) / Math.max(ms, 0.001))
    this.steps = Math.max(1, Math.min(fitting, this.steps * GROWTH, this.most))
  }
}

/** The pace of runs that go on in step: where one of them reports or saves, the others stop too. */
export class CommonPace extends Pace {
  private readonly decided = new Map<number, number>()

  override stepsFrom(step: number): number {
    const known = this.decided.get(step)
    if (known !== undefined) return known
    const steps = super.stepsFrom(step)
    this.decided.set(step, steps)
    // Runs are a few submissions apart at most.
    const [oldest] = this.decided.keys()
    if (this.decided.size > MOST_DECIDED) this.decided.delete(oldest!)
    return steps
  }
}
const MOST_DECIDED = 64
