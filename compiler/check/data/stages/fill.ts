/** check: `fill(median)`: a value in place of an empty cell. */
import { complain } from "../../report.js"
import { bindData, numberOf } from "../args.js"
import type { StageRule } from "./stage.js"

const FITTED = ["mean", "median", "most_frequent"] as const
type By = (typeof FITTED)[number] | number

export const fill: StageRule<{ readonly kind: "fill"; readonly by: By }> = {
  check(env, call) {
    const written = "fill(median)"
    const arg = bindData(env, call, { names: ["by"], written, code: "data-stage" })?.get("by")
    if (!arg) {
      if (call.args.length === 0)
        complain(env, {
          code: "data-stage",
          message: "`fill` takes what an empty cell becomes",
          span: call.span,
          label: "nothing is given",
          help: "write `fill(mean)`, `fill(median)`, `fill(most_frequent)` or a number: `fill(0)`",
        })
      return undefined
    }
    const { value } = arg
    const fitted = FITTED.find((name) => value.kind === "name" && value.name === name)
    const by =
      fitted ??
      numberOf(env, value, "what `fill` puts in a cell, if it is not `mean`, `median` or `most_frequent`,")
    return by === undefined ? undefined : { kind: "fill", by }
  },
}
