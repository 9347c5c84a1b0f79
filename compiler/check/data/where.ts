/** check: `where column("country") == "KR"`: a data set keeps only the rows for which the condition holds.
 *  Not here:   finding those rows (the runtime's `where.ts`). */
import type { DataDecl, Expr } from "../../ir/ast/types.js"
import type { Condition } from "../../ir/model/types.js"
import type { Span } from "../../source/source.js"
import type { Env } from "../env.js"
import { evalExpr } from "../expr.js"
import { complain } from "../report.js"
import * as v from "../values.js"
import { callOf } from "./args.js"
import { textOf } from "./sources/source.js"

type Cell = Extract<Condition, { readonly kind: "cell" }>
type Comparison = Cell["is"]

const COMPARISONS: Readonly<Record<Comparison, true>> = {
  "==": true,
  "!=": true,
  "<": true,
  "<=": true,
  ">": true,
  ">=": true,
}
const isComparison = (op: string): op is Comparison => Object.hasOwn(COMPARISONS, op)
const WRITTEN = '`where column("country") == "KR"`'

/** null: all rows. Undefined after a diagnostic. */
export function whereOf(env: Env, { where = [], source }: DataDecl): Condition | null | undefined {
  const [first] = where
  if (!first) return null
  if (callOf(source).name === "text")
    return wrong(env, first.span, "a text has no columns to choose rows by", {
      label: "of a text",
      help: "leave it out",
    })
  const conditions = where.map(({ condition }) => conditionOf(env, condition))
  const known = conditions.filter((each) => each !== undefined)
  if (known.length < conditions.length) return undefined
  return known.length === 1 ? known[0] : { kind: "all", of: known }
}

function conditionOf(env: Env, expr: Expr): Condition | undefined {
  if (expr.kind === "binary" && (expr.op === "&&" || expr.op === "||")) {
    const kind = expr.op === "&&" ? "all" : "any"
    const [left, right] = [conditionOf(env, expr.left), conditionOf(env, expr.right)]
    const partsOf = (side: Condition) => (side.kind === kind ? side.of : [side])
    return left && right && { kind, of: [...partsOf(left), ...partsOf(right)] }
  }
  if (expr.kind === "binary" && isComparison(expr.op)) return cellOf(env, expr, expr.op)
  return wrong(env, expr.span, "a condition compares a column with a value", {
    label: "no comparison",
    help: `${WRITTEN}; several hold together with \`&&\`, or one of them with \`||\``,
  })
}

function cellOf(
  env: Env,
  { left, right }: { readonly left: Expr; readonly right: Expr },
  is: Comparison,
): Cell | undefined {
  const { name, args } = callOf(left)
  const [arg, more] = args
  if (name !== "column" || !arg || more || arg.name)
    return wrong(env, left.span, "a condition begins with the column that it is about", {
      label: 'not `column("name")`',
      help: WRITTEN,
    })
  const column = textOf(env, arg.value)
  if (column === undefined) return undefined
  if (right.kind === "name" && right.name === "missing") {
    if (is === "==" || is === "!=") return { kind: "cell", column, is, value: null }
    return wrong(env, right.span, "a cell is missing or it is not", {
      label: `nothing is ${is} it`,
      help: `\`column("${column}") != missing\` takes the rows that have one`,
    })
  }
  const value = evalExpr(env, right)
  if (value.kind === "string") return { kind: "cell", column, is, value: value.value }
  if (v.isNumber(value) && Number.isFinite(value.value))
    return { kind: "cell", column, is, value: value.value }
  if (v.hasError(value)) return undefined
  return wrong(env, right.span, "a column is compared with a number, a text or `missing`", {
    label: v.describe(value),
    help: WRITTEN,
  })
}

function wrong(
  env: Env,
  span: Span,
  message: string,
  about: { readonly label: string; readonly help: string },
): undefined {
  complain(env, { code: "data-where", message, span, ...about })
  return undefined
}
