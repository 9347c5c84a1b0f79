/** runtime: a bundle opened on a device: train, evaluate, predict, look at parameters. The same in Node and in a page.
 *  Guarantees: one call at a time; what a caller gets wrong is a RunError with a code.
 *  Not here: files and folders (node.ts), the loop itself (train/trainer.ts). */
import { BatchedDevice } from "./batched/device.js"
import type {
  BatchedRun,
  Bundle,
  DataSpec,
  FieldSpec,
  PredictSpec,
  SlotSpec,
  TrainSpec,
  WindowsSpec,
} from "./bundle/format.js"
import { arenaBytes } from "./bundle/memory.js"
import {
  checkFold,
  checkSection,
  decodeCheckpoint,
  encodeCheckpoint,
  type Checkpoint,
  type Position,
} from "./checkpoint/checkpoint.js"
import { takeGiven, type GivenWeights } from "./checkpoint/given.js"
import { takeDeclared, type TakenWeights } from "./checkpoint/weights.js"
import { applyField } from "./data/apply.js"
import type { DataFile } from "./data/file.js"
import { loadTables, type OpenFile, type Parts } from "./data/load.js"
import { overrideData } from "./data/override.js"
import { PART_NAMES, type Part } from "./data/shares.js"
import { allRows } from "./data/split.js"
import type { Table, Uses } from "./data/table.js"
import { usesOf } from "./data/uses.js"
import { windowed } from "./data/windows.js"
import { forWasm, openDevice, type DeviceChoice } from "./device/choose.js"
import type { Device, DeviceInfo } from "./device/device.js"
import { errorEvent, RunError } from "./error.js"
import { callOnce } from "./exec/calls.js"
import { checkNumbers } from "./exec/check-numbers.js"
import { openDataSet, type DataSet, type HowToPlace } from "./exec/data-set.js"
import { loadBundle, type LoadedBundle } from "./exec/loaded-bundle.js"
import { PLACEMENTS, type PlacedRows, type Placement } from "./exec/placed-rows.js"
import type { Program } from "./exec/program.js"
import { product } from "./exec/size.js"
import { State, type StateRange } from "./exec/state.js"
import { decodeNumbers, encodeNumbers, type Numbers, type Tensor } from "./exec/values.js"
import type { Host } from "./host.js"
import { checkOptions, KINDS, oneOf } from "./options.js"
import { nearest } from "./suggest.js"
import { batchesOf } from "./train/batches.js"
import { Evaluator, type Metrics } from "./train/evaluate.js"
import { LOG_VERSION, type CheckpointStore, type EndEvent } from "./train/events.js"
import { feedOf, meaningsOf } from "./train/predict-feed.js"
import { predictionOf, type Prediction } from "./train/prediction.js"
import { sampledField, type Samples, truthOf } from "./train/samples.js"
import { runProgram, unreadRows, type CallOptions, type Feeds } from "./train/predict.js"
import { scheduleOf } from "./train/schedule.js"
import { CommonPace } from "./train/pace.js"
import { NOTHING_YET } from "./train/best.js"
import { listenersOf, trainRun, type RunListeners, type TrainRun } from "./train/run.js"
import { Trainer, type Progress, type TrainSetup } from "./train/trainer.js"
import { verifyLosses } from "./train/verify.js"
import { ExclusiveCalls } from "./exclusive-calls.js"

export interface OpenOptions extends DeviceChoice {
  /** Replaces data files: `name`, `name.column`, `name.test`, `name.test.column` -> path. */
  readonly data?: ReadonlyMap<string, string>
  /** Asks the device for the losses that the compiler found, before anything else: `device-differs` where it computes others. */
  readonly verify?: boolean
  /** Where the rows of data sets are put; left out, as the device has room. It changes no bit of a result. */
  readonly placement?: Placement
}

export interface TrainOptions extends RunListeners {
  /** The name of a train section; may be left out when there is one. */
  readonly train?: string
  /** At most one of these two; instead of the section's duration. */
  readonly epochs?: number
  readonly steps?: number
  readonly seed?: number
  readonly reportEvery?: TrainSpec["reportEvery"]
  readonly checkpointEvery?: TrainSpec["checkpointEvery"]
  /** Goes on from there, exactly. */
  readonly resume?: Checkpoint
  /** What parameters start from; at step 0, with optimizers of its own. */
  readonly init?: GivenWeights
  /** Keeps the parameters as they are instead of initialising them: after setParameters, or to train on. */
  readonly keepParameters?: boolean
  readonly store?: CheckpointStore
}

