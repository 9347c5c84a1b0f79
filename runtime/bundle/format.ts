/** runtime/bundle: the one contract between compiler and runtime. A bundle is a folder:
 *    manifest.json    this file's `Manifest`
 *    kernels/*.wgsl   one readable module per kernel, entry point `main`
 *    kernels.wasm     all kernels for processors (wasm.ts says how it is called)
 *    data/            copies of the data files that the program names
 *    weights/         copies of the files that parameters start from
 *    runtime.js, trainer.js, trainer.d.ts, package.json
 *  The compiler writes it, the runtime reads it; neither sees more of the other. */

import type { GoldenSpec } from "./golden.js"

export const BUNDLE_FORMAT = "nnc-bundle"
export const BUNDLE_VERSION = 5

export type BundleDType = "f32" | "f16" | "i32" | "u32" | "bool"

/** A size known when a program runs: a number, `B` (rows of this batch), `R` (rows of the data set on the device), or an
 *  operation on two of them. `div` truncates. */
export type SizeExpr =
  number | "B" | "R" | readonly ["add" | "sub" | "mul" | "div" | "min" | "max", SizeExpr, SizeExpr]

/** The parameter block of a call: one uniform buffer slice at @group(0) @binding(0), seven 32-bit words in this order. */
export const PARAMETER_WORDS = ["B", "R", "step", "epoch", "seed", "start", "iteration"] as const
/** The block of a kernel that makes many calls in one dispatch: blocks lie one after another, MANY_STRIDE bytes apart, and the
 *  first says how many calls there are. */
export const MULTI_STEP_WORDS = [...PARAMETER_WORDS, "calls"] as const
export const MULTI_STEP_STRIDE = 32
/** Distance of two parameter blocks in the ring: the default minUniformBufferOffsetAlignment. */
export const PARAMETER_STRIDE = 256

/** Device memory made at load. `state` holds slots; `work`, `work.1`, ... everything that lives within one call. */
export interface ArenaSpec {
  readonly name: string
  readonly bytes: number
}
/** A range of an arena, or a whole data field (`data:x`: the field `x` of the data set in use; offset 0, bytes 0 = all). */
export interface RangeSpec {
  readonly arena: string
  readonly offset: number
  readonly bytes: number
}
export interface SlotSpec extends RangeSpec {
  /** `Classifier.linear.0.weight`; optimizer state `Classifier.linear.0.weight/m`. */
  readonly name: string
  readonly dtype: BundleDType
  readonly shape: readonly number[]
  /** average: of the parameter before the `/` in its name, which evaluation and prediction read instead. run: of the training run. */
  readonly role: "param" | "state" | "optimizer" | "average" | "run"
}
export interface KernelSpec {
  readonly name: string
  /** Path of the WGSL text within the bundle. */
  readonly file: string
  /** Storage bindings at @group(1) @binding(i), in order. */
  readonly bindings: readonly { readonly name: string; readonly access: "read" | "read_write" }[]
  /** `cancer.nn:10:8` places this kernel computes. */
  readonly origins: readonly string[]
}
export interface DispatchSpec {
  readonly kernel: string
  readonly bindings: readonly RangeSpec[]
  readonly grid: readonly [SizeExpr, SizeExpr, SizeExpr]
  /** The ranges that it writes, with element type, first element within the binding and count, for finding the first non-finite value. */
  readonly writes: readonly {
    readonly binding: number
    readonly name: string
    readonly dtype: BundleDType
    readonly offset: number
    readonly elements: SizeExpr
  }[]
}
export interface InputSpec {
  readonly name: string
  readonly dtype: BundleDType
  /** Sizes of the axes. */
  readonly shape: readonly SizeExpr[]
  /** data: bound as arena `data:<field>`. feed: written by the caller into `range`. */
  readonly source:
    { readonly kind: "data"; readonly field: string } | { readonly kind: "feed"; readonly range: RangeSpec }
  /** The bounds of a fed input, as in `FieldSpec`. */
  readonly bounds?: readonly (IndexBoundSpec | null)[]
}
export interface OutputSpec extends RangeSpec {
  readonly name: string
  readonly dtype: BundleDType
  readonly shape: readonly SizeExpr[]
}
/** Dispatches from `first` up to but not including `end` run `iterations` times over; the word `iteration` counts from 0. */
export interface LoopSpec {
  readonly first: number
  readonly end: number
  readonly iterations: number
}
/** A graph, compiled: run its dispatches in order. A program `NAME.multi` does the work of `NAME` for many calls in one
 *  dispatch; it is there where that is faster. */
