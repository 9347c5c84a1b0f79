/** runtime/train: outputs of a model -> predictions of the field that is their target: values in its own unit, names
 *  and probabilities of its classes.
 *  Not here:   which output stands for which field (the compiler says so in the bundle). */
import type { FieldSpec, PredictTarget } from "../bundle/format.js"
import { classNames, undoOf, type ClassName } from "../data/undo.js"
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import type { Tensor } from "../exec/values.js"

/** The prediction of a target that is a class. */
export interface ClassPrediction {
  /** The axes that are classified, rows first. */
  readonly shape: readonly number[]
  /** The most probable of each. */
  readonly classes: readonly ClassName[]
  /** The names of all classes, in order. */
  readonly names: readonly ClassName[]
  /** One for each class, along a last axis; left out where the loss does not say how scores become probabilities. */
  readonly probabilities?: Tensor
}
/** The prediction of a target that went through `standardize` and the like, in the unit of its column. */
export interface ValuePrediction {
  readonly dtype: "f64"
  readonly shape: readonly number[]
  readonly values: Float64Array
}
/** A tensor: as the model gives it. */
export type Prediction = Tensor | ValuePrediction | ClassPrediction

export interface MeantOutput {
  readonly as: PredictTarget["as"]
  readonly field: FieldSpec
}

/** `where`: names a row, for messages. */
export function predictionOf(
  tensor: Tensor,
  { as, field }: MeantOutput,
  where: (row: number) => string,
): Prediction {
  if (as.kind === "value") return inOwnUnit(tensor, field)
  return as.kind === "binary" ? ofTwo(tensor, as, field, where) : ofMany(tensor, as, field, where)
}

export const isClasses = (prediction: Prediction): prediction is ClassPrediction => "classes" in prediction

function inOwnUnit(tensor: Tensor, field: FieldSpec): Tensor | ValuePrediction {
  const undo = undoOf(field)
  if (!undo) return tensor
  const own = undo(Float64Array.from(tensor.values), product(field.shape))
  return { dtype: "f64", shape: tensor.shape, values: own }
}

function ofTwo(
  { shape, values }: Tensor,
  { scores }: PredictTarget["as"] & { readonly kind: "binary" },
  field: FieldSpec,
  where: (row: number) => string,
): ClassPrediction {
  const names = classNames(field, 2)
  const probabilities = new Float32Array(2 * values.length)
  const classes = Array.from(values, (score, i) => {
    if (Number.isNaN(score)) notANumber(where, shape, i)
    const p = scores === "sigmoid" ? sigmoid(score) : score
    probabilities[2 * i] = 1 - p
    probabilities[2 * i + 1] = p
    return names[p > 0.5 ? 1 : 0]!
  })
  return {
    shape,
    classes,
    names,
    probabilities: { dtype: "f32", shape: [...shape, 2], values: probabilities },
  }
}

function ofMany(
  { shape, values }: Tensor,
  { count, inner, scores }: PredictTarget["as"] & { readonly kind: "classes" },
  field: FieldSpec,
  where: (row: number) => string,
): ClassPrediction {
  const names = classNames(field, count)
  const total = values.length / count
  const probabilities = new Float32Array(values.length)
  const of = new Float64Array(count)
  const classes: ClassName[] = []
  for (let i = 0; i < total; i++) {
    const from = Math.floor(i / inner) * count * inner + (i % inner)
    let best = 0
    for (let c = 0; c < count; c++) {
      const score = values[from + c * inner]!
      if (Number.isNaN(score)) notANumber(where, shape, from + c * inner)
      of[c] = score
      if (score > of[best]!) best = c
    }
    classes.push(names[best]!)
    if (scores !== "none") toProbabilities(scores, of, of[best]!)
    probabilities.set(of, i * count)
  }
  const apart = withoutClasses(shape, count, inner)
  return {
    shape: apart,
    classes,
    names,
    ...(scores !== "none" && {
      probabilities: { dtype: "f32", shape: [...apart, count], values: probabilities },
    }),
  }
}

/** Turns scores into probabilities, in place. */
function toProbabilities(
  scores: "softmax" | "sigmoid" | "exp" | "probs",
  of: Float64Array,
  largest: number,
): void {
  if (scores === "probs") return
  if (scores === "sigmoid") of.forEach((score, c) => (of[c] = sigmoid(score)))
  else if (scores === "exp") of.forEach((score, c) => (of[c] = Math.exp(score)))
  else {
    let sum = 0
    for (let c = 0; c < of.length; c++) sum += of[c] = Math.exp(of[c]! - largest)
    for (let c = 0; c < of.length; c++) of[c]! /= sum
  }
}

const sigmoid = (score: number): number => 1 / (1 + Math.exp(-score))

/** The shape without the axis of the classes, where there is one such axis; else the rows that are classified. */
function withoutClasses(shape: readonly number[], count: number, inner: number): readonly number[] {
  const axis = shape.findIndex((size, i) => size === count && i > 0 && product(shape.slice(i + 1)) === inner)
  if (axis > 0) return shape.filter((_, i) => i !== axis)
  const [rows = 1, ...rest] = shape
  return [rows, product(rest) / count]
}

function notANumber(where: (row: number) => string, [, ...row]: readonly number[], at: number): never {
  throw new RunError(
    "non-finite",
    `${where(Math.floor(at / product(row)))}: the model gives NaN as the score of a class`,
    { help: "look at the parameters and the row: `--raw` writes what the model gives" },
  )
}
