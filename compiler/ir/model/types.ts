/** ir/model: the typed program. Names are resolved, layers instantiated, `if`/`for` over constants carried out, every value
 *  typed. The nesting of the source stays: instances within instances, each call with its own body. */
import type { OpName } from "../op-name.js"
import type { Attrs, ScalarName, SlotRole } from "../graph/types.js"
import type { Origin } from "../origin.js"
import type { TensorType } from "../tensor.js"

/** Values are numbered within one section (a program variant of a model or train section), across nested bodies. */
export type ModelValue = number

export type ModelStmt =
  /** A primitive operation. `grad` stands here as an operation too. */
  | {
      readonly kind: "op"
      readonly id: ModelValue
      readonly op: OpName
      readonly args: readonly ModelValue[]
      readonly attrs: Attrs
      readonly type: TensorType
      readonly origin: Origin
      readonly regions?: readonly ModelRegion[]
    }
  /** The current value of a slot (parameter or state). A later read after an `update` of the same slot gives the new value. */
  | {
      readonly kind: "read"
      readonly id: ModelValue
      readonly slot: string
      readonly type: TensorType
      readonly origin: Origin
    }
  /** slot <- value. */
  | { readonly kind: "update"; readonly slot: string; readonly value: ModelValue; readonly origin: Origin }
  /** A call of a layer, model or fn, for the reader; lowering flattens it. Body values are visible afterwards. */
  | {
      readonly kind: "call"
      /** Path of the instance, or the fn's name. */
      readonly callee: string
      readonly declaration: string
      readonly args: readonly ModelValue[]
      readonly results: readonly ModelValue[]
      readonly body: readonly ModelStmt[]
      readonly origin: Origin
    }

/** The body of a loop over time: parameters, statements, results. */
export interface ModelRegion {
  readonly params: readonly { readonly id: ModelValue; readonly name: string; readonly type: TensorType }[]
  readonly body: readonly ModelStmt[]
  readonly results: readonly ModelValue[]
}

export interface ModelInput {
  readonly id: ModelValue
  readonly name: string
  readonly type: TensorType
  /** feed: given by the caller. data: this field of the batch ([B, ...]), by its name in the section (section-data.ts). scalar: a run-time scalar. step: in an optimizer, this
   *  result of the train section's step. */
  readonly source:
    | { readonly kind: "feed" }
    | { readonly kind: "data"; readonly field: string }
    | { readonly kind: "scalar"; readonly scalar: ScalarName }
    | { readonly kind: "step"; readonly result: string }
}

/** A parameter or a state: where it lives, and how it starts (a body of its own that yields the first value). */
export interface Slot {
  /** `Classifier.linear.0.weight` */
  readonly name: string
  readonly type: TensorType
  readonly role: SlotRole
  /** No gradient, no update. */
  readonly frozen: boolean
  readonly init: Section
  readonly origin: Origin
}

/** Straight-line typed code with inputs and named results. */
export interface Section {
  readonly inputs: readonly ModelInput[]
  readonly body: readonly ModelStmt[]
  readonly results: readonly { readonly name: string; readonly value: ModelValue }[]
}

/** The update of one parameter: `section` has inputs `p`, `g`, `step` (from 1, f32) and reads/updates its own slots;
 *  its result `p` is the parameter's new value. */
export interface ParameterUpdate {
  readonly param: string
  readonly section: Section
}
/** How the average of one parameter follows an update: `section` has inputs `average` and `p`, the new value, and gives
 *  `average`. */
export interface ParameterAverage {
  readonly param: string
  readonly slot: string
  readonly section: Section
}
/** A metric that the step reads: slots for its value at the last report point, and for the number of the step after that. */
export interface Observation {
  readonly metric: string
  readonly value: string
  readonly at: string
}
/** One `minimize`: the loss is the result `loss.K` of the train section's `step`. */
export interface Objective {
  readonly loss: string
  readonly updates: readonly ParameterUpdate[]
  readonly origin: Origin
}