export interface ProgramSpec {
  readonly name: string
  /** The largest B its memory is laid out for. */
  readonly maxBatch: number
  readonly inputs: readonly InputSpec[]
  readonly outputs: readonly OutputSpec[]
  readonly dispatches: readonly DispatchSpec[]
  /** The loops in order, not nested; absent when there is none. */
  readonly loops?: readonly LoopSpec[]
  /** Its one dispatch makes up to `most` calls; the outputs of each lie `bytes` after those of the call before. */
  readonly calls?: { readonly most: number; readonly bytes: number }
}

/** `standardize`, `minmax` and `scale` as fitted: value * scale[column] + shift[column]. One entry per column, in row-major
 *  order of the selected columns' elements (or a single one for all). */
export type FittedStage =
  | {
      readonly kind: "affine"
      readonly from: "standardize" | "minmax" | "scale"
      readonly scale: readonly number[]
      readonly shift: readonly number[]
    }
  | { readonly kind: "one_hot"; readonly classes: number }
  | { readonly kind: "classes"; readonly count: number }
  /** A cell becomes the index of its value in `names`, the different values of the training rows: at most `count`. unknown: the first
   *  of them stands for every other value, and for none. */
  | {
      readonly kind: "categories"
      readonly count: number
      readonly names: readonly string[]
      readonly unknown?: true
    }
  /** MurmurHash3 of the text in UTF-8, modulo `count`. */
  | { readonly kind: "hash"; readonly count: number }
  | { readonly kind: "date"; readonly format: string; readonly parts: readonly DatePart[] }
  /** Replaces NaN: by a value for each place of a row, or one for all. */
  | { readonly kind: "fill"; readonly values: readonly number[] }
  | { readonly kind: "missing" }
  | { readonly kind: "clip"; readonly min: number; readonly max: number }
  | { readonly kind: "log" }
  | { readonly kind: "log1p" }
  /** How many of the edges of its place in a row a value has reached: `count` - 1 of them, ascending. */
  | { readonly kind: "bins"; readonly count: number; readonly edges: readonly (readonly number[])[] }
  /** The values `from` up to but not including `to`. */
  | { readonly kind: "slice"; readonly from: number; readonly to: number }
  /** Code points become places in `characters`, which are those of the training rows in order: at most `size`. */
  | { readonly kind: "vocabulary"; readonly size: number; readonly characters: string }
  /** Texts become tokens, `length` places for each text; mask: 1 where there is one, else 0. `json`: the contents of the file at `path`, which
   *  lies in the folder of a bundle and not in its manifest: there it is absent. */
  | {
      readonly kind: "tokens"
      readonly path: string
      readonly as: "ids" | "mask"
      readonly length: number
      readonly json?: string
    }
/** weekday: from 1, Monday, to 7. days, seconds: since the start of 1970, in UTC. */
export type DatePart =
  "year" | "month" | "day" | "weekday" | "day_of_year" | "hour" | "minute" | "second" | "days" | "seconds"
/** Whole numbers from 0 to `below` - 1, or `or`. `at` is the place in the source that indexes by them. */
export interface IndexBoundSpec {
  readonly below: number
  readonly or: number | null
  readonly at: string
}
/** How the rows of a field lie on the device where that takes fewer bytes than their own dtype: as the bits of the numbers in its columns
 *  (codes), packed into u32 words from the lowest bits on, each row from a word on. */
