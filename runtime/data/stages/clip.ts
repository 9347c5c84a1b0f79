/** runtime/data: `clip(0, 100)`: a value outside of the two ends becomes the nearer one. */
import type { FittedStage } from "../../bundle/format.js"
import { asWritten, type Fitting, type StageRule } from "./stage.js"

type Clip = Extract<FittedStage, { readonly kind: "clip" }>

export const clip: Fitting<Clip> & StageRule<Clip> = {
  ...asWritten,
  apply({ min, max }, values) {
    for (let i = 0; i < values.length; i++) values[i] = Math.min(max, Math.max(min, values[i]!))
    return values
  },
  follows: () => "value",
  undo: (_, values) => values,
}
