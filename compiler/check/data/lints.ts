/** check: fields of a row that are each right, and together probably not meant. Warnings. */
import type { DataDecl, FieldDecl } from "../../ir/ast/types.js"
import type { ColumnSelection, Field } from "../../ir/model/types.js"
import { printType } from "../../ir/tensor.js"
import { spanText } from "../../source/source.js"
import type { Env } from "../env.js"
import { complain } from "../report.js"

interface Declared {
  readonly decl: FieldDecl
  readonly field: Field
}

export function warnOfFields(
  env: Env,
  { fields }: DataDecl,
  understood: readonly (Field | undefined)[],
): void {
  const declared = fields.flatMap((decl, i): Declared[] => {
    const field = understood[i]
    return field ? [{ decl, field }] : []
  })
  for (const each of declared) warnOfPreparedTwice(env, each)
  for (const [i, later] of declared.entries()) {
    const same = declared.slice(0, i).find(({ field }) => isSame(field, later.field))
    if (same) warnOfSame(env, same, later)
    const taken = soleColumn(later.field.columns)
    if (taken === undefined) continue
    for (const other of declared)
      if (takesAmongOthers(other.field.columns, taken) && meet(other.field, later.field))
        warnOfTaken(env, other, later, taken)
  }
}

/** Each of them brings every column to one range, whatever it had before. */
const RANGES = new Set(["standardize", "minmax"])

function warnOfPreparedTwice(env: Env, { decl, field }: Declared): void {
  const kinds = field.stages.map(({ kind }) => kind).filter((kind) => RANGES.has(kind))
  if (kinds.length < 2) return
  complain(env, {
    severity: "warning",
    code: "prepared-twice",
    message: `\`${decl.name.text}\` is brought to a range twice: by \`${kinds[0]}\`, and by \`${kinds[1]}\` after it`,
    span: decl.value.span,
    label: `only \`${kinds.at(-1)}\` counts`,
    help: "keep one of them",
  })
}

/** Targets are one column, inputs many. */
const soleColumn = (columns: ColumnSelection): string | undefined =>
  columns.kind === "only" && columns.names.length === 1 ? columns.names[0] : undefined

function takesAmongOthers(columns: ColumnSelection, name: string): boolean {
  if (columns.kind === "all") return true
  if (columns.kind === "except") return !columns.names.includes(name)
  return columns.names.length > 1 && columns.names.includes(name)
}

function warnOfTaken(
  env: Env,
  { decl, field }: Declared,
  { decl: target, field: after }: Declared,
  column: string,
): void {
  const [before, later] = [field.window, after.window]
  if (before && later) {
    const at = /window\(\s*shift:\s*(\d+)/.exec(spanText(target.value.span))
    const start = target.value.span.start + (at?.index ?? 0)
    complain(env, {
      severity: "warning",
      code: "target-among-features",
      message: `\`${target.name.text}\` begins at row ${later.from} of a window, and \`${decl.name.text}\`, which takes "${column}" too, reaches to row ${before.to - 1}`,
      span: target.value.span,
      label: `${Math.min(before.to, later.to) - later.from} of its ${later.to - later.from} rows are read as inputs`,
      related: [{ span: decl.value.span, text: `rows ${before.from} to ${before.to - 1}` }],
      help: `what comes after begins at \`window(shift: ${before.to})\``,
      ...(at && {
        fix: {
          span: {
            ...target.value.span,
            start: start + at[0].length - at[1]!.length,
            end: start + at[0].length,
          },
          replacement: String(before.to),
        },
      }),
    })
    return
  }
  complain(env, {
    severity: "warning",
    code: "target-among-features",
    message: `\`${decl.name.text}\` also takes the column "${column}", which is \`${target.name.text}\``,
    span: decl.value.span,
    label: `with "${column}" among its columns`,
    related: [{ span: target.value.span, text: "the same column" }],
    help: `leave it out: \`columns(except: "${column}")\`; a network that is given its target learns nothing else`,
  })
}

/** Whether they take the same rows: of windows, not those before and those after. */
const meet = ({ window: a }: Field, { window: b }: Field): boolean =>
  !a || !b || (a.from < b.to && b.from < a.to)

const isSame = (a: Field, b: Field): boolean =>
  printType(a.type) === printType(b.type) &&
  JSON.stringify([a.columns, a.window, a.stages]) === JSON.stringify([b.columns, b.window, b.stages])

function warnOfSame(env: Env, { decl: first }: Declared, { decl, field }: Declared): void {
  const text = field.stages.some((s) => s.kind === "vocabulary" || s.kind === "slice")
  complain(env, {
    severity: "warning",
    code: "fields-equal",
    message: `\`${decl.name.text}\` and \`${first.name.text}\` are the same values`,
    span: decl.value.span,
    label: "the same as above",
    related: [{ span: first.value.span, text: "the same columns and stages" }],
    help: text
      ? "a target that follows its input is `characters(shift: 1)`"
      : `use \`${first.name.text}\` in both places, or take another column`,
  })
}