export interface StoredSpec {
  readonly type: "u8" | "i8" | "u16" | "i16"
  /** The value of a code. code: itself. one: values[code]. each: values[code * n + i], at place i of the n of a row. `values` lies
   *  beside the codes, as the field `NAME/values`, in the field's dtype. */
  readonly values: "code" | "one" | "each"
}
export interface FieldSpec {
  readonly name: string
  readonly dtype: BundleDType
  /** Of one row. */
  readonly shape: readonly number[]
  /** Names of the columns it reads, in order. */
  readonly columns: readonly string[]
  readonly stages: readonly FittedStage[]
  /** Where the program uses its values as indices: one bound per element of a row, or a single one for all; null: anything. */
  readonly bounds?: readonly (IndexBoundSpec | null)[]
  /** The rows of a window over time from `from` up to but not including `to`; `shape` begins with their number, or is []
   *  of one. Columns and stages are of each of them. */
  readonly window?: { readonly from: number; readonly to: number }
  /** Absent: in its dtype. */
  readonly stored?: StoredSpec
}
export type SourceSpec =
  /** `parts`: the files that the pattern `path` matches, in order. Absent or empty: `path` is a file. */
  | {
      readonly kind: "csv"
      readonly path: string
      readonly delimiter: string
      readonly parts?: readonly string[]
    }
  | { readonly kind: "jsonl" | "json" | "npz"; readonly path: string; readonly parts?: readonly string[] }
  /** Sources that are read as tables, which they were converted to before (runtime/data/table-file.ts). A program just compiled has no
   *  `tables` yet. `shape` of images: channels, height, width. `column`: of the table at `path`, with the paths of images. */
  | { readonly kind: "parquet"; readonly path: string; readonly tables?: readonly string[] }
  | {
      readonly kind: "images"
      readonly path: string
      readonly tables?: readonly string[]
      readonly column: string | null
      readonly shape: readonly number[]
      readonly skipDamaged: boolean
      /** Images may lie beside folders; they have no class then. Absent: they are refused. */
      readonly mixed?: true
    }
  /** Row i holds `window` characters from character i * stride on: the column `characters`, of code points. */
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
/** How rows are shared out: `runtime/data/split.ts`. */
export interface SplitSpec {
  readonly train: number
  /** Absent: none. */
  readonly val?: number
  readonly test: number
  readonly seed: number
  /** The rows for training are cut in so many parts, of which the one numbered `fold`, from 1 on, is for validation. */
  readonly folds?: number
  readonly fold?: number
  /** A column whose values are in every part as often as in the whole. */
  readonly stratify?: string
  /** A column whose values tell which rows stay together. */
  readonly group?: string
}
/** Rows are windows of so many rows of the source, each `stride` after the one before. */
export interface WindowsSpec {
  readonly length: number
  readonly stride: number
  /** The column that says when a row was. Absent: as they stand in the file. */
  readonly order?: string
  /** The column that tells series apart. */
  readonly group?: string
}
/** A condition on a row. A text compares by its code units, and `null` is an empty cell. all, any: of several conditions. */
export type ConditionSpec =
  | {
      readonly kind: "cell"
      readonly column: string
      readonly is: "==" | "!=" | "<" | "<=" | ">" | ">="
      readonly value: string | number | null
    }
  | { readonly kind: "all" | "any"; readonly of: readonly ConditionSpec[] }
export interface DataSpec {
  readonly name: string
  /** Paths are relative to the bundle folder (or absolute). */
  readonly source: SourceSpec
  /** Rows for validation and for the test that have sources of their own. Absent: none. */
  readonly val?: SourceSpec
  readonly test: SourceSpec | null
  readonly split: SplitSpec | null
  readonly windows?: WindowsSpec
  /** The rows of every source that satisfy it take part. Absent: all do. */
  readonly where?: ConditionSpec
  readonly fields: readonly FieldSpec[]
}

export interface Every {
  readonly unit: "epochs" | "steps"
  readonly count: number
}
/** The loss or a report, over the rows that are evaluated along the way, and which values of it are better. */
export interface WatchedSpec {
  readonly metric: string
  readonly better: "higher" | "lower"
}
/** How rows are drawn, as many in an epoch as there are. weight: by the number in a column. balanced: so that all values of a column come
 *  equally often. */
