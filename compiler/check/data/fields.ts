/** check: the fields of a data set: which columns a field takes and the stages that they go through.
 *  Guarantees: a field with a mistake in its pipeline still has its type, and one whose type is the mistake has none, so that nothing
 *              is said twice. */
import type { Arg, DataDecl, Expr, FieldDecl } from "../../ir/ast/types.js"
import type { ColumnSelection, DataSource, Field, FieldStage } from "../../ir/model/types.js"
import type { TensorType } from "../../ir/tensor.js"
import type { Fix } from "../../source/diagnostic.js"
import { type Span, spanText } from "../../source/source.js"
import { resolveType } from "../args.js"
import { originAt, type Env } from "../env.js"
import { evalExpr } from "../expr.js"
import { complain, didYouMean, meantName } from "../report.js"
import { lookup } from "../scope.js"
import * as v from "../values.js"
import { bindData, callOf } from "./args.js"
import type { FieldStart, SourceRule } from "./sources/source.js"
import { refusalOf, stageOf } from "./stages/index.js"
import { isWindow, typeOfStep, windowAt } from "./windows.js"

/** `source`: where the field comes from, if that is known. */
export function fieldOf(env: Env, decl: FieldDecl, source: SourceRule | undefined): Field | undefined {
  const type = resolveType(env, decl.type)
  const pipeline: Expr[] = []
  let head = decl.value
  while (head.kind === "pipe") {
    pipeline.unshift(head.target)
    head = head.value
  }
  const start = source?.start ? source.start(env, head, type) : startOf(columnsOf(env, head))
  const first = !source?.start && isWindow(pipeline[0]) ? pipeline.shift() : undefined
  const window = first && windowAt(env, first, type)
  const stages = [
    ...(start?.stages ?? []),
    ...pipeline.map((stage) => stageOf(env, stage, window && type ? typeOfStep(type) : type)),
  ]
  if (!type || (first && !window)) return undefined
  const field = { name: decl.name.text, type, ...(window && { window }), origin: originAt(env, decl.span) }
  const understood = stages.filter((s) => s !== undefined)
  if (!start || understood.length < stages.length)
    return { ...field, columns: start?.columns ?? { kind: "all" }, stages: understood }
  const { columns } = start
  return typeFits(env, decl, window ? typeOfStep(type) : type, columns, understood)
    ? { ...field, columns, stages: understood }
    : undefined
}

const startOf = (columns: ColumnSelection | undefined): FieldStart | undefined =>
  columns && { columns, stages: [] }

function columnsOf(env: Env, expr: Expr): ColumnSelection | undefined {
  const call = callOf(expr)
  const { name, args } = call
  if (name !== "column" && name !== "columns") {
    complain(env, {
      code: "data-columns",
      message: "a field starts with the columns it takes",
      span: expr.span,
      label: "not `column(...)` or `columns(...)`",
      help:
        (name !== undefined && didYouMean(name, ["column", "columns"])) ||
        'write `column("name")`, `columns("a", "b")` or `columns(except: "c")`',
    })
    return undefined
  }
  const listed = args.filter((a) => !a.name)
  const accepted =
    name === "column"
      ? { names: [], written: 'column("name")' }
      : { names: [], named: ["except"], written: 'columns(except: ["a", "b"])' }
  const bound = bindData(
    env,
    { ...call, args: args.filter((a) => a.name) },
    { ...accepted, code: "data-columns" },
  )
  if (!bound) return undefined
  const except = bound.get("except")
  if (except) {
    if (listed.length > 0) {
      const list = `except: [${args
        .flatMap(({ value }) => (value.kind === "list" ? value.items : [value]))
        .map((e) => spanText(e.span))
        .join(", ")}]`
      const [first, last] = [args[0]!.span, args.at(-1)!.span]
      return refuse(env, listed[0]!.span, "`except` leaves columns out, and this name stands beside it", {
        label: "neither taken nor left out",
        help: `several names are left out as a list: \`columns(${list})\``,
        fix: { span: { ...first, end: last.end }, replacement: list },
      })
    }
    const out = namesOf(env, [except])
    return out && { kind: "except", names: out }
  }
  const only = namesOf(env, listed)
  if (!only) return undefined
  if (name === "column" && only.length !== 1)
    return refuse(env, call.span, `\`column\` takes one name, and here are ${only.length}`, {
      label: "not one column",
      help: only.length === 0 ? "all columns are `columns()`" : 'write `columns("a", "b")`',
    })
  return listed.length === 0 ? { kind: "all" } : { kind: "only", names: only }
}

