/** check: the arguments of sources, columns and stages in a `data` block.
 *  Guarantees: every argument that was written has a meaning, or is refused: none is dropped. */
import type { Arg, Expr } from "../../ir/ast/types.js"
import type { Fix } from "../../source/diagnostic.js"
import { DATA_ARGUMENT_ADVICE, DATA_ARGUMENT_HABITS } from "./habits.js"
import type { Span } from "../../source/source.js"
import { nearest } from "../../source/suggest.js"
import type { Env } from "../env.js"
import { evalExpr } from "../expr.js"
import { complain } from "../report.js"
import * as v from "../values.js"

export interface DataCall {
  /** Undefined when the callee is no name. */
  readonly name: string | undefined
  readonly args: readonly Arg[]
  readonly span: Span
}

/** `standardize` is `standardize()`. */
export function callOf(expr: Expr): DataCall {
  const callee = expr.kind === "call" ? expr.callee : expr
  return {
    name: callee.kind === "name" ? callee.name : undefined,
    args: expr.kind === "call" ? expr.args : [],
    span: expr.span,
  }
}

/** A source or a stage under a name of pandas, NumPy or scikit-learn: how it is written here. */
export function habitAt(
  expr: Expr,
  habits: Readonly<Record<string, string>>,
): { readonly help: string; readonly fix: Fix } | undefined {
  const callee = expr.kind === "call" ? expr.callee : expr
  const name = callee.kind === "name" ? callee.name : callee.kind === "field" ? callee.name.text : undefined
  const here = name === undefined ? undefined : habits[name]
  return here === undefined
    ? undefined
    : { help: `it is written \`${here}\``, fix: { span: callee.span, replacement: here } }
}

export interface Accepted {
  /** The parameters in order; an argument without a name is the first that is not given yet. */
  readonly names: readonly string[]
  /** Only by name. */
  readonly named?: readonly string[]
  /** For messages: `csv("rows.csv", delimiter: ",")`. */
  readonly written: string
  readonly code: "data-source" | "data-columns" | "data-stage"
}

/** Which argument each name gets. Undefined after a diagnostic. */
export function bindData(
  env: Env,
  { name = "", args }: DataCall,
  { names, named = [], written, code }: Accepted,
): ReadonlyMap<string, Arg> | undefined {
  const bound = new Map<string, Arg>()
  let next = 0
  for (const arg of args) {
    const wanted = arg.name?.text ?? names[next++]
    const wrong = (
      message: string,
      label: string,
      help = `it is written \`${written}\``,
      rename?: string,
    ): undefined => {
      const span = rename === undefined ? arg.span : (arg.name?.span ?? arg.span)
      complain(env, {
        code,
        message,
        span,
        label,
        help,
        ...(rename && { fix: { span, replacement: rename } }),
      })
      return undefined
    }
    if (wanted === undefined)
      return wrong(
        names.length === 0
          ? `\`${name}\` takes no ${named.length === 0 ? "arguments" : "arguments without a name"}`
          : `\`${name}\` takes ${names.length === 1 ? "one argument" : `${names.length} arguments`} without a name, and this is one more`,
        "one too many",
      )
    if (![...names, ...named].includes(wanted)) {
      const known = [...names, ...named]
      const habit = DATA_ARGUMENT_HABITS[wanted]
      const near = habit !== undefined && known.includes(habit) ? habit : nearest(wanted, known)
      return wrong(
        `\`${name}\` has no argument \`${wanted}\``,
        "not one of its arguments",
        near === undefined ? DATA_ARGUMENT_ADVICE[wanted] : `it is written \`${near}\``,
        near,
      )
    }
    if (bound.has(wanted)) return wrong(`\`${wanted}\` of \`${name}\` is given twice`, "the second time")
    bound.set(wanted, arg)
  }
  return bound
}

/** A constant number. Undefined after a diagnostic. */
export function numberOf(env: Env, expr: Expr, what: string): number | undefined {
  const value = evalExpr(env, expr)
  if (v.isNumber(value)) return value.value
  if (!v.hasError(value))
    complain(env, {
      code: "data-stage",
      message: `${what} must be a constant number, and this is ${v.describe(value)}`,
      span: expr.span,
      label: v.describe(value),
    })
  return undefined
}
