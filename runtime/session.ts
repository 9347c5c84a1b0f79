/** runtime: a bundle opened on a device: train, evaluate, predict, look at parameters. The same in Node and in a page.
 *  Guarantees: one call at a time; a mistake of the caller is a RunError with a code.
 *  Not here: the work of the calls (session/), files and folders (node.ts), the loop itself (train/trainer.ts). */
import type { BatchedRun, Bundle, DeviceBundle, WindowsSpec } from "./bundle/format.js"
import { decodeCheckpoint, type Checkpoint } from "./checkpoint/checkpoint.js"
import type { Table, Uses } from "./data/table.js"
import type { DeviceInfo } from "./device/device.js"
import { ExclusiveCalls } from "./exclusive-calls.js"
import type { Numbers, Tensor } from "./exec/values.js"
import type { Host } from "./host.js"
import { checkOptions, KINDS } from "./options.js"
import { evaluate, type Evaluation } from "./session/evaluation.js"
import { openMany, openOne } from "./session/open.js"
import type { Opened } from "./session/opened.js"
import {
  EVALUATE_OPTIONS,
  OPEN_OPTIONS,
  PROFILE_OPTIONS,
  PROGRAM_OPTIONS,
  SAMPLE_OPTIONS,
  STEP_OPTIONS,
  TRAIN_OPTIONS,
  type EvaluateOptions,
  type OpenOptions,
  type ProfileOptions,
  type ProgramOptions,
  type SampleOptions,
  type StepOptions,
  type TrainOptions,
} from "./session/options.js"
import {
  columnsOf,
  predict,
  predictTable,
  predictTableRaw,
  rowsPredicted,
  usesOfModel,
  windowsSpec,
} from "./session/predict.js"
import { profile, type StepProfile } from "./session/profile.js"
import { callProgram } from "./session/programs.js"
import { takeSamples, type Samples } from "./session/samples.js"
import { step, type Batch, type StepResult } from "./session/step.js"
import { train } from "./session/training.js"
import type { Metrics } from "./train/evaluate.js"
import type { EndEvent } from "./train/events.js"
import type { Feeds } from "./train/predict.js"
import type { Prediction } from "./train/prediction.js"
import { listenersOf, trainRun, type TrainRun } from "./train/run.js"

export class Session {
  private constructor(
    private readonly opened: Opened,
    private readonly calls: ExclusiveCalls,
  ) {}

  /** `stranger`: the folder or address of a bundle that may be anybody's. */
  static async open(
    bundle: Bundle,
    host: Host,
    options: OpenOptions = {},
    stranger?: string,
  ): Promise<Session> {
    checkOptions("open", options, OPEN_OPTIONS)
    const calls = new ExclusiveCalls(stranger)
    return calls.run("open", async () => new Session(await openOne(bundle, host, options), calls))
  }

  /** Runs that one set of kernels trains at once. Each is a session; work is done once all of them have asked for it, so train all
   *  at the same time, and close each when its run is over. Data sets are on the device as a whole. */
  static async openBatched(
    runs: readonly BatchedRun[],
    host: Host,
    options: OpenOptions = {},
  ): Promise<readonly Session[]> {
    checkOptions("open", options, OPEN_OPTIONS)
    const all = await openMany(runs, host, options)
    return all.map((opened) => new Session(opened, new ExclusiveCalls(undefined)))
  }

  /** The device in use, always named. */
  get device(): DeviceInfo {
    return this.opened.device
  }
  get bundle(): DeviceBundle {
    return this.opened.loaded.bundle
  }

  train(options: TrainOptions = {}): TrainRun<EndEvent> {
    return trainRun(listenersOf(options), async ({ onEvent, signal }) => {
      checkOptions("train", options, TRAIN_OPTIONS)
      const { store } = options
      const theirs = {
        onEvent: this.calls.callback(onEvent),
        ...(store && { store: { save: this.calls.callback(store.save.bind(store)) } }),
      }
      return this.calls.run("train", () => train(this.opened, { ...options, signal, ...theirs }))
    })
  }

  /** One step over rows that the caller has, as the next step of the run that the state comes from, or as the first one: it learns from them, and
   *  schedules see one step more. Refused with `data-...` codes where the rows are not those of the section's data, with `too-many-rows`
   *  where they are more than a batch; with `non-finite` the state stays as it was. */
  async step(batch: Batch, options: StepOptions = {}): Promise<StepResult> {
    checkOptions("step", options, STEP_OPTIONS)
    return this.calls.run("step", () => step(this.opened, batch, options))
  }

