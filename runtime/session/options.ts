/** runtime/session: the options of the calls of a session, and the kinds of values that each option takes. */
import type { TrainSpec } from "../bundle/format.js"
import type { Checkpoint } from "../checkpoint/checkpoint.js"
import type { GivenWeights } from "../checkpoint/given.js"
import type { Part } from "../data/shares.js"
import type { DeviceChoice } from "../device/choose.js"
import { PLACEMENTS, type Placement } from "../exec/placed-rows.js"
import { KINDS, oneOf, type KindsOf } from "../options.js"
import type { CheckpointStore } from "../train/events.js"
import type { CallOptions } from "../train/predict.js"
import type { RunListeners } from "../train/run.js"

export interface OpenOptions extends DeviceChoice {
  /** Replaces data files: `name`, `name.column`, `name.test`, `name.test.column` -> path. */
  readonly data?: ReadonlyMap<string, string>
  /** Asks the device for the losses that the compiler found, before anything else: `device-differs` where it computes others. */
  readonly verify?: boolean
  /** Where the rows of data sets are put; left out, as the device has room. It changes no bit of a result. */
  readonly placement?: Placement
}
export const OPEN_OPTIONS: KindsOf<OpenOptions> = {
  device: KINDS.device,
  threads: KINDS.positive,
  why: KINDS.text,
  data: KINDS.paths,
  verify: KINDS.truth,
  placement: oneOf(PLACEMENTS),
}

export interface TrainOptions extends RunListeners {
  /** The name of a train section; may be left out when there is one. */
  readonly train?: string
  /** At most one of these two; it replaces the section's duration. */
  readonly epochs?: number
  readonly steps?: number
  readonly seed?: number
  readonly reportEvery?: TrainSpec["reportEvery"]
  readonly checkpointEvery?: TrainSpec["checkpointEvery"]
  /** Goes on from there, exactly. */
  readonly resume?: Checkpoint
  /** The weights that parameters start from, at step 0 and with fresh optimizer state. */
  readonly init?: GivenWeights
  /** Keeps the parameters as they are instead of initialising them: after setParameters, or to train on. */
  readonly keepParameters?: boolean
  readonly store?: CheckpointStore
}
export const TRAIN_OPTIONS: KindsOf<TrainOptions> = {
  train: KINDS.text,
  epochs: KINDS.count,
  steps: KINDS.count,
  seed: KINDS.seed,
  reportEvery: KINDS.every,
  checkpointEvery: KINDS.every,
  resume: KINDS.checkpoint,
  init: KINDS.tensors,
  keepParameters: KINDS.truth,
  store: KINDS.store,
  onEvent: KINDS.action,
  onReport: KINDS.action,
  signal: KINDS.signal,
}

export interface StepOptions {
  /** The name of a train section; may be left out when there is one. */
  readonly train?: string
}
export const STEP_OPTIONS: KindsOf<StepOptions> = { train: KINDS.text }

export interface ProfileOptions {
  /** The name of a train section; may be left out when there is one. */
  readonly train?: string
}
export const PROFILE_OPTIONS: KindsOf<ProfileOptions> = { train: KINDS.text }

export interface EvaluateOptions {
  readonly train?: string
  readonly part?: Part
}
export const EVALUATE_OPTIONS: KindsOf<EvaluateOptions> = { train: KINDS.text, part: KINDS.part }

export interface SampleOptions {
  readonly train?: string
  readonly count: number
}
export const SAMPLE_OPTIONS: KindsOf<SampleOptions> = { train: KINDS.text, count: KINDS.positive }

export interface ProgramOptions extends Omit<CallOptions, "rows"> {
  /** Which rows the program's data inputs read. */
  readonly data?: { readonly name: string; readonly part: Part }
}
export const PROGRAM_OPTIONS: KindsOf<ProgramOptions> = {
  data: KINDS.rows,
  step: KINDS.count,
  epoch: KINDS.count,
  seed: KINDS.seed,
  start: KINDS.count,
  batch: KINDS.count,
}
