/** check: the fields of a data set: which columns a field takes and what they go through.
 *  Guarantees: a field with a mistake in its pipeline still has its type, and one whose type is the mistake has none, so that nothing
 *              is said twice. */
import type { Arg, DataDecl, Expr, FieldDecl } from "../ir/ast/types.js"
import type { ColumnSelection, DataSource, Field, FieldStage } from "../ir/model/types.js"
import { printType, type TensorType } from "../ir/tensor.js"
import type { Span } from "../source/source.js"
import { resolveType } from "./args.js"
import { bindData, callOf } from "./data-args.js"
import { numberOf } from "./data-source.js"
import { charactersOf } from "./data-text.js"
import { originAt, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { complain, didYouMean, meantName } from "./report.js"
import * as v from "./values.js"

/** `source`: the name of the source, as it was written. */
export function fieldOf(env: Env, decl: FieldDecl, source: string | undefined): Field | undefined {
  const type = resolveType(env, decl.type)
  const pipeline: Expr[] = []
  let head = decl.value
  while (head.kind === "pipe") {
    pipeline.unshift(head.target)
    head = head.value
  }
  const taken = source === "text" ? charactersOf(env, head, type) : columnsOf(env, head)
  const { columns, slice } = taken && "slice" in taken ? taken : { columns: taken, slice: undefined }
  const stages = [...(slice ? [slice] : []), ...pipeline.map((stage) => stageOf(env, stage))]
  if (!type) return undefined
  const field = { name: decl.name.text, type, origin: originAt(env, decl.span) }
  const understood = stages.filter((s) => s !== undefined)
  if (!columns || understood.length < stages.length)
    return { ...field, columns: columns ?? { kind: "all" }, stages: understood }
  return typeFits(env, decl, type, columns, understood)
    ? { ...field, columns, stages: understood }
    : undefined
}

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
    if (listed.length > 0)
      return refuse(env, listed[0]!.span, "`except` leaves columns out, and this name stands beside it", {
        label: "neither taken nor left out",
        help: 'several names are left out as a list: `columns(except: ["a", "b"])`',
      })
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
  about: { readonly label: string; readonly help: string },
): undefined {
  complain(env, { code: "data-columns", message, span, ...about })
  return undefined
}

function namesOf(env: Env, args: readonly Arg[]): string[] | undefined {
  const out: string[] = []
  for (const arg of args) {
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

interface NumberStage {
  /** What its argument is called, and what that counts; `scale` takes any number. */
  readonly argument: string
  readonly counts?: string
  readonly make: (n: number) => FieldStage
}
const WITH_NUMBER: Readonly<Record<string, NumberStage>> = {
  scale: { argument: "by", make: (by) => ({ kind: "scale", by }) },
  one_hot: { argument: "classes", counts: "classes", make: (classes) => ({ kind: "one_hot", classes }) },
  classes: { argument: "count", counts: "classes", make: (count) => ({ kind: "classes", count }) },
  categories: { argument: "count", counts: "categories", make: (count) => ({ kind: "categories", count }) },
  vocabulary: { argument: "size", counts: "characters", make: (size) => ({ kind: "vocabulary", size }) },
}
const STAGES = ["standardize", "minmax", ...Object.keys(WITH_NUMBER)]

function stageOf(env: Env, expr: Expr): FieldStage | undefined {
  const call = callOf(expr)
  const { name = "", args } = call
  const refused = (message: string, label: string, help?: string): undefined => {
    complain(env, { code: "data-stage", message, span: expr.span, label, help })
    return undefined
  }
  const taking = Object.hasOwn(WITH_NUMBER, name) ? WITH_NUMBER[name] : undefined
  if (taking) {
    const { argument, counts, make } = taking
    if (args.length !== 1) return refused(`\`${name}\` takes one number`, `${args.length} given`)
    const arg = bindData(env, call, {
      names: [argument],
      written: `${name}(2)`,
      code: "data-stage",
    })?.get(argument)
    const n = arg && numberOf(env, arg.value, `the argument of \`${name}\``)
    if (n === undefined) return undefined
    if (counts === undefined ? Number.isFinite(n) : Number.isInteger(n) && n >= 1) return make(n)
    return refused(`\`${name}\` takes a number${counts ? ` of ${counts}` : ""}, not ${n}`, `${n}`)
  }
  if (name !== "standardize" && name !== "minmax")
    return refused(
      `there is no stage \`${name}\` for a field`,
      "not a stage",
      name === "reshape"
        ? "the type of the field says the shape of a row: values are laid out in it row by row"
        : (didYouMean(name, STAGES) ?? `stages are ${STAGES.map((s) => `\`${s}\``).join(", ")}`),
    )
  return args.length === 0
    ? { kind: name }
    : refused(`\`${name}\` takes no arguments`, `${args.length} given`)
}

function typeFits(
  env: Env,
  decl: FieldDecl,
  type: TensorType,
  columns: ColumnSelection,
  stages: readonly FieldStage[],
): boolean {
  const wrong = (message: string, label: string, help?: string): false => {
    complain(env, {
      code: "field-type",
      message,
      span: decl.type.span,
      label,
      related: [{ span: decl.value.span, text: "because of this" }],
      help,
    })
    return false
  }
  const symbolic = type.shape.some((d) => typeof d !== "number")
  if (symbolic)
    return wrong("a row has a fixed shape", "known only at run time", "the batch axis is not written here")
  const last = type.shape.at(-1)
  const encoded = stages.some((s) => s.kind === "one_hot")
  for (const [i, stage] of stages.entries()) {
    if (stage.kind === "categories" && i > 0)
      return wrong("categories number what a column holds, so they come first", "not the first stage")
    if (
      (stage.kind === "classes" || stage.kind === "categories") &&
      type.dtype !== "i32" &&
      !(stage.kind === "categories" && encoded)
    )
      return wrong(
        `${stage.kind} are i32 numbers, and \`${decl.name.text}\` is ${printType(type)}`,
        printType(type),
        "write `i32`",
      )
    if (stage.kind === "slice" && type.shape.length > (encoded ? 2 : 1))
      return wrong("characters of a text stand in a row", printType(type), "use one axis, as in `i32[64]`")
    if (stage.kind === "vocabulary" && !stages.some((s) => s.kind === "slice"))
      return wrong("a vocabulary numbers the characters of a text", "not from a text")
    if (stage.kind === "vocabulary" && type.dtype !== "i32" && !encoded)
      return wrong(
        `characters are numbered with i32, and \`${decl.name.text}\` is ${printType(type)}`,
        printType(type),
        "write `i32`",
      )
    if (stage.kind === "one_hot" && last !== stage.classes)
      return wrong(
        `one_hot(${stage.classes}) gives ${stage.classes} numbers, and \`${decl.name.text}\` is ${printType(type)}`,
        printType(type),
        `write \`f32[${stage.classes}]\``,
      )
    if (
      (stage.kind === "standardize" || stage.kind === "minmax" || stage.kind === "scale") &&
      type.dtype !== "f32"
    )
      return wrong(
        `\`${stage.kind}\` gives f32, and \`${decl.name.text}\` is ${printType(type)}`,
        printType(type),
      )
  }
  if (columns.kind === "only" && columns.names.length > 1 && !encoded && last !== columns.names.length)
    return wrong(
      `${columns.names.length} columns are taken, and \`${decl.name.text}\` is ${printType(type)}`,
      printType(type),
      `write \`${type.dtype}[${columns.names.length}]\``,
    )
  return true
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
