/** check: the characters of a text that a field takes. `characters` puts it there (`sources/text.ts`). */
import { printType } from "../../../ir/tensor.js"
import type { StageRule } from "./stage.js"

export const slice: StageRule<{ readonly kind: "slice"; readonly from: number; readonly to: number }> = {
  refuse: (_, { type, encoded }) =>
    type.shape.length > (encoded ? 2 : 1)
      ? {
          message: "characters of a text stand in a row",
          label: printType(type),
          help: "use one axis, as in `i32[64]`",
        }
      : undefined,
}
