/** runtime/train: after which steps something other than stepping happens.
 *  A "step number" is the number of updates made before it. */
import type { Every } from "../bundle/format.js"
import { RunError } from "../error.js"

export interface Schedule {
  /** Steps of the whole run, from its very beginning. */
  readonly total: number
  isReport(step: number): boolean
  /** Reports by steps have the losses of the steps since the last one and of their own step; reports by epochs those of whole epochs. */
  readonly ownStep: boolean
  isCheckpoint(step: number): boolean
  /** The next step after `step` at which to stop for one of them, or the end. */
  nextStop(step: number): number
}

export interface ScheduleOptions {
  readonly perEpoch: number
  readonly duration: Every
  readonly reportEvery: Every
  readonly checkpointEvery: Every | null
}

export function scheduleOf({ perEpoch, duration, reportEvery, checkpointEvery }: ScheduleOptions): Schedule {
  const steps = ({ unit, count }: Every, name: string, least: number): number => {
    if (!Number.isInteger(count) || count < least)
      throw new RunError("bad-option", `${name} is ${count}; it takes a whole number from ${least} on`)
    return unit === "epochs" ? count * perEpoch : count
  }
  const total = steps(duration, duration.unit, 0)
  const report = steps(reportEvery, "report every", 1)
  const checkpoint = checkpointEvery === null ? Infinity : steps(checkpointEvery, "checkpoint every", 1)
  const next = (step: number, every: number): number =>
    every === Infinity ? Infinity : (Math.floor(step / every) + 1) * every
  return {
    total,
    isReport: (step) => step % report === 0,
    ownStep: reportEvery.unit === "steps",
    isCheckpoint: (step) => step > 0 && step % checkpoint === 0,
    nextStop: (step) => Math.min(total, next(step, report), next(step, checkpoint)),
  }
}
