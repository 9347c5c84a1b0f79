/** check: `data` declarations: where rows come from, the fields of a row, how rows are held back.
 *  The names csv, idx, array, column, columns, standardize and the like mean something only here.
 *  Not here:   sources (`sources/`), fields (`fields.ts`) and their stages (`stages/`), splits (`split.ts`); reading files: whether the columns exist is seen
 *              when the data is loaded. */
import type { DataDecl, FieldDecl, Name } from "../../ir/ast/types.js"
import type { DataSet, DataSource } from "../../ir/model/types.js"
import type { Span } from "../../source/source.js"
import { originAt, type Env } from "../env.js"
import { complain } from "../report.js"
import { isBuiltin, placeOf } from "../resolve.js"
import { checkArrayFields, fieldOf } from "./fields.js"
import { warnOfFields } from "./lints.js"
import { ruleOf, sourceOf } from "./sources/index.js"
import { splitOf } from "./split.js"
import { whereOf } from "./where.js"
import { windowsOf } from "./windows.js"

/** Stands for a source with a mistake: sections are checked by the fields, and no Model comes of it. */
const REFUSED: DataSource = { kind: "array", columns: [] }

export function checkData(env: Env, decl: DataDecl): DataSet {
  const rule = ruleOf(decl.source)
  const fields = decl.fields.map((f) => fieldOf(env, f, rule))
  const partly = env.cx.unread.has(decl)
  const taken = [
    ...fields.map((field, i) => field && { field, type: decl.fields[i]!.type.span }),
    ...(partly ? [undefined] : []),
  ]
  const source = sourceOf(env, decl.source, taken)
  const val = decl.val && sourceOf(env, decl.val, taken)
  const test = decl.test && sourceOf(env, decl.test, taken)
  const split = splitOf(env, decl)
  if (partly || split === undefined || (decl.val && !val) || (decl.test && !test))
    env.cx.splitUnknown.add(decl.name.text)
  const windows = windowsOf(env, decl, fields)
  const where = whereOf(env, decl)
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
  if (source && decl.split) rule?.checkSplit?.(env, decl.split)
  for (const [part, its] of Object.entries({ val, test }) as ["val" | "test", DataSource | undefined][])
    if (source && its && sameFiles(source, its))
      complain(env, {
        severity: "warning",
        code: "test-is-train",
        message: `the ${part === "val" ? "validation" : "test"} rows are the training rows: both come from the same file`,
        span: decl[part]!.span,
        label: "the same source",
        related: [{ span: decl.source.span, text: "rows for training" }],
        help: `hold rows back: \`split train: 0.8, ${part}: 0.2, seed: 1\` in place of \`${part}\``,
      })
  if (!env.cx.diagnostics.hasErrors) warnOfFields(env, decl, fields)
  if (source?.kind === "array") checkArrayFields(env, decl, source)
  return {
    name: decl.name.text,
    source: source ?? REFUSED,
    fields: fields.filter((f) => f !== undefined),
    split: split ?? null,
    windows: windows ?? null,
    where: where ?? null,
    val: val ?? null,
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

/** Fields become names in `train on`, which may hide those of the library. */
function hiding(env: Env, name: Name): void {
  const global = env.module.names.get(name.text)
  if (!global || (global.library && !isBuiltin(global))) return
  const place = placeOf(global)
  complain(env, {
    code: "name-shadowed",
    message: `\`${name.text}\` is ${global.library ? "built in" : "already declared in this file"}`,
    span: name.span,
    label: "as a field, this would hide it",
    related: [place && { span: place, text: "the other one" }],
    help: `call the field otherwise, \`${name.text}_\` for instance; its column keeps its name`,
  })
}