export interface DrawSpec {
  readonly by: "weight" | "balanced"
  readonly column: string
}
export interface TrainSpec {
  readonly name: string
  readonly data: string | null
  /** Data sets that give rows beside those of `data`, which leads. Programs call their fields `SET.FIELD`. Absent: none. */
  readonly beside?: readonly string[]
  /** Names of programs. `evaluate` is null when the section has no data. */
  readonly step: string
  readonly evaluate: string | null
  /** The program that makes reports from the partial results of all batches of an evaluation: it is fed the outputs of `evaluate` that
   *  `totals` names, added up or compared over the batches; B is the number of all rows. Both absent when there are no such reports. */
  readonly overall?: string
  readonly totals?: readonly { readonly name: string; readonly reduce: "sum" | "max" | "min" }[]
  readonly reports: readonly string[]
  /** Reports whose axes are the classes of a field, by its name in programs. */
  readonly classReports?: readonly { readonly report: string; readonly field: string }[]
  /** null: all rows at once. */
  readonly batch: number | null
  readonly shuffle: boolean
  /** Absent: each row comes once in an epoch. */
  readonly draw?: DrawSpec
  readonly dropLast: boolean
  /** Batches for one update; absent: 1. */
  readonly accumulate?: number
  readonly seed: number
  readonly duration: Every
  readonly reportEvery: Every
  readonly checkpointEvery: Every | null
  readonly keepBest: WatchedSpec | null
  /** The run ends when the metric has not become better for so long. Absent: it goes on to its end. */
  readonly patience?: WatchedSpec & Every
  /** How many of the newest checkpoints stay; absent: the last one. */
  readonly keepLast?: number
  /** Bytes that training may take on the device, the rows of the data set that lie there included; absent: all there are. */
  readonly memory?: number
  /** Metrics that the step reads: at a report point, the value and the number of the next step go into these slots. */
  readonly observed?: readonly { readonly metric: string; readonly value: string; readonly at: string }[]
}
/** The fields that the programs of a train section read, by their names there. */
export function fieldsRead(
  sets: readonly DataSpec[],
  { data, beside = [] }: Pick<TrainSpec, "data" | "beside">,
): FieldSpec[] {
  const fieldsOf = (set: string | null): readonly FieldSpec[] =>
    sets.find(({ name }) => name === set)?.fields ?? []
  const asBeside = (set: string): FieldSpec[] =>
    fieldsOf(set).map((field) => ({ ...field, name: besidePrefix(set) + field.name }))
  return [...fieldsOf(data), ...beside.flatMap(asBeside)]
}
/** The prefix of the names of fields of a set beside the leading one. */
export const besidePrefix = (set: string): string => `${set}.`