export interface EvaluateOptions {
  readonly train?: string
  readonly part?: Part
}
export interface Evaluation {
  readonly part: Part
  readonly rows: number
  readonly metrics: Metrics
}

export interface ProgramOptions extends CallOptions {
  /** Which rows the program's data inputs read. */
  readonly data?: { readonly name: string; readonly part: Part }
}

const OPEN_OPTIONS = {
  device: KINDS.device,
  threads: KINDS.positive,
  why: KINDS.text,
  data: KINDS.paths,
  verify: KINDS.truth,
  placement: oneOf(PLACEMENTS),
}
const TRAIN_OPTIONS = {
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
const PROGRAM_OPTIONS = {
  data: KINDS.rows,
  step: KINDS.count,
  epoch: KINDS.count,
  seed: KINDS.seed,
  start: KINDS.count,
  batch: KINDS.count,
}

export class Session {
  private readonly state: State
  private readonly files: DataFile[] = []
  private initialised = false
  /** Parameters that a caller has set before files gave the others their first values. */
  private set: Map<string, Numbers> | undefined
  private position: Position | null = null

  private constructor(
    private readonly loaded: LoadedBundle,
    /** The device in use, always named. */
    readonly device: DeviceInfo,
    private readonly host: Host,
    private readonly data: readonly DataSpec[],
    private readonly placement: Placement | undefined,
    private readonly calls: ExclusiveCalls,
    private readonly common: Common = { device: loaded.device, dataSets: new Map() },
  ) {
    this.state = new State(loaded, common.pace && rangesOf(loaded.slots))
  }

  /** `stranger`: the folder or address of a bundle that may be anybody's. */
  static async open(
    bundle: Bundle,
    host: Host,
    options: OpenOptions = {},
    stranger?: string,
  ): Promise<Session> {
    checkOptions("open", options, OPEN_OPTIONS)
    const calls = new ExclusiveCalls(stranger)
    return calls.run("open", () => Session.opened(bundle, host, options, calls))
  }

  private static async opened(
    bundle: Bundle,
    host: Host,
    options: OpenOptions,
    calls: ExclusiveCalls,
  ): Promise<Session> {
    const data = overrideData(bundle.manifest.data, options.data ?? new Map())
    const { device, info, bundle: seen } = await openDevice(bundle, host, options)
    try {
      const session = new Session(await loadBundle(seen, device), info, host, data, options.placement, calls)
      if (options.verify) await session.verify()
      return session
    } catch (caught) {
      device.close()
      throw caught
    }
  }

  /** Runs that one set of kernels trains at once. Each is a session; work is done once all of them have asked for it, so train all
   *  at the same time, and close each when its run is over. Data sets are on the device as a whole. */
  static async openBatched(
    runs: readonly BatchedRun[],
    host: Host,
    options: OpenOptions = {},
  ): Promise<readonly Session[]> {
    checkOptions("open", options, OPEN_OPTIONS)
    const { device, info, bundle } = await openDevice(runs[0]!.bundle, host, options)
    try {
      const loaded = await loadBundle(bundle, device)
      const batched = new BatchedDevice(device, runs.length)
      let pace: CommonPace | undefined
      const common: Common = {
        device,
        dataSets: new Map(),
        pace: (most) => (pace ??= new CommonPace(most)),
      }
      const sessions = runs.map(({ bundle: own, numbers }, run) => {
        for (const { arena, offset, dtype, value } of numbers)
          device.write(loaded.arena(arena), offset, encodeNumbers(dtype, [value]))
        const seen = loaded.as(info.device === "wasm" ? forWasm(own) : own, batched.of(run))
        const data = overrideData(own.manifest.data, options.data ?? new Map())
        return new Session(seen, info, host, data, "resident", new ExclusiveCalls(undefined), common)
      })
      batched.keep(
        sessions.map((session) =>
          rangesOf(session.loaded.slots).map((range) => ({ ...range, memory: loaded.arena(range.arena) })),
        ),
      )
      return sessions
    } catch (caught) {
      device.close()
      throw caught
    }
  }

  /** Compares the device with the compiler; the slots have to be initialised after it. */
  private async verify(): Promise<void> {
    const { device, adapter } = this.device
    await verifyLosses(this.loaded, `${device}: ${adapter}`, (seed) => this.runInitialisers(seed))
    this.initialised = false
  }

  get bundle(): Bundle {
    return this.loaded.bundle
  }

  train(options: TrainOptions = {}): TrainRun<EndEvent> {
    return trainRun(listenersOf(options), async (of) => {
      checkOptions("train", options, TRAIN_OPTIONS)
      const { onReport: _, store, ...others } = options
      const theirs = {
        onEvent: this.calls.callback(of.onEvent),
        ...(store && { store: { save: this.calls.callback(store.save.bind(store)) } }),
      }
      return this.calls.run("train", () => this.runTraining({ ...others, signal: of.signal, ...theirs }))
    })
  }

  private async runTraining(options: TrainOptions): Promise<EndEvent> {
    const spec = this.trainSpec(options.train)
    if (options.resume) checkSection(options.resume, spec.name)
    const data = spec.data === null ? null : await this.dataSet(spec.data)
    const note = (message: string): void => options.onEvent?.({ event: "note", message })
    const seed = options.seed ?? options.resume?.position?.seed ?? spec.seed
    const batches = batchesOf(data?.train.rows ?? 0, spec.batch, spec.dropLast)
    const schedule = scheduleOf({
      perEpoch: batches.perEpoch,
      duration: durationOf(spec, options),
      reportEvery: options.reportEvery ?? spec.reportEvery,
      checkpointEvery: options.checkpointEvery === undefined ? spec.checkpointEvery : options.checkpointEvery,
    })
    const { from, notes } = await this.startFrom(options, seed)
    for (const each of notes) note(each)
    if (options.resume)
      for (const difference of this.differences(options.resume, seed, batches.size, batches.rows))
        note(difference)
    const heldBack = data && this.heldBack(spec, data, seed)
    const onEvent = options.onEvent ?? (() => {})
    onEvent({
      event: "start",
      log: LOG_VERSION,
      program: this.bundle.manifest.name,
      train: spec.name,
      ...this.device,
      parameters: this.parameterCount,
      rows: batches.rows,
      val_rows: data?.val?.rows ?? 0,
      test_rows: data?.test?.rows ?? 0,
      ...(data && data.leftOut > 0 && { left_out: data.leftOut }),
      data_bytes: [data?.train, data?.val, data?.test].reduce((sum, rows) => sum + (rows?.bytes ?? 0), 0),
      ...(data && { placement: data.placement }),
      batch: batches.size,
      seed,
      step: from.step,
      steps: schedule.total,
      steps_per_epoch: batches.perEpoch,
      settings: Object.fromEntries(this.bundle.manifest.settings.map(({ name, value }) => [name, value])),
    })
    const left = schedule.total % (spec.accumulate ?? 1)
    if (left > 0)
      onEvent({
        event: "note",
        message:
          `accumulate ${spec.accumulate}: the run has ${schedule.total} batches, and ` +
          (left === schedule.total
            ? "so makes no update at all"
            : `the last ${left} of them complete no update`),
      })
    const trainer = new Trainer({
      loaded: this.loaded,
      spec,
      state: this.state,
      step: this.loaded.program(spec.step, data?.train.data ?? null),
      batches,
      data: data?.train ?? null,
      weights: data?.weights.get(spec.name),
      schedule,
      fold: this.foldOf(spec),
      heldBack,
      evaluates:
        (options.reportEvery ?? spec.reportEvery).unit === "epochs" ||
        spec.keepBest !== null ||
        spec.patience !== undefined ||
        spec.observed !== undefined,
      seed,
      from,
      store: options.store ?? null,
      onEvent,
      signal: options.signal,
      now: () => this.host.now(),
      pace: this.common.pace,
    })
    try {
      const end = await trainer.run()
      this.position = trainer.position(end.step)
      return end
    } catch (caught) {
      onEvent(errorEvent(caught))
      throw caught
    } finally {
      trainer.free()
      heldBack?.evaluator.free()
    }
  }

  /** What is looked at along the way: the test rows only where there are none for validation. */
  private heldBack(spec: TrainSpec, { val, test }: Parts<PlacedRows>, seed: number): TrainSetup["heldBack"] {
    const rows = val ?? test
    if (!rows || spec.evaluate === null) return null
    return { part: val ? "val" : "test", evaluator: this.evaluator(spec, spec.evaluate, rows, seed) }
  }

  /** Loss and metrics over all rows for the test; where there are none, over those for validation, and else for training. */
  async evaluate(options: EvaluateOptions = {}): Promise<Metrics> {
    return (await this.evaluation(options)).metrics
  }

  /** The same, and over which rows. */
  async evaluation(options: EvaluateOptions = {}): Promise<Evaluation> {
    checkOptions("evaluate", options, { train: KINDS.text, part: KINDS.part })
    return this.calls.run("evaluate", () => this.runEvaluation(options))
  }

  private async runEvaluation(options: EvaluateOptions): Promise<Evaluation> {
    const spec = this.trainSpec(options.train)
    if (spec.evaluate === null || spec.data === null)
      throw new RunError("unknown-name", `train section "${spec.name}" has no data to evaluate on`)
    const data = await this.dataSet(spec.data)
    const part = options.part ?? partTested(data)
    const rows = data[part]
    if (!rows) throw new RunError("data-split", `data set "${spec.data}" has no ${PART_NAMES[part]} rows`)
    await this.ensureInitialised(spec.seed)
    const evaluator = this.evaluator(spec, spec.evaluate, rows, spec.seed)
    try {
      const metrics = await evaluator.run(this.position?.step ?? 0, this.position?.epoch ?? 0)
      return { part, rows: rows.rows, metrics }
    } finally {
      evaluator.free()
    }
  }

  /** The outputs of a model for inputs already in its shape, rows one after another. */
  async predict(model: string, inputs: Feeds): Promise<Record<string, Tensor>> {
    return this.calls.run("predict", () => this.runPrediction(model, inputs))
  }

  private async runPrediction(model: string, inputs: Feeds): Promise<Record<string, Tensor>> {
    const { program: name, unread = [] } = this.predictSpec(model)
    await this.ensureInitialised(this.bundle.manifest.trains[0]?.seed ?? 0)
    const program = this.loaded.program(name, null)
    const used = Object.entries(inputs).filter(([given]) => !unread.some((each) => each.name === given))
    const batch = unreadRows(unread, inputs)
    return runProgram(program, checkedFeeds(program, Object.fromEntries(used)), batch ? { batch } : {})
  }

  /** For raw rows: the columns and fitted stages of the fields that the model was trained on are applied, and the outputs are told in terms of
   *  the field that they were trained to give: values in its own unit, names and probabilities of its classes. */
  async predictTable(model: string, table: Table): Promise<Record<string, Prediction>> {
    return this.calls.run("predictTable", async () => {
      const meanings = meaningsOf(this.predictSpec(model), this.position?.train ?? null, this.data)
      const outputs = await this.runPredictionOf(model, table)
      const rows = this.windowsOf(model, table)
      const where = (row: number): string => rows.where(row)
      return Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]): [string, Prediction] => {
          const meant = meanings.get(name)
          return [name, meant ? predictionOf(tensor, meant, where) : tensor]
        }),
      )
    })
  }

  /** The outputs for raw rows as the model gives them. */
  async predictTableRaw(model: string, table: Table): Promise<Record<string, Tensor>> {
    return this.calls.run("predictTable", () => this.runPredictionOf(model, table))
  }

  private async runPredictionOf(model: string, given: Table): Promise<Record<string, Tensor>> {
    const fields = this.predictFields(model)
    const table = this.windowsOf(model, given)
    const feeds = fields.map(([name, spec]): [string, Numbers] => {
      const { bytes } = applyField(spec, table, allRows(table.rows))
      return [
        name,
        decodeNumbers(spec.dtype, new Uint8Array(bytes).buffer, 0, table.rows * product(spec.shape)),
      ]
    })
    return this.runPrediction(model, Object.fromEntries(feeds))
  }

  /** Rows that the section does not train on, or where there are none that it does, from all over them, with what its model says of them;
   *  undefined where no model is fed with fields of its data alone. */
  async samples(options: { readonly train?: string; readonly count: number }): Promise<Samples | undefined> {
    checkOptions("samples", options, { train: KINDS.text, count: KINDS.positive })
    return this.calls.run("samples", () => this.takeSamples(options))
  }

  private async takeSamples({
    train,
    count,
  }: {
    readonly train?: string
    readonly count: number
  }): Promise<Samples | undefined> {
    const spec = this.trainSpec(train)
    const set = this.data.find(({ name }) => name === spec.data)
    const predict = this.bundle.manifest.predicts.find(({ feeds }) =>
      feeds.some(
        (feed) =>
          feed.train === spec.name && feed.inputs.every(({ data, field }) => data === set?.name && field),
      ),
    )
    if (!set || !predict) return undefined
    const inputs = feedOf(predict, spec.name, this.data).flatMap(({ name, field }) =>
      field ? [{ name, field }] : [],
    )
    const meanings = meaningsOf(predict, spec.name, this.data)
    const loaded = await loadTables(set, this.openFile, usesOf(set.fields, set))
    const part = loaded.val ? "val" : loaded.test ? "test" : "train"
    const { table, rows } = loaded[part]!
    const taken = Math.min(count, rows.length)
    const from = {
      table,
      rows: Uint32Array.from({ length: taken }, (_, i) => rows[Math.floor((i * rows.length) / taken)]!),
    }
    const fields = inputs.map(({ name, field }) => ({ ...sampledField(field, from), name }))
    const outputs = await this.runPrediction(
      predict.model,
      Object.fromEntries(fields.map(({ name, values }) => [name, values])),
    )
    return {
      part,
      rows: from.rows.length,
      model: predict.model,
      inputs: fields,
      outputs: Object.entries(outputs).map(([name, tensor]) => {
        const meant = meanings.get(name)
        if (!meant) return { name, prediction: tensor }
        const prediction = predictionOf(tensor, meant, (row) => `sample ${row}`)
        return { name, prediction, truth: truthOf(meant, from) }
      }),
    }
  }

  /** What `predictTable` asks of the columns of a table. */
  predictUses(model: string): Uses {
    const windows = this.predictWindows(model)
    return usesOf(
      this.predictFields(model).map(([, spec]) => spec),
      windows && { windows },
    )
  }

  /** The columns of a raw row of the model. */
  predictColumns(model: string): readonly string[] {
    return [...new Set(this.predictFields(model).flatMap(([, spec]) => spec.columns))]
  }

  /** How rows make windows, where the model is fed with them: as many rows as its inputs take. */
  predictWindows(model: string): WindowsSpec | undefined {
    const fields = this.predictFields(model).map(([, spec]) => spec)
    const length = Math.max(0, ...fields.map(({ window }) => window?.to ?? 0))
    const spec = this.data.find((set) => set.windows && fields.some((f) => set.fields.includes(f)))
    return length === 0 || !spec?.windows ? undefined : { ...spec.windows, length }
  }

  /** The rows of a table that the rows of `predictTable` are for: of a window, its last one. */
  predictRows(model: string, table: Table): Uint32Array {
    const { rows, windows } = this.windowsOf(model, table)
    const { length = 1 } = this.predictWindows(model) ?? {}
    return windows ? windows.starts.map((start) => windows.places[start + length - 1]!) : allRows(rows)
  }

  private windowsOf(model: string, table: Table): Table {
    const windows = this.predictWindows(model)
    return windows ? windowed(table, windows) : table
  }

  /** By input: the field that it was fed from. */
  private predictFields(model: string): readonly (readonly [input: string, field: FieldSpec])[] {
    const fields = feedOf(this.predictSpec(model), this.position?.train ?? null, this.data)
    return fields.map(({ name, field }) => {
      if (field) return [name, field]
      throw new RunError("unknown-name", `input "${name}" of ${model} was not fed from a data field`, {
        help: "give it as an array instead",
      })
    })
  }

  /** Any program of the bundle, by name. Unlike a prediction it takes NaN and infinities, to see what becomes of them. */
  async runProgram(
    name: string,
    feeds: Feeds = {},
    options: ProgramOptions = {},
  ): Promise<Record<string, Tensor>> {
    checkOptions("runProgram", options, PROGRAM_OPTIONS)
    return this.calls.run("runProgram", async () => {
      const rows = options.data ? (await this.dataSet(options.data.name))[options.data.part] : null
      const program = this.loaded.program(name, rows?.data ?? null)
      const at = rows ? await this.rowsOfCall(program, rows, options) : {}
      return runProgram(program, checkedFeeds(program, feeds, true), { ...options, ...at })
    })
  }

  /** Which rows a single call finds on the device. */
  private async rowsOfCall(
    { spec }: Program,
    rows: PlacedRows,
    { seed = 0, epoch = 0, start = 0, batch }: ProgramOptions,
  ): Promise<CallOptions> {
    const B = batch ?? Math.min(rows.rows, spec.maxBatch)
    const train = this.bundle.manifest.trains.find(({ step }) => step === spec.name)
    const weights = train?.data ? (await this.dataSet(train.data)).weights.get(train.name) : undefined
    const order = { shuffle: train?.shuffle ?? false, ...(weights && { weights }), seed, calls: 1 }
    const walk = rows.walk({ ...order, at: () => ({ B, epoch, start }) })
    await walk.ready(0, 1)
    const { R, start: first } = walk.of(0)
    return { batch: B, rows: R, start: first }
  }

  /** Runs the initialisers. `train` does so by itself. */
  initialise(seed: number): void {
    checkOptions("initialise", { seed }, { seed: KINDS.seed })
    this.calls.now("initialise", () => {
      this.runInitialisers(seed)
      if (this.bundle.manifest.weights) this.set = new Map()
    })
  }

  private runInitialisers(seed: number): void {
    this.initialised = true
    this.set = undefined
    this.position = null
    const { programs } = this.bundle.manifest
    // Zero first: optimizer state starts at zero where no initialiser says otherwise.
    this.state.write(
      new Map(this.state.slots.map(({ name, bytes }) => [name, new Uint8Array(Math.ceil(bytes / 4) * 4)])),
    )
    if (!programs.some(({ name }) => name === "init")) return
    const init = this.loaded.program("init", null)
    callOnce(init, { B: 1, R: 0, step: 0, epoch: 0, seed, start: 0 })
  }

  /** Everything that is learned, or with `all` every slot. */
  async parameters(all = false): Promise<Map<string, Tensor>> {
    return this.calls.run("parameters", () => this.readParameters(all))
  }

  private async readParameters(all: boolean): Promise<Map<string, Tensor>> {
    await this.ensureInitialised(this.bundle.manifest.trains[0]?.seed ?? 0)
    return this.state.tensors(all ? this.state.slots.map(({ role }) => role) : ["param", "state"])
  }

  /** All of them, or none where one is refused. */
  setParameters(values: Readonly<Record<string, Numbers>>): void {
    this.calls.now("setParameters", () => {
      for (const [name, numbers] of Object.entries(values)) this.state.checkNumbers(name, numbers)
      const { trains, weights } = this.bundle.manifest
      if (!this.initialised) {
        this.runInitialisers(trains[0]?.seed ?? 0)
        // Files are read by whatever waits next.
        if (weights) this.set = new Map()
      }
      for (const [name, numbers] of Object.entries(values)) {
        this.state.setNumbers(name, numbers)
        this.set?.set(name, numbers)
      }
    })
  }

  /** All slots and the place in the run, as a safetensors file. */
  async encodeState(): Promise<Uint8Array<ArrayBuffer>> {
    return this.calls.run("save", async () => {
      // Values from files of weights may still wait to be read.
      await this.ensureInitialised(this.bundle.manifest.trains[0]?.seed ?? 0)
      return encodeCheckpoint(this.bundle.manifest, await this.state.read(), this.position)
    })
  }

  /** Takes over a checkpoint's slots; `train({ resume })` goes on from its step too. */
  loadState(checkpoint: Checkpoint): void {
    this.calls.now("restore", () => this.takeState(checkpoint))
  }

  private takeState(checkpoint: Checkpoint): void {
    const { trains } = this.bundle.manifest
    const trained = trains.find(({ name }) => name === checkpoint.position?.train)
    if (trained) checkFold(checkpoint, this.foldOf(trained))
    if (!this.initialised) this.runInitialisers(checkpoint.position?.seed ?? 0)
    this.set = undefined
    this.state.write(checkpoint.slots)
    this.position = checkpoint.position
  }

  decodeCheckpoint(place: string, file: Uint8Array): Checkpoint {
    return decodeCheckpoint(place, file, this.bundle.manifest)
  }

  close(): void {
    if (!this.calls.close()) return
    for (const file of this.files) file.close?.()
    this.loaded.device.close()
  }

  private evaluator(spec: TrainSpec, evaluate: string, rows: PlacedRows, seed: number): Evaluator {
    const overall = spec.overall === undefined ? null : this.loaded.program(spec.overall, null)
    return new Evaluator(this.loaded.program(evaluate, rows.data), overall, spec, rows, seed)
  }

  private get parameterCount(): number {
    const params = this.state.slots.filter(({ role }) => role === "param")
    return params.reduce((sum, { shape }) => sum + product(shape), 0)
  }

  private async startFrom(
    { resume, init, keepParameters }: TrainOptions,
    seed: number,
  ): Promise<{ readonly from: Progress; readonly notes: readonly string[] }> {
    if (resume && init)
      throw new RunError("bad-option", "both resume and init are given; a run goes on, or it starts anew")
    if (resume) {
      this.runInitialisers(seed)
      this.takeState(resume)
      return { from: resume.position ?? START, notes: [] }
    }
    if (keepParameters) {
      await this.ensureInitialised(seed)
      return { from: START, notes: [] }
    }
    this.runInitialisers(seed)
    return { from: START, notes: await this.takeWeights(seed, init) }
  }

  /** Puts what files have in the place of first values. */
  private async takeWeights(seed: number, init?: GivenWeights): Promise<readonly string[]> {
    const { manifest } = this.bundle
    const given = init && takeGiven(init, manifest)
    const declared = await takeDeclared(this.openFile, manifest, given?.slots ?? new Map())
    const all: readonly TakenWeights[] = [...declared, ...(given ? [given] : [])]
    const write = (): void => {
      for (const { slots } of all) this.state.write(slots)
    }
    write()
    if (all.length > 0 && manifest.programs.some(({ name }) => name === "start")) {
      const start = this.loaded.program("start", null)
      callOnce(start, { B: 1, R: 0, step: 0, epoch: 0, seed, start: 0 })
      write()
    }
    return all.flatMap(({ notes }) => notes)
  }

  /** What makes a resumed run other than one that never stopped. */
  private differences(
    { position, fingerprint, place }: Checkpoint,
    seed: number,
    batch: number,
    rows: number,
  ): string[] {
    if (!position) return [`${place} holds parameters only: the optimizer and the step count start anew`]
    const changed = (what: string, before: number, now: number): string[] =>
      before === now
        ? []
        : [`${what} was ${before} in the checkpoint and is ${now} now: the run goes on with other batches`]
    return [
      ...changed("seed", position.seed, seed),
      ...changed("batch", position.batch, batch),
      ...changed("rows", position.rows, rows),
      ...(fingerprint === this.bundle.manifest.fingerprint
        ? []
        : ["the program was changed since the checkpoint: the run goes on with the new one"]),
    ]
  }

  private async ensureInitialised(seed: number): Promise<void> {
    const { set } = this
    if (this.initialised && set === undefined) return
    if (!this.initialised) this.runInitialisers(seed)
    this.set = undefined
    await this.takeWeights(seed)
    for (const [name, numbers] of set ?? []) this.state.setNumbers(name, numbers)
  }

  private dataSet(name: string): Promise<DataSet> {
    const { device, dataSets } = this.common
    const known = dataSets.get(name)
    if (known) return known
    const spec = find(this.data, name, (each) => each.name, "data set")
    const loading = openDataSet(device, spec, this.openFile, this.howToPlace(name))
    dataSets.set(name, loading)
    return loading
  }

  private readonly openFile: OpenFile = async (path) => {
    const file = await this.host.openFile(path)
    this.files.push(file)
    const size = this.bundle.manifest.large?.[path] ?? file.size
    if (file.size !== size)
      throw new RunError(
        "bundle-corrupt",
        `${path} of the bundle has ${file.size} bytes, and had ${size} when it was compiled`,
        { help: "copy the bundle again, or compile the source again" },
      )
    return file
  }

  private howToPlace(data: string): HowToPlace {
    const { device, bundle } = this.loaded
    const trains = bundle.manifest.trains.filter((train) => train.data === data)
    const programs = trains.flatMap(({ step, evaluate }) => (evaluate === null ? [step] : [step, evaluate]))
    const batch = Math.max(1, ...programs.map((name) => this.loaded.spec(name).maxBatch))
    const budget = Math.min(...trains.map(({ memory = Infinity }) => memory)) - arenaBytes(bundle.manifest)
    const room = { ...device.room, all: Math.min(device.room.all, budget) }
    const draws = new Map(trains.flatMap(({ name, draw }) => (draw ? [[name, draw] as const] : [])))
    return { placement: this.placement, room, batch, draws }
  }

  /** Which of the folds of its data set is for validation. */
  private foldOf({ data }: TrainSpec): number | null {
    return this.data.find(({ name }) => name === data)?.split?.fold ?? null
  }

  private trainSpec(name: string | undefined): TrainSpec {
    const { trains } = this.bundle.manifest
    if (name !== undefined) return find(trains, name, (each) => each.name, "train section")
    if (trains.length === 1) return trains[0]!
    const names = trains.map((each) => `"${each.name}"`).join(", ")
    throw new RunError(
      "unknown-name",
      trains.length === 0 ? "the program has no train section" : "which train section?",
      {
        help: names === "" ? "it can only predict" : `choose one of ${names}`,
      },
    )
  }

  private predictSpec(model: string): PredictSpec {
    return find(this.bundle.manifest.predicts, model, (each) => each.model, "model")
  }
}