  /** Loss and metrics over all rows for the test; where there are none, over those for validation, and else for training. */
  async evaluate(options: EvaluateOptions = {}): Promise<Metrics> {
    return (await this.evaluation(options)).metrics
  }

  /** The same, and over which rows. */
  async evaluation(options: EvaluateOptions = {}): Promise<Evaluation> {
    checkOptions("evaluate", options, EVALUATE_OPTIONS)
    return this.calls.run("evaluate", () => evaluate(this.opened, options))
  }

  /** The outputs of a model for inputs already in its shape, rows one after another. */
  async predict(model: string, inputs: Feeds): Promise<Record<string, Tensor>> {
    return this.calls.run("predict", () => predict(this.opened, model, inputs))
  }

  /** For raw rows: the columns and fitted stages of the fields that the model was trained on are applied, and the outputs are told in terms of
   *  the field that they were trained to give: values in its own unit, names and probabilities of its classes. */
  async predictTable(model: string, table: Table): Promise<Record<string, Prediction>> {
    return this.calls.run("predictTable", () => predictTable(this.opened, model, table))
  }

  /** The outputs for raw rows as the model gives them. */
  async predictTableRaw(model: string, table: Table): Promise<Record<string, Tensor>> {
    return this.calls.run("predictTable", () => predictTableRaw(this.opened, model, table))
  }

  /** Rows that the section does not train on, or training rows where there are no others, spread over all of them, with the predictions of its model;
   *  undefined where no model is fed with fields of its data alone. */
  async samples(options: SampleOptions): Promise<Samples | undefined> {
    checkOptions("samples", options, SAMPLE_OPTIONS)
    return this.calls.run("samples", () => takeSamples(this.opened, options))
  }

  /** The columns of a table that `predictTable` reads. */
  predictUses(model: string): Uses {
    return usesOfModel(this.opened, model)
  }

  /** The columns of a raw row of the model. */
  predictColumns(model: string): readonly string[] {
    return columnsOf(this.opened, model)
  }

  /** How rows make windows, where the model is fed with them: as many rows as its inputs take. */
  predictWindows(model: string): WindowsSpec | undefined {
    return windowsSpec(this.opened, model)
  }

  /** The rows of a table that the rows of `predictTable` are for: of a window, its last one. */
  predictRows(model: string, table: Table): Uint32Array {
    return rowsPredicted(this.opened, model, table)
  }

  /** Any program of the bundle, by name. Unlike a prediction it takes NaN and infinities too, for tests. */
  async runProgram(
    name: string,
    feeds: Feeds = {},
    options: ProgramOptions = {},
  ): Promise<Record<string, Tensor>> {
    checkOptions("runProgram", options, PROGRAM_OPTIONS)
    return this.calls.run("runProgram", () => callProgram(this.opened, name, feeds, options))
  }

  /** Times a step of a train section, kernel by kernel, for seconds. Nothing is learned. */
  async profile(options: ProfileOptions = {}): Promise<StepProfile> {
    checkOptions("profile", options, PROFILE_OPTIONS)
    return this.calls.run("profile", () => profile(this.opened, options))
  }

  /** Runs the initialisers. `train` does so by itself. */
  initialise(seed: number): void {
    checkOptions("initialise", { seed }, { seed: KINDS.seed })
    this.calls.now("initialise", () => this.opened.state.initialise(seed))
  }

  /** Everything that is learned, or with `all` every slot. */
  async parameters(all = false): Promise<Map<string, Tensor>> {
    return this.calls.run("parameters", () => this.opened.state.tensors(all))
  }

  /** All of them, or none where one is refused. */
  setParameters(values: Readonly<Record<string, Numbers>>): void {
    this.calls.now("setParameters", () => this.opened.state.setNumbers(values))
  }

  /** All slots and the place in the run, as a safetensors file. */
  async encodeState(): Promise<Uint8Array<ArrayBuffer>> {
    return this.calls.run("save", () => this.opened.state.encode())
  }

  /** Takes over a checkpoint's slots; `train({ resume })` goes on from its step too. */
  loadState(checkpoint: Checkpoint): void {
    this.calls.now("restore", () => this.opened.state.take(checkpoint))
  }

  decodeCheckpoint(place: string, file: Uint8Array): Checkpoint {
    return decodeCheckpoint(place, file, this.bundle.manifest)
  }

  close(): void {
    if (!this.calls.close()) return
    this.opened.data.close()
    this.opened.loaded.device.close()
  }
}
