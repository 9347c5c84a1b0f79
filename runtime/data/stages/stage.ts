/** runtime/data: the interface of every stage of a field: before it is fitted on the training rows (Fitting), and after (StageRule). */
import type { FittedStage } from "../../bundle/format.js"
import type { Block } from "../blocks.js"
import type { DataFile } from "../file.js"
import type { Table } from "../table.js"

/** A stage of a program. The compiler's own type has this shape; this room does not import it. */
export type UnfittedStage =
  | { readonly kind: "standardize" }
  | { readonly kind: "minmax" }
  | { readonly kind: "scale"; readonly by: number }
  | { readonly kind: "categories"; readonly count: number; readonly unknown?: true }
  | { readonly kind: "vocabulary"; readonly size: number }
  | { readonly kind: "fill"; readonly by: "mean" | "median" | "most_frequent" | number }
  | { readonly kind: "bins"; readonly count: number }
  | Omit<Extract<FittedStage, { readonly kind: "tokens" }>, "json">
  | Extract<FittedStage, { readonly kind: AsWritten }>
/** There is nothing to be fitted. */
type AsWritten = "one_hot" | "classes" | "slice" | "hash" | "date" | "missing" | "clip" | "log" | "log1p"

export interface Fitting<S extends UnfittedStage> {
  fit(stage: S, training: TrainingRows): FittedStage
}

/** The fitting of stages that do not depend on the training rows. */
export const asWritten = { fit: <S extends UnfittedStage & FittedStage>(stage: S): S => stage }

export interface TrainingRows {
  readonly table: Table
  readonly rows: Uint32Array
  readonly columns: readonly string[]
  /** The values after the stages before. */
  readonly walk: Walk
  /** The values of the columns. */
  readonly walkColumns: Walk
  /** A file that the stage names. */
  readonly open: (path: string) => DataFile
}
/** Calls back with every row, block by block. Can be walked more than once. */
export type Walk = (visit: (block: Block) => void) => void

/** The place of one of the values that a stage is given: file, row and column. */
export type Where = (index: number) => string

export interface StageRule<S extends FittedStage> {
  /** Applies the stage to rows one after another, `width` values each; may work in place. Throws a RunError at a value that it does not take. */
  apply(stage: S, values: Float64Array, width: number, where: Where): Float64Array
  /** Values per row; left out: as many as before. */
  widthAfter?(stage: S, width: number): number
  /** Values per row that it was fitted on, where it knows them one by one. */
  fittedOn?(stage: S): number | undefined
  /** Present where it numbers the values of a column: then it is the first stage, and `apply` is given the numbers. */
  readTexts?(stage: S, table: Table, column: string): NumberedTexts
  /** It replaces empty cells, which it is given as NaN. */
  readonly takesMissing?: true
  /** The source of each value that it gives, so that a field may lie on the device as its columns hold it. same: it is the
   *  value at its place; value: it follows from that value alone; place: from that value and its place in a row. Left out: from more. */
  follows?(stage: S): "same" | "value" | "place"
  /** Turns its results back into its arguments, in place. Left out: not known. */
  undo?(stage: S, values: Float64Array, width: number): Float64Array
  /** The names of the whole numbers that it gives, from 0 on. */
  names?(stage: S): readonly string[]
  /** How many different whole numbers it gives, from 0 on, and the file that says so. */
  count?(stage: S): { readonly count: number; readonly by: string } | undefined
}

export interface NumberedTexts {
  /** Texts in a row. */
  readonly width: number
  /** The number of the text at a place of a row. Throws a RunError at a text that has none. */
  numberAt(row: number, place: number): number
}
