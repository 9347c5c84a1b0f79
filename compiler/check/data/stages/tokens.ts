/** check: `tokens("tokenizer.json")`: a text becomes the ids of its tokens; with `as: "mask"`, 1 for each token and 0 for padding. */
import { printType, type TensorType } from "../../../ir/tensor.js"
import { evalExpr } from "../../expr.js"
import { complain, didYouMean } from "../../report.js"
import * as v from "../../values.js"
import { bindData } from "../args.js"
import { needsI32, type StageRule } from "./stage.js"

const KINDS = ["ids", "mask"] as const
const WRITTEN = 'tokens("tokenizer.json", as: "mask")'

export const tokens: StageRule<{
  readonly kind: "tokens"
  readonly path: string
  readonly as: "ids" | "mask"
  readonly length: number
}> = {
  check(env, call, type) {
    const bound = bindData(env, call, {
      names: ["path"],
      named: ["as"],
      written: WRITTEN,
      code: "data-stage",
    })
    if (!bound) return undefined
    const refused = (message: string, span = call.span, label = "this stage", help?: string): undefined => {
      complain(env, { code: "data-stage", message, span, label, help: help ?? `write \`${WRITTEN}\`` })
      return undefined
    }
    const path = bound.get("path")
    if (!path) return refused("`tokens` needs the path of a tokenizer")
    const kind = bound.get("as")
    const [file, as] = [evalExpr(env, path.value), kind && evalExpr(env, kind.value)]
    if (v.hasError(file) || (as && v.hasError(as))) return undefined
    if (file.kind !== "string")
      return refused(
        `the path of a tokenizer is a text, and this is ${v.describe(file)}`,
        path.span,
        v.describe(file),
      )
    const asked = as === undefined ? "ids" : as.kind === "string" ? as.value : v.describe(as)
    const found = KINDS.find((each) => each === asked)
    if (!found)
      return refused(
        `tokens are taken as "ids" or as "mask", not as ${as?.kind === "string" ? `"${asked}"` : asked}`,
        kind?.span,
        "not what a tokenizer gives",
        didYouMean(asked, KINDS),
      )
    return { kind: "tokens", path: file.value, as: found, length: lengthOf(type) }
  },
  refuse({ as }, at) {
    const { index, type, name } = at
    if (index > 0)
      return {
        message: "tokens are of the text that a column holds, so they come first",
        label: "not the first stage",
      }
    if (type.shape.length === 0)
      return {
        message: `the type of \`${name}\` says how many tokens a row has, and it is ${printType(type)}`,
        label: "no axis",
        help: `write \`${type.dtype}[128]\`: longer texts are cut off there, shorter ones padded`,
      }
    if (as === "ids") return needsI32("tokens are i32 numbers", at)
    return undefined
  },
  perValue: ({ length }) => ({ count: length, noun: "tokens" }),
}

/** The length of a row of tokens; 1 where the type is refused anyway. */
function lengthOf(type: TensorType | undefined): number {
  const last = type?.shape.at(-1)
  return typeof last === "number" ? last : 1
}
