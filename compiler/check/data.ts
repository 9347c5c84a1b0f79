/** check: `data` declarations: where rows come from, the fields of a row, how rows are held back.
 *  The names csv, idx, npy, array, column, columns and those of the stages mean something only here.
 *  Not here:   reading files: whether the columns exist is seen when the data is loaded. */
import type { Arg, CallExpr, DataDecl, Expr, FieldDecl, Name, SplitDecl } from "../ir/ast/types.js"
import type { ColumnSelection, DataSet, DataSource, Field, FieldStage } from "../ir/model/types.js"
import { printType, type TensorType } from "../ir/tensor.js"
import type { Span } from "../source/source.js"
import { resolveType } from "./args.js"
import { arraySource } from "./data-array.js"
import { charactersOf, checkTextSplit, textSource, windowOf, type Window } from "./data-text.js"
import { originAt, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { complain, didYouMean } from "./report.js"
import { placeOf } from "./resolve.js"
import * as v from "./values.js"

export function checkData(env: Env, decl: DataDecl): DataSet | undefined {
  const kind = kindOf(decl.source)
  const fields = decl.fields.map((f) => fieldOf(env, f, kind))
  const window = windowOf(fields)
  const source = sourceOf(env, decl.source, window)
  const test = decl.test && sourceOf(env, decl.test, window)
  const split = decl.split ? splitOf(env, decl.split) : null
  twice(env, decl.fields)
  for (const { name } of decl.fields) hiding(env, name)
  if (decl.fields.length === 0)
    complain(env, {
      code: "data-no-fields",
      message: `the data \`${decl.name.text}\` has no fields`,
      span: decl.name.span,
      label: "nothing is read from it",
      help: 'declare what a row holds: `x: f32[3] = columns("a", "b", "c")`',
    })
  if (decl.split && decl.test)
    complain(env, {
      code: "data-split",
      message: "rows are held back twice: by `split` and by `test`",
      span: decl.split.span,
      label: "this splits the rows",
      related: [{ span: decl.test.span, text: "this gives test rows of their own" }],
      help: "keep one of them",
    })
  if (source?.kind === "text" && decl.split) checkTextSplit(env, decl.split)
  if (source && test && sameFiles(source, test))
    complain(env, {
      severity: "warning",
      code: "test-is-train",
      message: "the test rows are the training rows: both come from the same file",
      span: decl.test!.span,
      label: "the same source",
      related: [{ span: decl.source.span, text: "rows for training" }],
      help: "hold rows back: `split train: 0.8, test: 0.2, seed: 1` in place of `test`",
    })
  if (!source || split === undefined || (decl.test && !test)) return undefined
  if (source.kind === "array") checkArrayFields(env, decl, source)
  return {
    name: decl.name.text,
    source,
    fields: fields.filter((f) => f !== undefined),
    split,
    test: test ?? null,
    origin: originAt(env, decl.span),
  }
}

const sameFiles = (a: DataSource, b: DataSource): boolean => JSON.stringify(a) === JSON.stringify(b)

function twice(env: Env, fields: readonly FieldDecl[]): void {
  const seen = new Map<string, Span>()
  for (const { name } of fields) {
    const before = seen.get(name.text)
    if (before)
      complain(env, {
        code: "name-twice",
        message: `the field \`${name.text}\` is declared twice`,
        span: name.span,
        label: "again here",
        related: [{ span: before, text: "first here" }],
      })
    seen.set(name.text, name.span)
  }
}

/** Fields become names in `train on`. */
function hiding(env: Env, name: Name): void {
  const global = env.module.names.get(name.text)
  if (!global) return
  const place = placeOf(global)
  complain(env, {
    code: "name-shadowed",
    message: `\`${name.text}\` is ${global.library ? "a name of the standard library" : "already declared in this file"}`,
    span: name.span,
    label: "as a field, this would hide it",
    related: [place && { span: place, text: "the other one" }],
    help: `call the field otherwise: \`${name.text}_\`, and keep \`column("${name.text}")\``,
  })
}

const SOURCES = ["csv", "tsv", "idx", "npy", "array", "text"]

const kindOf = (source: Expr): string | undefined =>
  source.kind === "call" && source.callee.kind === "name" ? source.callee.name : undefined

/** `window`: what the fields take of a text. */
function sourceOf(env: Env, expr: Expr, window: Window): DataSource | undefined {
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
        'sources are `csv("...")`, `idx(...)`, `npy(...)`, `array(...)` and `text("...")`',
    })
    return undefined
  }
  if (name === "csv" || name === "tsv") return csvSource(env, call, name === "tsv" ? "\t" : ",")
  if (name === "array") return arraySource(env, call)
  if (name === "text") return textSource(env, call, window)
  return filesSource(env, call, name === "idx" ? "idx" : "npy")
}

