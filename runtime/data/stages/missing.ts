/** runtime/data: `missing`: 1 where the cell was empty, 0 elsewhere. */
import type { FittedStage } from "../../bundle/format.js"
import { asWritten, type Fitting, type StageRule } from "./stage.js"

type Missing = Extract<FittedStage, { readonly kind: "missing" }>

export const missing: Fitting<Missing> & StageRule<Missing> = {
  ...asWritten,
  apply(_, values) {
    for (let i = 0; i < values.length; i++) values[i] = Number.isNaN(values[i]!) ? 1 : 0
    return values
  },
  takesMissing: true,
}
