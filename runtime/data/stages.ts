/** runtime/data: what the stages of a field make of its values, rows one after another. */
import type { FittedStage } from "../bundle/format.js"
import { RunError } from "../error.js"
import { toVocabulary } from "./vocabulary.js"

/** The place of one of the values that a stage is given. */
export type Where = (index: number) => string

/** Affine stages, and those that only check, work in place. */
export function applyStage(
  stage: FittedStage,
  values: Float64Array,
  width: number,
  where: Where,
): Float64Array {
  switch (stage.kind) {
    case "affine":
      return affine(stage.scale, stage.shift, values, width)
    case "one_hot": {
      const out = new Float64Array(values.length * stage.classes)
      checkClasses(values, stage.classes, where)
      for (let i = 0; i < values.length; i++) out[i * stage.classes + values[i]!] = 1
      return out
    }
    case "classes":
      checkClasses(values, stage.count, where)
      return values
    case "categories":
      return values
    case "slice": {
      const { from, to } = stage
      const rows = values.length / width
      const out = new Float64Array(rows * (to - from))
      for (let row = 0; row < rows; row++)
        out.set(values.subarray(row * width + from, row * width + to), row * (to - from))
      return out
    }
    case "vocabulary":
      return toVocabulary(stage.characters, values, where)
  }
}

/** Values per row. */
export function widthAfter(stage: FittedStage, width: number): number {
  if (stage.kind === "one_hot") return width * stage.classes
  return stage.kind === "slice" ? stage.to - stage.from : width
}

function affine(
  scale: readonly number[],
  shift: readonly number[],
  values: Float64Array,
  width: number,
): Float64Array {
  if (scale.length === 1) {
    const [by = 1] = scale
    const [and = 0] = shift
    for (let i = 0; i < values.length; i++) values[i] = values[i]! * by + and
  } else
    for (let row = 0; row < values.length; row += width)
      for (let j = 0; j < width; j++) values[row + j] = values[row + j]! * scale[j]! + shift[j]!
  return values
}

function checkClasses(values: Float64Array, classes: number, where: Where): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (!Number.isInteger(value) || value < 0 || value >= classes)
      throw new RunError("data-class", `${where(i)}: the label ${value} is not one of 0 to ${classes - 1}`, {
        help: `${classes} classes are numbered from 0`,
      })
  }
}