/** Which values of a metric are better. */
export type Direction = "higher" | "lower"
export interface Budget {
  readonly bytes: number
  readonly origin: Origin
}
/** A metric that a run is steered by: the loss or a report, over the rows that are evaluated along the way. */
export interface Watched {
  readonly metric: string
  readonly better: Direction
}
/** The run ends when the metric has not become better for so long. */
export interface Patience extends Watched {
  readonly unit: "epochs" | "steps"
  readonly count: number
}
/** weight: the number in a column. balanced: that all values of a column come equally often. */
export interface Draw {
  readonly by: "weight" | "balanced"
  readonly column: string
}
export interface TrainSettings {
  /** null: all rows at once. */
  readonly batch: number | null
  readonly shuffle: boolean
  /** Rows are drawn by weights, while they are shuffled; null: each comes once in an epoch. */
  readonly draw: Draw | null
  readonly dropLast: boolean
  readonly seed: number
  readonly duration: { readonly unit: "epochs" | "steps"; readonly count: number }
  readonly reportEvery: { readonly unit: "epochs" | "steps"; readonly count: number }
  /** null: at the end only. */
  readonly checkpointEvery: { readonly unit: "epochs" | "steps"; readonly count: number } | null
  readonly patience: Patience | null
  readonly keepBest: Watched | null
  /** How many of the newest checkpoints stay. */
  readonly keepLast: number
  readonly clipNorm: number | null
  readonly clipValue: number | null
  readonly accumulate: number
  /** The memory that state and intermediate results may take together on a device. null: all that the device has. */
  readonly budget: Budget | null
}
/** The field that an output of a model predicts in a train section. */
export interface Target {
  readonly model: string
  /** `output`, or `output.K` of several. */
  readonly output: string
  /** A field of the section's data, by its name in the section. */
  readonly field: string
  /** value: its values, one for one. binary: for each, a score of class 1. classes: for each, a score of every class: of element i of a
   *  row, class floor(i / inner) % count. `scores`: how they become probabilities; none: they do not. */
  readonly as:
    | { readonly kind: "value" }
    | { readonly kind: "binary"; readonly scores: "sigmoid" | "probs" }
    | {
        readonly kind: "classes"
        readonly count: number
        readonly inner: number
        readonly scores: "softmax" | "sigmoid" | "exp" | "probs" | "none"
      }
}
/** A report whose axes are the classes of a field. */
export interface ClassReport {
  readonly report: string
  readonly field: string
}
export interface TrainSection {
  /** `train` or the name given. */
  readonly name: string
  /** The data set that leads. null: none. */
  readonly data: string | null
  /** Those that go along with it. */
  readonly beside: readonly string[]
  readonly settings: TrainSettings
  /** training = true. Results: `loss.0`, `loss.1`, ... then one per report, then `setting.0`, ... that optimizers read. */
  readonly step: Section
  /** training = false: the same results, without the settings. */
  readonly evaluate: Section
  readonly objectives: readonly Objective[]
  /** The loss scaling of mixed precision: the slot of the factor and its update, in which `g` is 1 where a gradient was not finite, else
   *  0. null: everything in f32. */
  readonly scaling: ParameterUpdate | null
  readonly averages: readonly ParameterAverage[]
  /** Slots that go after others, in the models that follow one which this section moves: `param` is the other one. In order. */
  readonly follows: readonly ParameterAverage[]
  readonly observed: readonly Observation[]
  readonly reports: readonly string[]
  readonly targets: readonly Target[]
  readonly classReports: readonly ClassReport[]
  readonly origin: Origin
}
/** A model as something to predict with: training = false. Result `output` (or `output.0`, ...). */
export interface PredictSection {
  readonly model: string
  readonly section: Section
  readonly origin: Origin
}

export type ColumnSelection =
  | { readonly kind: "all" }
  | { readonly kind: "only"; readonly names: readonly string[] }
  | { readonly kind: "except"; readonly names: readonly string[] }
/** The steps that the selected columns go through, in order. `standardize`, `minmax`, `vocabulary` are fitted on the training rows.
 *  slice: the values `from` up to but not including `to`. vocabulary: characters become numbers below `size`. */
export type FieldStage =
  | { readonly kind: "standardize" }
  | { readonly kind: "minmax" }
  | { readonly kind: "scale"; readonly by: number }
  | { readonly kind: "one_hot"; readonly classes: number }
  | { readonly kind: "classes"; readonly count: number }
  | { readonly kind: "categories"; readonly count: number; readonly unknown?: true }
  | { readonly kind: "slice"; readonly from: number; readonly to: number }
  | { readonly kind: "vocabulary"; readonly size: number }
  | { readonly kind: "hash"; readonly count: number }
  | { readonly kind: "date"; readonly format: string; readonly parts: readonly DatePart[] }
  | { readonly kind: "fill"; readonly by: "mean" | "median" | "most_frequent" | number }
  | { readonly kind: "missing" }
  | { readonly kind: "clip"; readonly min: number; readonly max: number }
  | { readonly kind: "log" }
  | { readonly kind: "log1p" }
  | { readonly kind: "bins"; readonly count: number }
  /** `length` places for each text. mask: 1 where there is a token. */
  | {
      readonly kind: "tokens"
      readonly path: string
      readonly as: "ids" | "mask"
      readonly length: number
    }
