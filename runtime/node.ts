/** runtime: the entry for Node: bundles, checkpoints and run folders on disk, the GPU through npm `webgpu`.
 *  @module nnc/runtime */
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { readBundle } from "./bundle/decode.js"
import { placesWithin, type Places } from "./bundle/folder.js"
import type { BatchedRun, Bundle, DeviceBundle } from "./bundle/format.js"
import type { Checkpoint } from "./checkpoint/checkpoint.js"
import type { DataFile } from "./data/file.js"
import { fileOnDisk } from "./disk.js"
import { loadCheckpoint, loadWeights } from "./checkpoint/load.js"
import { saveWhole } from "./checkpoint/save.js"
import { autoDevice } from "./device/choose.js"
import { mayHaveGpu } from "./device/discover.js"
import { openNodeDevice, probeNodeDevice } from "./device/node-gpu.js"
import { nodeThreads, startNodeThread } from "./device/wasm/node-thread.js"
import type { Tensor } from "./exec/values.js"
import type { Host } from "./host.js"
import { checkOptions, isSignal, KINDS } from "./options.js"
import { Session } from "./session.js"
import type { Evaluation } from "./session/evaluation.js"
import type {
  EvaluateOptions,
  OpenOptions,
  ProgramOptions,
  SampleOptions,
  StepOptions,
  TrainOptions,
} from "./session/options.js"
import type { Samples } from "./session/samples.js"
import type { Batch, StepResult } from "./session/step.js"
import type { Metrics } from "./train/evaluate.js"
import type { EndEvent, TrainEvent } from "./train/events.js"
import type { Numbers } from "./exec/values.js"
import { listenersOf, trainRun, type OfRun, type TrainRun } from "./train/run.js"
import type { Feeds } from "./train/predict.js"
import type { Prediction } from "./train/prediction.js"
import { newRunFolder, openRunFolder, type OpenRunFolder, type RunFolder } from "./train/run-folder.js"
import type { Table, Uses } from "./data/table.js"
import type { DeviceInfo } from "./device/device.js"

export interface NodeTrainOptions extends Omit<TrainOptions, "resume" | "init" | "store"> {
  /** A .safetensors file or a run folder. */
  readonly resume?: string
  /** A .safetensors file, the .index.json of several, or a run folder, which stands for its best checkpoint: parameters start from it. `Net=FILE`:
   *  those of the model `Net`. */
  readonly init?: string
  /** Writes log.jsonl and checkpoints there. `new`: the next free `runs/NAME-N`. Left out: nothing is written. Refused with `run-in-use`
   *  while another run writes to it, with `run-exists` when it holds a run whose last checkpoint is not the one resumed. */
  readonly runFolder?: string
  /** Replaces the run that the folder holds. */
  readonly overwrite?: boolean
}

const FOLDER_OPTIONS = {
  resume: KINDS.text,
  init: KINDS.text,
  runFolder: KINDS.text,
  overwrite: KINDS.truth,
  onEvent: KINDS.action,
  onReport: KINDS.action,
}

export interface NodeOpenOptions extends OpenOptions {
  /** How data files are opened; left out: as they are on disk. */
  readonly openFile?: (path: string) => DataFile
}

/** A bundle opened on a device, with files. `close` it, or the process does not end. */
export class Trainer {
  private constructor(private readonly session: Session) {}

  static async open(
    bundle: Bundle,
    place: Places,
    { openFile, ...options }: NodeOpenOptions,
    stranger?: string,
  ): Promise<Trainer> {
    return new Trainer(await Session.open(bundle, nodeHost(place, openFile), options, stranger))
  }

  static async openBatched(
    runs: readonly BatchedRun[],
    place: Places,
    { openFile, ...options }: NodeOpenOptions,
  ): Promise<readonly Trainer[]> {
    const sessions = await Session.openBatched(runs, nodeHost(place, openFile), options)
    return sessions.map((session) => new Trainer(session))
  }

  get device(): DeviceInfo {
    return this.session.device
  }
  get bundle(): DeviceBundle {
    return this.session.bundle
  }

  train(options: NodeTrainOptions = {}): TrainRun<EndEvent & { runFolder?: string }> {
    return trainRun(listenersOf(options), (of) => this.runTraining(options, of))
  }

  private async runTraining(
    { resume, init, runFolder, overwrite, onEvent, onReport, ...options }: NodeTrainOptions,
    of: OfRun,
  ): Promise<EndEvent & { runFolder?: string }> {
    checkOptions("train", { resume, init, runFolder, overwrite, onEvent, onReport }, FOLDER_OPTIONS)
    const given = init === undefined ? undefined : await loadWeights(init)
    // Before the checkpoint is read: a run that is going on in that folder would be about to write another one.
    const folder = runFolder === undefined ? undefined : this.openFolder(runFolder, { resume, overwrite })
    try {
      const checkpoint = resume === undefined ? undefined : await loadCheckpoint(resume, this.bundle.manifest)
      const end = await this.session.train({
        ...options,
        ...(options.signal === undefined || isSignal(options.signal) ? { signal: of.signal } : {}),
        ...(checkpoint && { resume: checkpoint }),
        ...(given && { init: given }),
        ...(folder && { store: folder }),
        onEvent: (event: TrainEvent) => {
          const placed = folder && event.event === "start" ? { ...event, folder: folder.path } : event
          try {
            folder?.log(placed)
          } catch (caught) {
            // Perhaps the log itself could not be written: the run ends with its own reason.
            if (placed.event !== "error") throw caught
          }
          of.onEvent(placed)
        },
      })
      return folder ? { ...end, runFolder: folder.path } : end
    } finally {
      folder?.close()
    }
  }