/** What sessions of one device may have in common. */
interface Common {
  readonly device: Device
  readonly dataSets: Map<string, Promise<DataSet>>
  /** Of sessions that train at once. */
  readonly pace?: (most: number) => CommonPace
}

/** Slots with others than their own between them. */
function rangesOf(slots: readonly SlotSpec[]): readonly StateRange[] {
  const ranges: { arena: string; offset: number; bytes: number }[] = []
  for (const { arena, offset, bytes } of [...slots].sort((a, b) => a.offset - b.offset)) {
    const last = ranges.find((range) => range.arena === arena && offset - range.offset - range.bytes < NEAR)
    if (last) last.bytes = Math.max(last.bytes, offset + bytes - last.offset)
    else ranges.push({ arena, offset, bytes })
  }
  return ranges
}
/** Slots of another run take as many bytes at the least. */
const NEAR = 16

const START: Progress = {
  step: 0,
  best: null,
  best_step: 0,
  patience: NOTHING_YET,
  means: { rows: 0, sums: {} },
}

/** The part that says best what a model is worth. */
const partTested = ({ val, test }: Parts<unknown>): Part => (test ? "test" : val ? "val" : "train")

function checkedFeeds({ spec }: Program, feeds: Feeds, special = false): Feeds {
  for (const { name, dtype } of spec.inputs)
    if (Object.hasOwn(feeds, name)) checkNumbers(`input "${name}"`, dtype, feeds[name], special)
  return feeds
}

function durationOf(spec: TrainSpec, { epochs, steps }: TrainOptions): TrainSpec["duration"] {
  if (epochs !== undefined && steps !== undefined)
    throw new RunError("bad-option", "both epochs and steps are given; a run has one length")
  if (epochs !== undefined) return { unit: "epochs", count: epochs }
  return steps !== undefined ? { unit: "steps", count: steps } : spec.duration
}

function find<T>(list: readonly T[], name: string, nameOf: (each: T) => string, what: string): T {
  const found = list.find((each) => nameOf(each) === name)
  if (found !== undefined) return found
  const help = nearest(name, list.map(nameOf))
  throw new RunError("unknown-name", `there is no ${what} "${name}"`, help === undefined ? {} : { help })
}
