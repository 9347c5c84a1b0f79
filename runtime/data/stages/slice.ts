/** runtime/data: some of the values of a row: the characters of a text that a field takes. */
import type { FittedStage } from "../../bundle/format.js"
import { asWritten, type Fitting, type StageRule } from "./stage.js"

type Slice = Extract<FittedStage, { readonly kind: "slice" }>

export const slice: Fitting<Slice> & StageRule<Slice> = {
  ...asWritten,
  apply({ from, to }, values, width) {
    const rows = values.length / width
    const out = new Float64Array(rows * (to - from))
    for (let row = 0; row < rows; row++)
      out.set(values.subarray(row * width + from, row * width + to), row * (to - from))
    return out
  },
  widthAfter: ({ from, to }) => to - from,
}