/** The parts into which a date is taken apart. weekday: from 1, Monday, to 7. days, seconds: since the start of 1970, in UTC. */
export type DatePart =
  "year" | "month" | "day" | "weekday" | "day_of_year" | "hour" | "minute" | "second" | "days" | "seconds"
/** Rows on the device as codes of fewer bits than their dtype has, packed into words. The value of a code is the code, or stands
 *  in a list beside them: one for all places of a row, or one for each. */
export interface Stored {
  readonly type: "u8" | "i8" | "u16" | "i16"
  readonly values: "code" | "one" | "each"
}
export interface Field {
  readonly name: string
  /** The type of one row, without the batch axis. */
  readonly type: TensorType
  readonly columns: ColumnSelection
  /** The rows of a window over time that the field takes; its type begins with their number, or is the type of one row. */
  readonly window?: { readonly from: number; readonly to: number }
  readonly stages: readonly FieldStage[]
  /** Known once the data was read. Absent: in its dtype. */
  readonly stored?: Stored
  readonly origin: Origin
}
/** A table with named columns. csv, jsonl, json, npz, parquet: one file, or those that a pattern matches. idx, npy: one file per column. array: values in the source. text: one
 *  column, `characters`, whose rows are windows of a file, each `stride` characters after the one before. images: those of a folder, or with
 *  `column` those whose paths stand in that column of a table; `shape` is channels, height and width. */
export type DataSource =
  | { readonly kind: "csv"; readonly path: string; readonly delimiter: string }
  | { readonly kind: "jsonl" | "json" | "npz" | "parquet"; readonly path: string }
  | {
      readonly kind: "images"
      readonly path: string
      readonly column: string | null
      readonly shape: readonly number[]
      readonly skipDamaged: boolean
    }
  | { readonly kind: "text"; readonly path: string; readonly window: number; readonly stride: number }
  | {
      readonly kind: "idx" | "npy"
      readonly files: readonly { readonly column: string; readonly path: string }[]
    }
  | {
      readonly kind: "array"
      readonly columns: readonly {
        readonly column: string
        readonly shape: readonly number[]
        readonly values: readonly number[]
      }[]
    }
/** Shares of the rows. With `folds`, those for training are cut in as many parts, and one of them is for validation instead. */
export interface Split {
  readonly train: number
  readonly val: number
  readonly test: number
  readonly seed: number
  readonly folds: number | null
  /** Columns. */
  readonly stratify: string | null
  readonly group: string | null
}
/** Rows are windows over those of the source, by the columns that say when a row was and which series it is of. */
export interface Windows {
  readonly length: number
  readonly stride: number
  readonly order: string | null
  readonly group: string | null
}
/** A condition on a row. Texts compare by code units; `null` is an empty cell. all, any: of several conditions. */
export type Condition =
  | {
      readonly kind: "cell"
      readonly column: string
      readonly is: "==" | "!=" | "<" | "<=" | ">" | ">="
      readonly value: string | number | null
    }
  | { readonly kind: "all" | "any"; readonly of: readonly Condition[] }
export interface DataSet {
  readonly name: string
  readonly source: DataSource
  readonly fields: readonly Field[]
  readonly split: Split | null
  readonly windows: Windows | null
  /** The rows of every source that satisfy it take part; null: all do. */
  readonly where: Condition | null
  readonly val: DataSource | null
  readonly test: DataSource | null
  readonly origin: Origin
}

/** Where parameters start whose first values stand in a file. */
export interface Weights {
  /** A model; with a .npy file, one slot. */
  readonly of: string
  readonly path: string
  /** The beginning of the names in the file. */
  readonly prefix: string
  /** Runs of parts of names, there and here; `*` is any one part. */
  readonly rename: readonly (readonly [string, string])[]
  /** Ends of names whose tensors have their axes in the other order there. */
  readonly transpose: readonly string[]
  readonly origin: Origin
}

export interface Model {
  readonly data: readonly DataSet[]
  readonly slots: readonly Slot[]
  readonly predicts: readonly PredictSection[]
  readonly trains: readonly TrainSection[]
  readonly weights: readonly Weights[]
}
