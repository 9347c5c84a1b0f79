/** check: `data` declarations: where rows come from, the fields of a row, how rows are held back.
 *  The names csv, idx, array, column, columns, standardize and the like mean something only here.
 *  Not here:   sources (`sources/`), fields (`fields.ts`) and their stages (`stages/`); reading files: whether the columns exist is seen
 *              when the data is loaded. */
import type { DataDecl, FieldDecl, Name, SplitDecl } from "../../ir/ast/types.js"
import type { DataSet, DataSource } from "../../ir/model/types.js"
import type { Span } from "../../source/source.js"
import { originAt, type Env } from "../env.js"
import { complain, didYouMean } from "../report.js"
import { placeOf } from "../resolve.js"
import { numberOf } from "./args.js"
import { checkArrayFields, fieldOf } from "./fields.js"
import { warnOfFields } from "./lints.js"
import { ruleOf, sourceOf } from "./sources/index.js"

export function checkData(env: Env, decl: DataDecl): DataSet | undefined {
  const rule = ruleOf(decl.source)
  const fields = decl.fields.map((f) => fieldOf(env, f, rule))
  const source = sourceOf(env, decl.source, fields)
  const test = decl.test && sourceOf(env, decl.test, fields)
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
  if (source && decl.split) rule?.checkSplit?.(env, decl.split)
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
  if (!env.cx.diagnostics.hasErrors) warnOfFields(env, decl, fields)
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
    if (name === "seed" && !(Number.isInteger(value) && value >= 0 && value < 2 ** 32)) {
      complain(env, {
        code: "data-split",
        message: `a seed is a whole number from 0 to ${2 ** 32 - 1}, not ${value}`,
        span: arg.span,
        label: "this seed",
      })
      return undefined
    }
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
