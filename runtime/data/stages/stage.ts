/** runtime/data: what every stage of a field is: before it is fitted on the training rows (Fitting), and after (StageRule). */
import type { FittedStage } from "../../bundle/format.js"
import type { Block } from "../blocks.js"
import type { DataFile } from "../file.js"
import type { Table } from "../table.js"

/** As a program says it. The compiler's own type has this shape; this room does not import it. */
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

/** Of what needs to know nothing of the training rows. */
export const asWritten = { fit: <S extends UnfittedStage & FittedStage>(stage: S): S => stage }

export interface TrainingRows {
  readonly table: Table
  readonly rows: Uint32Array
  readonly columns: readonly string[]
  /** As the stages before leave them. */
  readonly walk: Walk
  /** As the columns hold them. */
  readonly walkColumns: Walk
  /** A file that the stage names. */
  readonly open: (path: string) => DataFile
}
/** Calls back with every row, block by block. Can be walked more than once. */
export type Walk = (visit: (block: Block) => void) => void

/** The place of one of the values that a stage is given: file, row and column. */
export type Where = (index: number) => string

export interface StageRule<S extends FittedStage> {
  /** Of rows one after another, `width` values each; may work in place. Throws a RunError at a value that it does not take. */
  apply(stage: S, values: Float64Array, width: number, where: Where): Float64Array
  /** Values per row; left out: as many as before. */
  widthAfter?(stage: S, width: number): number
  /** Values per row that it was fitted on, where it knows them one by one. */
  fittedOn?(stage: S): number | undefined
  /** Present where it numbers what stands in a column: then it is the first stage, and `apply` is given the numbers. */
  readTexts?(stage: S, table: Table, column: string): NumberedTexts
  /** It says what becomes of a cell that is empty, which it is given as NaN. */
  readonly takesMissing?: true
  /** What one value that it gives follows from, so that a field may lie on the device as what its columns hold. same: from the value
   *  at its place, which it is; value: from that value alone; place: from that value and its place in a row. Left out: from more. */
  follows?(stage: S): "same" | "value" | "place"
  /** From what it gave, what it was given, in place. Left out: not known. */
  undo?(stage: S, values: Float64Array, width: number): Float64Array
  /** What the whole numbers stand for that it gives, from 0 on. */
  names?(stage: S): readonly string[]
  /** How many different whole numbers it gives, from 0 on, and the file that says so. */
  count?(stage: S): { readonly count: number; readonly by: string } | undefined
}

export interface NumberedTexts {
  /** Texts in a row. */
  readonly width: number
  /** Of the text in a row, at a place in it. Throws a RunError at one that has no number. */
  numberAt(row: number, place: number): number
}