export interface PredictSpec {
  readonly model: string
  readonly program: string
  /** Inputs that the model declares. The program of a device may read fewer: of those that it does not read, only the rows count. */
  readonly inputs: readonly { readonly name: string; readonly shape: readonly SizeExpr[] }[]
  /** The sources of its inputs in each train section that calls it; at least one. */
  readonly feeds: readonly PredictFeed[]
}
export interface PredictFeed {
  /** null: the only one, of a model that no section calls. */
  readonly train: string | null
  /** The data field (of `data`) that each input is fed from there, whose columns and fitted stages turn raw rows into it. */
  readonly inputs: readonly {
    readonly name: string
    readonly data: string | null
    readonly field: string | null
  }[]
  /** The fields that its outputs predict there; absent: none that is known. */
  readonly targets?: readonly PredictTarget[]
}
/** An output that a loss compares with a field of the data. */
export interface PredictTarget {
  /** Of the program. */
  readonly output: string
  readonly data: string
  readonly field: string
  /** value: the field's values, one for one. binary: for each value, a score of class 1. classes: for each, a score of every class: element
   *  i of a row is for class floor(i / inner) % count. `scores`: how they become probabilities; none: they do not. */
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

/** The features and limits of a WebGPU adapter that a build runs on, under WebGPU's names. */
export interface WebgpuRequirements {
  readonly device: "webgpu"
  /** Whether the adapter is emulated on the processor; absent: either. */
  readonly software?: boolean
  /** For instance `shader-f16`. */
  readonly features: readonly string[]
  readonly limits: WebgpuLimits
}
export interface WebgpuLimits {
  readonly maxBufferSize: number
  readonly maxStorageBufferBindingSize: number
  readonly maxStorageBuffersPerShaderStage: number
}
export interface WasmRequirements {
  readonly device: "wasm"
  readonly features: readonly "simd"[]
  /** Bytes of linear memory, rows of data aside. */
  readonly limits: { readonly memory: number }
}

/** Kernels in WGSL: names of `Manifest.kernels`. */
export interface WgslCode {
  readonly language: "wgsl"
  readonly kernels: readonly string[]
}
/** All kernels as one module. */
export interface WasmCode {
  readonly language: "wasm"
  /** Path of the module within the bundle. */
  readonly file: string
  /** Offset of the byte that says whether the memory is shared: 3, or 1 for memory of one thread. */
  readonly sharedFlag: number
  /** Bytes that every thread needs for itself. */
  readonly scratch: number
  /** The kernels in the order of the module's table. `work`: operations of one workgroup, roughly. */
  readonly kernels: readonly (KernelSpec & { readonly work: number })[]
}

/** The programs of a bundle, compiled for one kind of device, with a memory layout of their own. */
export interface BuildSpec {
  /** The compiler's name for such devices: `webgpu-software`. */
  readonly target: string
  readonly requires: WebgpuRequirements | WasmRequirements
  readonly arenas: readonly ArenaSpec[]
  /** The names, types and roles of slots are the same in all builds, so that checkpoints move between devices. */
  readonly slots: readonly SlotSpec[]
  /** `init`, `start` (once more the slots that start from the value of another slot), `step`, `evaluate`, `predict.<Model>`, ...; `finite`, where
   *  there is training, gives 1 for every slot, by name, that is not finite, else 0. */
  readonly programs: readonly ProgramSpec[]
  readonly code: WgslCode | WasmCode
}

/** Tensors of a file that parameters start from. */
export interface WeightsSpec {
  /** A model; with a .npy file, one parameter by its whole name. */
  readonly of: string
  /** A .safetensors file, the .index.json of several, or a .npy file. Relative to the bundle folder (or absolute). */
  readonly path: string
  /** The beginning of the names in the file that are the model's. */
  readonly prefix: string
  /** Runs of parts of names, there and here; `*` is any one part. */
  readonly rename: readonly (readonly [string, string])[]
  /** Ends of names (here) whose tensors have their axes in the other order there. */
  readonly transpose: readonly string[]
}

export interface SettingSpec {
  readonly name: string
  readonly value: number | boolean | string
  /** Set when the program was compiled; else the value stands in the program. */
  readonly set: boolean
}

export interface Manifest {
  readonly format: typeof BUNDLE_FORMAT
  readonly version: typeof BUNDLE_VERSION
  /** The name of the source file, without extension. */
  readonly name: string
  readonly compiler: string
  /** Hex SHA-256 over the graphs of all programs: bundles with equal fingerprints compute the same, on whichever device, and continue each
   *  other's runs. */
  readonly fingerprint: string
  /** A device runs the first build whose requirements it meets (device/requirements.ts). */
  readonly builds: readonly BuildSpec[]
  /** Kernels in WGSL. Builds that have the same kernel share it. */
  readonly kernels: readonly KernelSpec[]
  readonly data: readonly DataSpec[]
  readonly trains: readonly TrainSpec[]
  readonly predicts: readonly PredictSpec[]
  /** By train section; absent in a bundle that was not written by `nnc compile`. */
  readonly golden?: readonly GoldenSpec[]
  /** Where first values come from that the program does not compute. Absent where there are none. */
  readonly weights?: readonly WeightsSpec[]
  /** The constants of the program that `--set` changes: their values, and whether they were set. */
  readonly settings: readonly SettingSpec[]
  /** SHA-256 of every other file of the bundle, by path: a corrupted bundle is refused by name. */
  readonly files: Readonly<Record<string, string>>
  /** Bytes of data files that are too large to be read only to be known, by path; they are not among `files`. Absent where there are none. */
  readonly large?: Readonly<Record<string, number>>
}
/** A bundle in memory, which `decode` gives and the runtime runs. */
export interface Bundle {
  readonly manifest: Manifest
  /** WGSL text by kernel name, of all builds. */
  readonly wgsl: ReadonlyMap<string, string>
  /** The module of the build for WebAssembly. */
  readonly wasm?: Uint8Array
}

/** The manifest as a device sees it that runs one of the builds. `kernels` are those of the build, whatever their language. */
export interface DeviceManifest extends Omit<Manifest, "builds" | "kernels">, BuildSpec {
  readonly kernels: readonly KernelSpec[]
}
export interface DeviceBundle extends Pick<Bundle, "wgsl"> {
  readonly manifest: DeviceManifest
}

/** One of several runs of a program that one set of kernels trains at once, each with numbers of its own; in memory only. The places in the
 *  bundle are its own; kernels, arenas and bindings are those of all runs. */
export interface BatchedRun {
  readonly bundle: Bundle
  /** Its values of the numbers that differ between runs. */
  readonly numbers: readonly {
    readonly arena: string
    readonly offset: number
    readonly dtype: BundleDType
    readonly value: number
  }[]
}
