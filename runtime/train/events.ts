/** runtime/train: the events of a run. The same objects are the lines of log.jsonl. */
import type { DeviceInfo } from "../device/device.js"
import type { Placement } from "../exec/placed-rows.js"
import type { Metrics } from "./evaluate.js"

/** The version of log.jsonl. 1: metrics stood beside the step, where names such as `event` hid the kind of the line. 2: those of training were of one
 *  batch. */
export const LOG_VERSION = 3

export interface StartEvent extends DeviceInfo {
  readonly event: "start"
  /** LOG_VERSION. */
  readonly log: number
  readonly program: string
  readonly train: string
  /** Numbers that are learned. */
  readonly parameters: number
  /** That train; where there are several data sets, of the one that leads. */
  readonly rows: number
  /** By data set: training rows of those beside it. */
  readonly beside_rows?: Readonly<Record<string, number>>
  readonly val_rows: number
  readonly test_rows: number
  /** Rows that `where` leaves out; absent: none. */
  readonly left_out?: number
  /** The bytes of all rows, as the device holds them. */
  readonly data_bytes: number
  /** Where the rows are: all on the device, in one buffer for each field or in several, or brought there in time. Absent without data. */
  readonly placement?: Placement
  readonly batch: number
  readonly seed: number
  /** Updates already made: 0, or those of the checkpoint. */
  readonly step: number
  readonly steps: number
  readonly steps_per_epoch: number
  /** The constants of the program that `--set` changes, as they are in this run. */
  readonly settings: Readonly<Record<string, number | boolean | string>>
  /** Where log and checkpoints go. */
  readonly folder?: string
}
export interface ReportEvent {
  readonly event: "report"
  readonly step: number
  readonly epoch: number
  /** `loss` and metrics: means over the epochs since the last report, weighted by rows; where reports count steps, over the steps
   *  since the last one and step `step` before its update; at the start, of the first batch. `val_loss`, ... over all rows for validation, or where there are none, `test_loss`, ... over all test rows. Tables only over these. */
  readonly metrics: Metrics
}
export interface NoteEvent {
  readonly event: "note"
  readonly message: string
}
export interface CheckpointEvent {
  readonly event: "checkpoint"
  readonly kind: CheckpointKind
  readonly path: string
  readonly step: number
}
export interface EndEvent {
  readonly event: "end"
  readonly step: number
  readonly seconds: number
  readonly steps_per_second: number
  /** stopped: `patience` has run out. */
  readonly why: "finished" | "stopped" | "interrupted"
  /** The metric, value and step of `checkpoints/best.safetensors`. */
  readonly best?: { readonly metric: string; readonly value: number; readonly step: number }
}
/** The error that stopped the run, instead of an end. */
export interface ErrorEvent {
  readonly event: "error"
  readonly code: string
  readonly message: string
  readonly help?: string
}
export type TrainEvent = StartEvent | ReportEvent | NoteEvent | CheckpointEvent | EndEvent | ErrorEvent

export type CheckpointKind = "last" | "best"

/** Where checkpoints go; gives the path for messages. */
export interface CheckpointStore {
  save(kind: CheckpointKind, bytes: Uint8Array, about: CheckpointFacts): Promise<string>
}
export interface CheckpointFacts {
  /** Updates made. */
  readonly step: number
  /** How many of the newest checkpoints to keep, this one among them. */
  readonly keep: number
}
