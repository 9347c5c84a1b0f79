/** runtime/data: value * scale + shift: the fitted form of `standardize`, `minmax` and `scale`. */
import type { FittedStage } from "../../bundle/format.js"
import type { StageRule } from "./stage.js"

export type Affine = Extract<FittedStage, { readonly kind: "affine" }>

export const affine: StageRule<Affine> = {
  apply({ scale, shift }, values, width) {
    if (scale.length === 1) {
      const [by = 1] = scale
      const [and = 0] = shift
      for (let i = 0; i < values.length; i++) values[i] = values[i]! * by + and
    } else
      for (let row = 0; row < values.length; row += width)
        for (let j = 0; j < width; j++) values[row + j] = values[row + j]! * scale[j]! + shift[j]!
    return values
  },
  fittedOn: ({ scale }) => (scale.length > 1 ? scale.length : undefined),
  follows: ({ scale }) => (scale.length > 1 ? "place" : "value"),
  undo({ scale, shift }, values) {
    // In a window over time, the values of every step.
    const each = scale.length
    for (let i = 0; i < values.length; i++) {
      const j = i % each
      values[i] = (values[i]! - shift[j]!) / scale[j]!
    }
    return values
  },
}