function csvSource(env: Env, call: CallExpr, otherwise: string): DataSource | undefined {
  const path = call.args.find((a) => !a.name || a.name.text === "path")
  const delimiter = call.args.find((a) => a.name?.text === "delimiter")
  const other = call.args.find((a) => a !== path && a !== delimiter)
  if (other) return badSource(env, other.span, '`csv` takes a path and `delimiter: ","`')
  if (!path) return badSource(env, call.span, "`csv` needs the path of a file")
  const text = textOf(env, path.value)
  const by = delimiter ? textOf(env, delimiter.value) : otherwise
  return text === undefined || by === undefined ? undefined : { kind: "csv", path: text, delimiter: by }
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

function splitOf(env: Env, split: SplitDecl): DataSet["split"] | undefined {
  const parts = { train: undefined as number | undefined, test: undefined as number | undefined, seed: 0 }
  const given = new Set<string>()
  for (const arg of split.args) {
    const name = arg.name?.text
    if (name !== "train" && name !== "test" && name !== "seed") {
      complain(env, {
        code: "data-split",
        message: `a split has \`train\`, \`test\` and \`seed\`, not \`${name ?? ""}\``,
        span: arg.span,
        label: "not a part of a split",
        help: name === undefined ? undefined : didYouMean(name, ["train", "test", "seed"]),
      })
      return undefined
    }
    if (given.has(name)) {
      complain(env, {
        code: "data-split",
        message: `\`${name}\` of a split is given twice`,
        span: arg.span,
        label: "the second time",
      })
      return undefined
    }
    given.add(name)
    const value = numberOf(env, arg.value, `\`${name}\` of a split`)
    if (value === undefined) return undefined
    parts[name] = value
  }
  const train = parts.train ?? 1 - (parts.test ?? 0)
  const test = parts.test ?? 1 - train
  if (train > 0 && test >= 0 && train + test <= 1 + 1e-9) return { train, test, seed: parts.seed }
  complain(env, {
    code: "data-split",
    message: `${train} for training and ${test} for testing do not share out the rows`,
    span: split.span,
    label: `together ${train + test}`,
    help: "the parts are fractions of all rows: `split train: 0.8, test: 0.2, seed: 1`",
  })
  return undefined
}

/** `source`: the name of the source, as it was written. */
function fieldOf(env: Env, decl: FieldDecl, source: string | undefined): Field | undefined {
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
  if (!type || !columns || !stages.every((s) => s !== undefined)) return undefined
  checkFieldType(env, decl, type, columns, stages)
  return { name: decl.name.text, type, columns, stages, origin: originAt(env, decl.span) }
}

function columnsOf(env: Env, expr: Expr): ColumnSelection | undefined {
  const callee = expr.kind === "call" ? expr.callee : expr
  const args: readonly Arg[] = expr.kind === "call" ? expr.args : []
  const name = callee.kind === "name" ? callee.name : undefined
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
  const except = args.find((a) => a.name?.text === "except")
  const listed = args.filter((a) => a !== except)
  const names = (some: readonly Arg[]): string[] | undefined => namesOf(env, some)
  if (except) {
    const out = names([except])
    return out && { kind: "except", names: out }
  }
  if (listed.length === 0) return { kind: "all" }
  const only = names(listed)
  return only && { kind: "only", names: only }
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

const STAGES = ["standardize", "minmax", "scale", "one_hot", "classes", "vocabulary"]

function stageOf(env: Env, expr: Expr): FieldStage | undefined {
  const callee = expr.kind === "call" ? expr.callee : expr
  const args: readonly Arg[] = expr.kind === "call" ? expr.args : []
  const name = callee.kind === "name" ? callee.name : ""
  const number = (): number | undefined => {
    const [arg, more] = args
    if (arg && !more) return numberOf(env, arg.value, `the argument of \`${name}\``)
    complain(env, {
      code: "data-stage",
      message: `\`${name}\` takes one number`,
      span: expr.span,
      label: `${args.length} given`,
    })
    return undefined
  }
  const count = (): number | undefined => {
    const n = number()
    if (n === undefined || (Number.isInteger(n) && n >= 1)) return n
    complain(env, {
      code: "data-stage",
      message: `\`${name}\` takes a number of ${name === "vocabulary" ? "characters" : "classes"}, not ${n}`,
      span: expr.span,
      label: `${n}`,
    })
    return undefined
  }
  if ((name === "standardize" || name === "minmax") && args.length === 0) return { kind: name }
  if (name === "scale") {
    const by = number()
    return by === undefined ? undefined : { kind: "scale", by }
  }
  if (name === "one_hot") {
    const classes = count()
    return classes === undefined ? undefined : { kind: "one_hot", classes }
  }
  if (name === "classes") {
    const classes = count()
    return classes === undefined ? undefined : { kind: "classes", count: classes }
  }
  if (name === "vocabulary") {
    const size = count()
    return size === undefined ? undefined : { kind: "vocabulary", size }
  }
  complain(env, {
    code: "data-stage",
    message: STAGES.includes(name)
      ? `\`${name}\` takes no arguments`
      : `there is no stage \`${name}\` for a field`,
    span: expr.span,
    label: "not a stage",
    help: didYouMean(name, STAGES) ?? `stages are ${STAGES.map((s) => `\`${s}\``).join(", ")}`,
  })
  return undefined
}

function checkFieldType(
  env: Env,
  decl: FieldDecl,
  type: TensorType,
  columns: ColumnSelection,
  stages: readonly FieldStage[],
): void {
  const wrong = (message: string, label: string, help?: string): void => {
    complain(env, {
      code: "field-type",
      message,
      span: decl.type.span,
      label,
      related: [{ span: decl.value.span, text: "because of this" }],
      help,
    })
  }
  const symbolic = type.shape.some((d) => typeof d !== "number")
  if (symbolic)
    return wrong("a row has a fixed shape", "known only at run time", "the batch axis is not written here")
  const last = type.shape.at(-1)
  const encoded = stages.some((s) => s.kind === "one_hot")
  for (const stage of stages) {
    if (stage.kind === "classes" && type.dtype !== "i32")
      return wrong(
        `classes are i32 numbers, and \`${decl.name.text}\` is ${printType(type)}`,
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
    wrong(
      `${columns.names.length} columns are taken, and \`${decl.name.text}\` is ${printType(type)}`,
      printType(type),
      `write \`${type.dtype}[${columns.names.length}]\``,
    )
}

function checkArrayFields(env: Env, decl: DataDecl, source: DataSource & { kind: "array" }): void {
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
        help: didYouMean(arg.value.value, known) ?? `columns are ${known.map((k) => `"${k}"`).join(", ")}`,
      })
    }
  }
}