  /** One step over rows that the caller has: objects with the columns of the data, or an array for each column. */
  step(batch: Batch, options: StepOptions = {}): Promise<StepResult> {
    return this.session.step(batch, options)
  }

  /** Loss and metrics over the rows for the test; where there are none, for validation, and else for training. */
  evaluate(options: EvaluateOptions = {}): Promise<Metrics> {
    return this.session.evaluate(options)
  }
  /** The same, and over which rows. */
  evaluation(options: EvaluateOptions = {}): Promise<Evaluation> {
    return this.session.evaluation(options)
  }
  predict(model: string, inputs: Feeds): Promise<Record<string, Tensor>> {
    return this.session.predict(model, inputs)
  }
  predictTable(model: string, table: Table): Promise<Record<string, Prediction>> {
    return this.session.predictTable(model, table)
  }
  predictTableRaw(model: string, table: Table): Promise<Record<string, Tensor>> {
    return this.session.predictTableRaw(model, table)
  }
  /** Rows of the data of a train section with the predictions of its model. */
  samples(options: SampleOptions): Promise<Samples | undefined> {
    return this.session.samples(options)
  }
  predictUses(model: string): Uses {
    return this.session.predictUses(model)
  }
  /** The rows of a table that the rows of `predictTable` are for: of a window, its last one. */
  predictRows(model: string, table: Table): Uint32Array {
    return this.session.predictRows(model, table)
  }
  /** Whether the model is fed with windows, which are made of all rows of a table together. */
  takesWindows(model: string): boolean {
    return this.session.predictWindows(model) !== undefined
  }
  runProgram(name: string, feeds?: Feeds, options?: ProgramOptions): Promise<Record<string, Tensor>> {
    return this.session.runProgram(name, feeds, options)
  }
  initialise(seed: number): void {
    this.session.initialise(seed)
  }
  parameters(all = false): Promise<Map<string, Tensor>> {
    return this.session.parameters(all)
  }
  setParameters(values: Readonly<Record<string, Numbers>>): void {
    this.session.setParameters(values)
  }
  async save(path: string): Promise<void> {
    await saveWhole(path, await this.session.encodeState())
  }
  /** Takes over the parameters of a checkpoint, for predict and evaluate; of a run folder, those of its best one. `train({ resume })`
   *  continues its run. */
  async load(path: string): Promise<Pick<Checkpoint, "place" | "position">> {
    const checkpoint = await loadCheckpoint(path, this.bundle.manifest, "best")
    this.session.loadState(checkpoint)
    return checkpoint
  }
  close(): void {
    this.session.close()
  }

  private openFolder(runFolder: string, how: OpenRunFolder): RunFolder {
    return runFolder === "new"
      ? newRunFolder("runs", this.bundle.manifest.name)
      : openRunFolder(runFolder, how)
  }
}

export interface LoadOptions extends NodeOpenOptions {
  /** Files and folders that the bundle's data sets may be read from, beside its own folder and the paths in `data`. */
  readonly allowData?: readonly string[]
}

/** Reads a compiled bundle's folder, checks it and opens it. It may be a stranger's: nothing outside of it is read unasked. */
export async function loadBundle(
  folder: string,
  { allowData = [], ...options }: LoadOptions = {},
): Promise<Trainer> {
  const bundle = await readBundleFolder(folder)
  const place = placesWithin(folder, [...allowData, ...(options.data?.values() ?? [])])
  return Trainer.open(bundle, place, options, folder)
}

/** Reads a compiled bundle's folder and checks it. */
export function readBundleFolder(folder: string): Promise<Bundle> {
  const place = placesWithin(folder)
  return readBundle(folder, async (path) => readFile(await place(path)))
}

/** Opens a bundle that is in memory; data paths are relative to `folder`. */
export function openBundle(bundle: Bundle, folder: string, options: NodeOpenOptions = {}): Promise<Trainer> {
  return Trainer.open(bundle, placesBelow(folder), options)
}

/** Opens runs that are compiled together; data paths are relative to `folder`. Train all at the same time, and close each when its run is
 *  over. */
export function openBatched(
  runs: readonly BatchedRun[],
  folder: string,
  options: NodeOpenOptions = {},
): Promise<readonly Trainer[]> {
  return Trainer.openBatched(runs, placesBelow(folder), options)
}

/** Where a path of a program leads: its author is the user. */
export const placesBelow =
  (folder: string): Places =>
  async (path) =>
    resolve(folder, path)

const gpus = { probeDevice: probeNodeDevice, mayHaveGpu }

/** The device that `auto` takes on this machine, with the reason. */
export const autoNodeDevice = (): ReturnType<typeof autoDevice> => autoDevice(gpus)

export const nodeHost = (place: Places, open = fileOnDisk): Host => ({
  openFile: async (path) => open(await place(path)),
  openDevice: openNodeDevice,
  ...gpus,
  threads: { start: startNodeThread, most: nodeThreads(), mayBlock: true },
  now: () => performance.now(),
})

export { checkpointFile, loadCheckpoint, loadWeights, trainedWith, type Which } from "./checkpoint/load.js"
export { saveWhole } from "./checkpoint/save.js"
export { fileOnDisk } from "./disk.js"
export { openNodeDevice, probeNodeDevice } from "./device/node-gpu.js"
export {
  LAST,
  newestRunFolder,
  newRunFolder,
  openRunFolder,
  removeRunFolder,
  type RunFolder,
} from "./train/run-folder.js"
export * from "./api.js"
