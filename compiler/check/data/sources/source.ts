/** check: the checker's interface to every source of data, and the paths of files in its arguments. */
import type { Arg, CallExpr, Expr, SplitDecl } from "../../../ir/ast/types.js"
import type { ColumnSelection, DataSource, Field, FieldStage } from "../../../ir/model/types.js"
import type { TensorType } from "../../../ir/tensor.js"
import type { Span } from "../../../source/source.js"
import { bindData, callOf } from "../args.js"
import type { Env } from "../../env.js"
import { evalExpr } from "../../expr.js"
import { complain } from "../../report.js"
import * as v from "../../values.js"

export interface SourceRule {
  /** For messages: `csv("rows.csv")`. */
  readonly written: string
  /** Undefined after a diagnostic. `fields`: the columns taken from it, as far as they are understood. */
  check(env: Env, call: CallExpr, fields: readonly (Taken | undefined)[]): DataSource | undefined
  /** How a field of it begins, where that is not `column(...)` or `columns(...)`. */
  start?(env: Env, expr: Expr, type: TensorType | undefined): FieldStart | undefined
  /** Complains of a `split` that it cannot follow. */
  checkSplit?(env: Env, split: SplitDecl): void
}

/** A field, and where its type is written. */
export interface Taken {
  readonly field: Field
  readonly type: Span
}

export interface FieldStart {
  readonly columns: ColumnSelection
  /** Before those that are written. */
  readonly stages: readonly FieldStage[]
}

export const kindOf = (source: Expr): string | undefined =>
  source.kind === "call" && source.callee.kind === "name" ? source.callee.name : undefined

/** The argument `path` of a source that is one file. */
export function pathOf(env: Env, call: CallExpr, bound: ReadonlyMap<string, Arg>): string | undefined {
  const path = bound.get("path")
  return path
    ? textOf(env, path.value)
    : badSource(env, call.span, `\`${kindOf(call)}\` needs the path of a file`)
}

/** The path of a source that is one file and takes nothing else. */
export function onlyPath(env: Env, call: CallExpr, written: string): string | undefined {
  const bound = bindData(env, callOf(call), { names: ["path"], written, code: "data-source" })
  return bound && pathOf(env, call, bound)
}

/** `idx(images: "...", labels: "...")`: a file for each column. Without a name the one column is called `value`. */
export function pathPerColumn(
  env: Env,
  call: CallExpr,
): readonly { readonly column: string; readonly path: string }[] | undefined {
  const kind = kindOf(call)
  const files: { column: string; path: string }[] = []
  if (call.args.length === 0)
    return badSource(env, call.span, `\`${kind}\` needs one file per column: \`${kind}(x: "...")\``)
  for (const arg of call.args) {
    const path = textOf(env, arg.value)
    if (path === undefined) return undefined
    if (!arg.name && call.args.length > 1)
      return badSource(env, arg.span, 'name each file\'s column: `image: "..."`')
    const column = arg.name?.text ?? "value"
    if (files.some((file) => file.column === column))
      return badSource(env, arg.span, `the column "${column}" is given twice`)
    files.push({ column, path })
  }
  return files
}

export function badSource(env: Env, span: Span, message: string, label = "this source"): undefined {
  complain(env, { code: "data-source", message, span, label })
  return undefined
}

export function textOf(env: Env, expr: Expr): string | undefined {
  const value = evalExpr(env, expr)
  if (value.kind === "string") return value.value
  if (!v.hasError(value))
    complain(env, {
      code: "data-source",
      message: `a text is needed here, and this is ${v.describe(value)}`,
      span: expr.span,
      label: v.describe(value),
    })
  return undefined
}
