/** check: `categories(3)`: the different values of a column, numbered. */
import { evalExpr } from "../../expr.js"
import { complain } from "../../report.js"
import * as v from "../../values.js"
import { needsI32, oneNumber, type StageRule } from "./stage.js"

export const categories: StageRule<{
  readonly kind: "categories"
  readonly count: number
  readonly unknown?: true
}> = {
  check: (env, call) => {
    const named = call.args.find((arg) => arg.name?.text === "unknown")
    const args = call.args.filter((arg) => arg !== named)
    const count = oneNumber(env, { ...call, args }, { argument: "count", counts: "categories" })
    const unknown = named && evalExpr(env, named.value)
    if (count === undefined || (unknown && v.hasError(unknown))) return undefined
    if (unknown && unknown.kind !== "bool") {
      complain(env, {
        code: "data-stage",
        message: `\`unknown\` is true or false, and this is ${v.describe(unknown)}`,
        span: named.value.span,
        label: v.describe(unknown),
        help: "write `categories(4, unknown: true)`",
      })
      return undefined
    }
    return unknown?.value ? { kind: "categories", count, unknown: true } : { kind: "categories", count }
  },
  refuse: (_, at) => {
    if (at.index > 0)
      return {
        message: "categories number what a column holds, so they come first",
        label: "not the first stage",
      }
    return at.encoded ? undefined : needsI32("categories are i32 numbers", at)
  },
  count: ({ count }) => count,
}
