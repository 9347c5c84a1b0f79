/** bundle: the part of a trainer's types that is the same for every program, as TypeScript text.
 *  It repeats the declarations of the runtime's entries, because a bundle must be readable without nnc.
 *  Not here: the parts that depend on the program (`host-module.ts`). */

export const TRAINER_TYPES = `
export type Numbers = Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array | readonly number[]

/** Values row after row. */
export interface Tensor {
  readonly dtype: "f32" | "f16" | "i32" | "u32" | "bool"
  readonly shape: readonly number[]
  readonly values: Float32Array | Int32Array | Uint32Array
}

/** Numbers in the unit of their column, row after row. */
export interface Values {
  readonly dtype: "f64"
  readonly shape: readonly number[]
  readonly values: Float64Array
}
/** A prediction of classes: the most probable one of each row, and all classes in order. */
export interface Classes<Name extends string | number> {
  /** The axes that are classified, rows first. */
  readonly shape: readonly number[]
  readonly classes: readonly Name[]
  readonly names: readonly Name[]
  /** One for each class, along a last axis of its own. Missing where the loss does not say how scores become probabilities. */
  readonly probabilities?: Tensor
}
/** Options of \`predict\` for raw rows. */
export interface RawOptions {
  /** The model's own output: scores, not classes; standardized values, not those of the column. */
  readonly raw: true
}

export interface LoadOptions {
  /** \`auto\` takes a GPU through WebGPU, else WebAssembly; \`Trainer.device\` names the one in use, and says why. */
  readonly device?: "auto" | "webgpu" | "wasm"
  /** Threads of the WebAssembly device; left out, chosen from the work. A page has one unless it is cross-origin isolated. */
  readonly threads?: number
  /** Replaces data files: \`name\`, \`name.column\`, \`name.test\` -> path. */
  readonly data?: ReadonlyMap<string, string>
  /** Compares the first losses on the device with those that the compiler computed in double precision; refuses a device that differs. */
  readonly verify?: boolean
  /** Where the rows of data are: all on the device, in one buffer or in several, or streamed there while it trains; left out, as there is
   *  room. It changes no bit of a result. */
  readonly placement?: "resident" | "pieces" | "streamed"
}

export interface DeviceInfo {
  readonly device: string
  readonly adapter: string
  readonly vendor: string
  readonly architecture: string
  /** Emulated on the CPU. */
  readonly software: boolean
  /** The features offered by the device that kernels may use. */
  readonly features: readonly string[]
  /** For which kind of adapters the kernels are that it runs: \`webgpu-software\`. */
  readonly kernels?: string
  /** Why this device was taken, when it was not asked for by name. */
  readonly why?: string
}

/** \`start\`, \`note\`, \`checkpoint\`, and \`end\` or \`error\` (code, message). */
export interface OtherEvent {
  readonly event: "start" | "note" | "checkpoint" | "end" | "error"
  readonly [fact: string]: unknown
}
/** Means over the steps since the last report, and \`val_loss\`, ... over all rows for validation, or else \`test_loss\`, ... over all test rows. */
export interface ReportEvent {
  readonly event: "report"
  readonly step: number
  readonly epoch: number
  readonly metrics: Metrics
}
export type TrainEvent = ReportEvent | OtherEvent

export interface TrainEnd {
  /** Updates made. */
  readonly step: number
  readonly seconds: number
  readonly steps_per_second: number
  /** stopped: \`patience\` has run out. */
  readonly why: "finished" | "stopped" | "interrupted"
  /** The best checkpoint that was kept. */
  readonly best?: { readonly metric: string; readonly value: number; readonly step: number }
  readonly runFolder?: string
}

/** Awaited, it gives the end; looped over with \`for await\`, the events of the run. Leaving the loop early ends the run as an abort does. */
export interface TrainRun extends Promise<TrainEnd>, AsyncIterable<TrainEvent> {}

export interface TrainOptions {
  /** The name of a train section; may be left out when there is one. */
  readonly train?: TrainSection
  /** At most one of these two; it replaces the program's own setting. */
  readonly epochs?: number
  readonly steps?: number
  readonly seed?: number
  /** Trains the parameters as they are instead of initialising them. */
  readonly keepParameters?: boolean
  readonly onEvent?: (event: TrainEvent) => void
  /** Called for reports only. */
  readonly onReport?: (report: ReportEvent) => void
  /** Aborting ends the run early, with a checkpoint. */
  readonly signal?: AbortSignal
}

/** Rows of one step: objects, whose values may be lists, or for each column an array of the values of all rows, one after another. */
export type Batch<Row> =
  | readonly Row[]
  | { readonly [Column in keyof Row]: Numbers | readonly (string | number | null)[] }
export interface StepResult {
  /** Updates made, this one among them. */
  readonly step: number
  /** The rows of the batch that took part. */
  readonly rows: number
  /** The metrics of these rows, before the update. */
  readonly metrics: Metrics
}

export interface EvaluateOptions {
  readonly train?: TrainSection
  /** Which rows. Left out: those for the test, else for validation, else for training. */
  readonly part?: "train" | "val" | "test"
}

/** A number, or a table of them, row by row. */
export type Metric = number | readonly Metric[]
export interface Metrics {
  readonly loss: number
  readonly [name: string]: Metric
}

interface CommonTrainer {
  readonly device: DeviceInfo
  train(options?: TrainOptions): TrainRun
  /** Loss and metrics over all rows. */
  evaluate(options?: EvaluateOptions): Promise<Metrics>
  /** Everything that is learned, by name. */
  parameters(): Promise<Map<ParameterName, Tensor>>
  setParameters(values: Partial<Readonly<Record<ParameterName, Numbers>>>): void
  /** Frees the device; without it the process does not end. */
  close(): void
}
`.trim()

/** The types of a module for Node, with files. */
export const NODE_TYPES = `
export interface NodeTrainOptions extends TrainOptions {
  /** Where log.jsonl and checkpoints go. \`new\`: the next free \`runs/NAME-N\`. Left out: nothing is written. */
  readonly runFolder?: string
  /** Replaces the run that the folder holds. */
  readonly overwrite?: boolean
}
`.trim()

/** The types of a module for a page, which has places of its own for files. */
export const PAGE_TYPES = `
export interface PageLoadOptions extends LoadOptions {
  /** Files that the user chose, by the paths of data files in their stead. Of large .npy and IDX files just the rows are read that a run takes. */
  readonly files?: ReadonlyMap<string, Blob>
  /** Where the files of the bundle lie, when a bundler moved this module; left out, beside it. */
  readonly base?: string | URL
}
export interface CheckpointFacts {
  /** Updates made. */
  readonly step: number
  /** How many of the newest checkpoints the program says to keep, this one among them. */
  readonly keep: number
}
export interface PageTrainOptions extends TrainOptions {
  /** Takes the checkpoints of the run, bytes of .safetensors files, when \`checkpoint every\` and \`keep best\` of the program say so and
   *  at the end; the result names the place, for events. */
  readonly store?: { save(kind: "last" | "best", file: Uint8Array, about: CheckpointFacts): Promise<string> }
}
`.trim()
