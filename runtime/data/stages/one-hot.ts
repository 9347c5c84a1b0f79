/** runtime/data: `one_hot(10)`. */
import type { FittedStage } from "../../bundle/format.js"
import { checkClasses } from "./classes.js"
import { asWritten, type Fitting, type StageRule } from "./stage.js"

type OneHot = Extract<FittedStage, { readonly kind: "one_hot" }>

export const oneHot: Fitting<OneHot> & StageRule<OneHot> = {
  ...asWritten,
  apply({ classes }, values, _, where) {
    checkClasses(values, classes, where)
    const out = new Float64Array(values.length * classes)
    for (let i = 0; i < values.length; i++) out[i * classes + values[i]!] = 1
    return out
  },
  widthAfter: ({ classes }, width) => width * classes,
}
