/** runtime: the exports of both entries. */
export { readBundle, sha256, type ReadFile } from "./bundle/decode.js"
export { programsOf, slotsOf, wasmBuild, type AnyManifest } from "./bundle/builds.js"
export type * from "./bundle/format.js"
export type { Checkpoint, Position } from "./checkpoint/checkpoint.js"
export type { GivenWeights } from "./checkpoint/given.js"
export { decodeTensors, encodeTensors, type StoredTensor, type TensorFile } from "./checkpoint/safetensors.js"
export { RUN_CODES, type CodePage, type RunCode } from "./codes.js"
export { fitFields, type UnfittedField } from "./data/fit.js"
export { inMemory, type DataFile } from "./data/file.js"
export { loadTable, loadTables, parseParts, parseSource, type OpenFile, type TableRows } from "./data/load.js"
export { tableOfRecords } from "./data/records.js"
export type { Row } from "./data/records.js"
export type { Part } from "./data/shares.js"
export type { Column, Table, Texts, Use, Uses } from "./data/table.js"
export { decodeText, encodeText, vocabularyOf } from "./data/vocabulary.js"
export { classNames, type ClassName } from "./data/undo.js"
export type { DeviceInfo } from "./device/device.js"
export { RunError } from "./error.js"
export { PLACEMENTS, type Placement } from "./exec/placed-rows.js"
export type { NumberArray, Numbers, Tensor, Values } from "./exec/values.js"
export { Session } from "./session.js"
export type { KernelTime, StepProfile } from "./session/profile.js"
export type { Evaluation } from "./session/evaluation.js"
export type { SampledField, SampledOutput, Samples } from "./session/samples.js"
export type { ColumnArrays } from "./data/columns.js"
export type { Batch, StepResult } from "./session/step.js"
export type {
  EvaluateOptions,
  OpenOptions,
  ProfileOptions,
  ProgramOptions,
  SampleOptions,
  StepOptions,
  TrainOptions,
} from "./session/options.js"
export type { BestSoFar } from "./train/best.js"
export type { Metric, Metrics } from "./train/evaluate.js"
export {
  LOG_VERSION,
  type CheckpointEvent,
  type CheckpointFacts,
  type CheckpointStore,
  type EndEvent,
  type ErrorEvent,
  type NoteEvent,
  type ReportEvent,
  type StartEvent,
  type TrainEvent,
} from "./train/events.js"
export type { RunListeners, TrainRun } from "./train/run.js"
export type { Feeds } from "./train/predict.js"
export { isClasses, type ClassPrediction, type Prediction, type ValuePrediction } from "./train/prediction.js"