function refuse(
  env: Env,
  span: Span,
  message: string,
  about: { readonly label: string; readonly help: string; readonly fix?: Fix },
): undefined {
  complain(env, { code: "data-columns", message, span, ...about })
  return undefined
}

/** `column(benign)`. */
function isUnquoted(env: Env, { value }: Arg): boolean {
  if (value.kind !== "name" || lookup(env.scope, value.name) || env.module.names.has(value.name)) return false
  complain(env, {
    code: "data-columns",
    message: `columns are named by texts, and \`${value.name}\` stands without quotes`,
    span: value.span,
    label: "a name of the program, which there is not",
    help: `write \`"${value.name}"\``,
    fix: { span: value.span, replacement: `"${value.name}"` },
  })
  return true
}

function namesOf(env: Env, args: readonly Arg[]): string[] | undefined {
  const out: string[] = []
  for (const arg of args) {
    if (isUnquoted(env, arg)) return undefined
    const value = evalExpr(env, arg.value)
    const items = value.kind === "list" ? value.items : [value]
    for (const item of items) {
      if (item.kind !== "string") {
        if (!v.hasError(item))
          complain(env, {
            code: "data-columns",
            message: `columns are named by texts, and this is ${v.describe(item)}`,
            span: arg.value.span,
            label: v.describe(item),
          })
        return undefined
      }
      if (out.includes(item.value)) {
        complain(env, {
          code: "data-columns",
          message: `the column "${item.value}" is taken twice`,
          span: arg.value.span,
          label: "again here",
        })
        return undefined
      }
      out.push(item.value)
    }
  }
  return out
}

function typeFits(
  env: Env,
  decl: FieldDecl,
  type: TensorType,
  columns: ColumnSelection,
  stages: readonly FieldStage[],
): boolean {
  const wrong = refusalOf({ name: decl.name.text, type, columns, stages })
  if (wrong)
    complain(env, {
      code: "field-type",
      message: wrong.message,
      span: decl.type.span,
      label: wrong.label,
      related: [{ span: decl.value.span, text: "because of this" }],
      help: wrong.help,
      // How many tokens a row has follows from the type itself.
      ...(stages.every(({ kind }) => kind !== "tokens") && typeFix(wrong.help, decl)),
    })
  return wrong === undefined
}

/** A help that is the type to be written. */
function typeFix(help: string | undefined, { type }: FieldDecl): { readonly fix?: Fix } {
  const meant = /^write `([a-z0-9]+(?:\[[^\]`]*\])?)`$/.exec(help ?? "")?.[1]
  if (meant === undefined) return {}
  const { file, start, end } = type.span
  const written = file.text.slice(start, end)
  // A dtype alone leaves the sizes as they are.
  const dtype = /^\w+/.exec(written)?.[0].length ?? 0
  return {
    fix: { span: { file, start, end: meant.includes("[") ? end : start + dtype }, replacement: meant },
  }
}

export function checkArrayFields(env: Env, decl: DataDecl, source: DataSource & { kind: "array" }): void {
  const known = source.columns.map((c) => c.column)
  for (const field of decl.fields) {
    let head = field.value
    while (head.kind === "pipe") head = head.value
    for (const arg of head.kind === "call" ? head.args : []) {
      if (arg.value.kind !== "string" || known.includes(arg.value.value)) continue
      complain(env, {
        code: "data-columns",
        message: `there is no column "${arg.value.value}" in this array`,
        span: arg.value.span,
        label: "not a column",
        ...(meantName(arg.value.value, arg.value.span, known) ?? {
          help: `columns are ${known.map((k) => `"${k}"`).join(", ")}`,
        }),
      })
    }
  }
}
