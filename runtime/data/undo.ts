/** runtime/data: the results of a field's stages -> values of its columns: numbers in their own unit, names of classes.
 *  Not here:   which values are a field's (train/prediction.ts), the inverse of a stage (stages/). */
import type { FieldSpec } from "../bundle/format.js"
import { ruleOf } from "./stages/index.js"

/** A class is called by the name that its column holds, or by its number. */
export type ClassName = string | number

type Staged = Pick<FieldSpec, "stages">
/** Values are rows one after another; it may work in place. */
type Undo = (values: Float64Array, width: number) => Float64Array

/** Undefined where the stages have no inverse, or change nothing. */
export function undoOf({ stages }: Staged): Undo | undefined {
  const steps = stages
    .filter((stage) => ruleOf(stage).follows?.(stage) !== "same")
    .map((stage): Undo | undefined => {
      const { undo } = ruleOf(stage)
      return undo && ((values, width) => undo(stage, values, width))
    })
    .reverse()
  if (steps.length === 0 || steps.includes(undefined)) return undefined
  return (values, width) => steps.reduce((given, undo) => undo?.(given, width) ?? given, values)
}

/** The names of `count` classes, in order. */
export function classNames({ stages }: Staged, count: number): ClassName[] {
  const names = stages.map((stage) => ruleOf(stage).names?.(stage)).find((each) => each !== undefined) ?? []
  return Array.from({ length: count }, (_, i) => names[i] ?? i)
}
