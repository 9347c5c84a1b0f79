/** check: `clip(0, 100)`: values are held between two ends. */
import { complain } from "../../report.js"
import { bindData, numberOf } from "../args.js"
import type { StageRule } from "./stage.js"

export const clip: StageRule<{ readonly kind: "clip"; readonly min: number; readonly max: number }> = {
  check(env, call) {
    const written = "clip(0, 100)"
    const bound = bindData(env, call, { names: ["min", "max"], written, code: "data-stage" })
    if (!bound) return undefined
    const [min, max] = [bound.get("min"), bound.get("max")]
    const refused = (message: string, label: string): undefined => {
      complain(env, {
        code: "data-stage",
        message,
        span: call.span,
        label,
        help: `it is written \`${written}\``,
      })
      return undefined
    }
    if (!min || !max) return refused("`clip` takes the least and the greatest value", "not both are given")
    const [least, most] = [
      numberOf(env, min.value, "`min` of `clip`"),
      numberOf(env, max.value, "`max` of `clip`"),
    ]
    if (least === undefined || most === undefined) return undefined
    if (!(least < most))
      return refused(`nothing lies between ${least} and ${most}`, "the least value comes first")
    return { kind: "clip", min: least, max: most }
  },
}
