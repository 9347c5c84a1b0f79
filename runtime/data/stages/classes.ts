/** runtime/data: `classes(10)`: only checks. */
import type { FittedStage } from "../../bundle/format.js"
import { RunError } from "../../error.js"
import { asWritten, type Fitting, type StageRule, type Where } from "./stage.js"

type Classes = Extract<FittedStage, { readonly kind: "classes" }>

export const classes: Fitting<Classes> & StageRule<Classes> = {
  ...asWritten,
  apply({ count }, values, _, where) {
    checkClasses(values, count, where)
    return values
  },
  follows: () => "same",
}

export function checkClasses(values: Float64Array, count: number, where: Where): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (!Number.isInteger(value) || value < 0 || value >= count)
      throw new RunError("data-class", `${where(i)}: the label ${value} is not one of 0 to ${count - 1}`, {
        help: `${count} classes are numbered from 0`,
      })
  }
}
