/** runtime: a session for a page: rows are objects, checkpoints are bytes.
 *  Not here: the same with the types of one program, which the compiler writes into a bundle (compiler/bundle/host-module.ts). */
import type { DeviceBundle } from "./bundle/format.js"
import { tableOfRecords, type Row } from "./data/records.js"
import type { DeviceInfo } from "./device/device.js"
import { RunError } from "./error.js"
import type { Numbers, Tensor } from "./exec/values.js"
import type { Session } from "./session.js"
import type { StepProfile } from "./session/profile.js"
import type { EvaluateOptions, ProfileOptions, StepOptions, TrainOptions } from "./session/options.js"
import type { Batch, StepResult } from "./session/step.js"
import type { Metrics } from "./train/evaluate.js"
import type { EndEvent } from "./train/events.js"
import type { Feeds } from "./train/predict.js"
import type { Prediction } from "./train/prediction.js"
import type { TrainRun } from "./train/run.js"

export type PageTrainOptions = Omit<TrainOptions, "resume">

/** A program opened on a device of the page. One call at a time; `close` frees the device. */
export class PageTrainer {
  constructor(readonly session: Session) {}

  /** The one in use, and why it was taken. */
  get device(): DeviceInfo {
    return this.session.device
  }
  get bundle(): DeviceBundle {
    return this.session.bundle
  }

  /** Trains from the start. The result is awaited for the end of the run, or looped over for its events. */
  train(options: PageTrainOptions = {}): TrainRun<EndEvent> {
    return this.session.train(options)
  }

  /** Goes on with the run that wrote the checkpoint, exactly. */
  resume(checkpoint: Uint8Array, options: PageTrainOptions = {}): TrainRun<EndEvent> {
    return this.session.train({
      ...options,
      resume: this.session.decodeCheckpoint("the checkpoint", checkpoint),
    })
  }

  /** One step over the rows of one batch, of a stream for instance: objects with the columns of the data, or an array for each column. It counts
   *  as the next step of the run before, which `save` and `resume` go on from. */
  step(batch: Batch, options: StepOptions = {}): Promise<StepResult> {
    return this.session.step(batch, options)
  }

  /** Loss and metrics over the rows for the test; where there are none, for validation, and else for training. */
  evaluate(options: EvaluateOptions = {}): Promise<Metrics> {
    return this.session.evaluate(options)
  }

  /** Outputs for inputs in the shape of the model, values row after row. `model` may be left out where there is one. */
  predict(inputs: Feeds, model?: string): Promise<Record<string, Tensor>> {
    return this.session.predict(this.modelOf(model), inputs)
  }

  /** The predictions for raw rows, in terms of the target: values in its unit, names and probabilities of classes.
   *  The keys of a row are the columns of the data. */
  predictRows(rows: readonly Row[], model?: string): Promise<Record<string, Prediction>> {
    const name = this.modelOf(model)
    const { session } = this
    const table = tableOfRecords("the rows", session.predictColumns(name), rows, session.predictUses(name))
    return session.predictTable(name, table)
  }

  /** Times a step, kernel by kernel with the places in the program that each computes. It takes seconds, and nothing is learned. */
  profile(options: ProfileOptions = {}): Promise<StepProfile> {
    return this.session.profile(options)
  }

  /** Everything that is learned, by name. */
  parameters(): Promise<Map<string, Tensor>> {
    return this.session.parameters()
  }
  setParameters(values: Readonly<Record<string, Numbers>>): void {
    this.session.setParameters(values)
  }

  /** Parameters, optimizer state and the place in the run, as the bytes of a .safetensors file. */
  save(): Promise<Uint8Array<ArrayBuffer>> {
    return this.session.encodeState()
  }
  /** Takes over the parameters of such a file. */
  restore(checkpoint: Uint8Array): void {
    this.session.loadState(this.session.decodeCheckpoint("the checkpoint", checkpoint))
  }

  close(): void {
    this.session.close()
  }

  private modelOf(name: string | undefined): string {
    const { predicts } = this.bundle.manifest
    if (name !== undefined) return name
    const [only] = predicts
    if (only && predicts.length === 1) return only.model
    const names = predicts.map(({ model }) => `"${model}"`).join(", ")
    throw new RunError("unknown-name", predicts.length === 0 ? "the program has no model" : "which model?", {
      help: names === "" ? "it can only train" : `choose one of ${names}`,
    })
  }
}
