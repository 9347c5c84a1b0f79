/** runtime/train: how long a program and each of its dispatches take: repeated within one submission, the fastest of several.
 *  A dispatch by itself finds its data in the cache, so the sum is less than the whole.
 *  Not here:   comparing the times with a device's peak (cli/commands/profile.ts). */
import type { Recorder } from "../device/device.js"
import { ParameterBlocks, type CallParameters } from "../exec/blocks.js"
import type { Program } from "../exec/program.js"

export interface ProgramTimes {
  /** Milliseconds of all of it. */
  readonly ms: number
  /** The dispatches in order. `iterations`: how often it runs in one call; `ms`: the time of all iterations. */
  readonly dispatches: readonly {
    readonly kernel: string
    readonly iterations: number
    readonly ms: number
  }[]
}

/** Long enough that the cost of a submission does not count. */
const LEAST_MS = 30
const MOST_TIMES = 1000
const RUNS = 5

/** A GPU with a clock times by that clock. Elsewhere `clock` counts milliseconds, until a fence is reached; a software adapter has a clock
 *  too, which would count what other programs take of the processor. `which`: the dispatches that are timed by themselves, all where it is left out; 0 stands for the others. The
 *  slots are updated as often as the program runs. */
export async function timeProgram(
  program: Program,
  rows: Pick<CallParameters, "B" | "R">,
  clock: () => number,
  which?: ReadonlySet<number>,
): Promise<ProgramTimes> {
  const { device } = program.loaded
  const call = { ...rows, step: 1, epoch: 0, seed: 1, start: 0 }
  const timeOf = async (record: (recorder: Recorder) => void): Promise<number> => {
    const run = async (times: number): Promise<number> => {
      const blocks = new ParameterBlocks(device, program.iterations)
      blocks.add(call, program.iterations)
      blocks.flush()
      const timed = device.info.software ? undefined : device.recordTimed?.()
      const recorder = timed ?? device.record()
      for (let n = 0; n < times; n++) record(recorder)
      const began = clock()
      recorder.submit()
      if (timed) return (await timed.elapsed()) / times
      await device.fence()()
      return (clock() - began) / times
    }
    await run(1)
    const times = Math.max(1, Math.min(MOST_TIMES, Math.round(LEAST_MS / (await run(1)))))
    let best = Infinity
    for (let n = 0; n < RUNS; n++) best = Math.min(best, await run(times))
    return best
  }
  const iterations = program.spec.dispatches.map(() => 0)
  for (const { dispatch } of program.runOrder()) iterations[dispatch]!++
  const dispatches: { kernel: string; iterations: number; ms: number }[] = []
  for (const [i, { kernel }] of program.spec.dispatches.entries()) {
    const timed = which?.has(i) ?? true
    const ms = timed ? await timeOf((recorder) => program.recordDispatch(recorder, i, rows.B, 0)) : 0
    dispatches.push({ kernel, iterations: iterations[i]!, ms: ms * iterations[i]! })
  }
  return { ms: await timeOf((recorder) => program.record(recorder, rows.B, 0)), dispatches }
}
