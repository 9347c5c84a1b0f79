/** check: sources of data: `csv("rows.csv")`, `idx(images: "images.gz")`, `array(x: [1, 2])`. */
import type { Arg, CallExpr, Expr } from "../ir/ast/types.js"
import type { DataSource } from "../ir/model/types.js"
import type { Span } from "../source/source.js"
import { arraySource } from "./data-array.js"
import { bindData, callOf } from "./data-args.js"
import { textSource, type Window } from "./data-text.js"
import type { Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { complain, didYouMean } from "./report.js"
import * as v from "./values.js"

const SOURCES = ["csv", "tsv", "jsonl", "idx", "npy", "npz", "array", "text"]

export const kindOf = (source: Expr): string | undefined =>
  source.kind === "call" && source.callee.kind === "name" ? source.callee.name : undefined

/** `window`: what the fields take of a text. */
export function sourceOf(env: Env, expr: Expr, window: Window): DataSource | undefined {
  const call = expr.kind === "call" && expr.callee.kind === "name" ? expr : undefined
  const name = kindOf(expr)
  if (!call || name === undefined || !SOURCES.includes(name)) {
    complain(env, {
      code: "data-source",
      message: name === undefined ? "data comes from a source" : `there is no source \`${name}\``,
      span: expr.span,
      label: "not a source of data",
      help:
        (name !== undefined && didYouMean(name, SOURCES)) ||
        'sources are `csv("...")`, `jsonl("...")`, `idx(...)`, `npy(...)`, `npz("...")`, `array(...)` and `text("...")`',
    })
    return undefined
  }
  if (name === "csv" || name === "tsv") return csvSource(env, call, name)
  if (name === "jsonl" || name === "npz") return fileSource(env, call, name)
  if (name === "array") return arraySource(env, call)
  if (name === "text") return textSource(env, call, window)
  return filesSource(env, call, name === "idx" ? "idx" : "npy")
}

function csvSource(env: Env, call: CallExpr, name: "csv" | "tsv"): DataSource | undefined {
  const bound = bindData(env, callOf(call), {
    names: ["path"],
    named: ["delimiter"],
    written: `${name}("rows.${name}"${name === "csv" ? ', delimiter: ","' : ""})`,
    code: "data-source",
  })
  const path = bound && pathOf(env, call, bound)
  const delimiter = bound?.get("delimiter")
  const by = delimiter ? textOf(env, delimiter.value) : name === "tsv" ? "\t" : ","
  return path === undefined || by === undefined ? undefined : { kind: "csv", path, delimiter: by }
}

function fileSource(env: Env, call: CallExpr, kind: "jsonl" | "npz"): DataSource | undefined {
  const written = `${kind}("rows.${kind}")`
  const bound = bindData(env, callOf(call), { names: ["path"], written, code: "data-source" })
  const path = bound && pathOf(env, call, bound)
  return path === undefined ? undefined : { kind, path }
}

/** The argument `path` of a source that is one file. */
export function pathOf(env: Env, call: CallExpr, bound: ReadonlyMap<string, Arg>): string | undefined {
  const path = bound.get("path")
  return path
    ? textOf(env, path.value)
    : badSource(env, call.span, `\`${kindOf(call)}\` needs the path of a file`)
}

function filesSource(env: Env, call: CallExpr, kind: "idx" | "npy"): DataSource | undefined {
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
  return { kind, files }
}

export function badSource(env: Env, span: Span, message: string): undefined {
  complain(env, { code: "data-source", message, span, label: "this source" })
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
