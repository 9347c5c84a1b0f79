/** check: `text("corpus.txt")`: rows are windows of characters. A field is as wide as its type says; the window of the source
 *  holds all of them, and windows do not overlap unless `stride` says so. */
import type { CallExpr, Expr, SplitDecl } from "../ir/ast/types.js"
import type { ColumnSelection, DataSource, Field, FieldStage } from "../ir/model/types.js"
import type { TensorType } from "../ir/tensor.js"
import { badSource, numberOf, textOf } from "./data-source.js"
import type { Env } from "./env.js"
import { complain, didYouMean } from "./report.js"

/** What the fields take of a text: characters from the first to the last, and those of the widest field. */
export interface Window {
  readonly length: number
  readonly widest: number
}

export function textSource(env: Env, call: CallExpr, window: Window): DataSource | undefined {
  const path = call.args.find((a) => !a.name || a.name.text === "path")
  const strideArg = call.args.find((a) => a.name?.text === "stride")
  const other = call.args.find((a) => a !== path && a !== strideArg)
  if (other) return badSource(env, other.span, "`text` takes a path and `stride: 32`")
  if (!path) return badSource(env, call.span, "`text` needs the path of a file")
  const file = textOf(env, path.value)
  const stride = strideArg ? numberOf(env, strideArg.value, "`stride` of a text") : window.widest
  if (file === undefined || stride === undefined) return undefined
  if (strideArg && !(Number.isInteger(stride) && stride >= 1))
    return badSource(env, strideArg.span, `a stride is a number of characters, at least 1, not ${stride}`)
  return { kind: "text", path: file, window: window.length, stride }
}

export function windowOf(fields: readonly (Field | undefined)[]): Window {
  const slices = fields.flatMap((f) => f?.stages ?? []).filter((s) => s.kind === "slice")
  return {
    length: Math.max(1, ...slices.map((s) => s.to)),
    widest: Math.max(1, ...slices.map((s) => s.to - s.from)),
  }
}

/** `characters`, `characters(shift: 1)`: the column, and which part of it. */
export function charactersOf(
  env: Env,
  expr: Expr,
  type: TensorType | undefined,
): { readonly columns: ColumnSelection; readonly slice: FieldStage } | undefined {
  const callee = expr.kind === "call" ? expr.callee : expr
  const args = expr.kind === "call" ? expr.args : []
  const name = callee.kind === "name" ? callee.name : undefined
  if (name !== "characters") {
    complain(env, {
      code: "data-columns",
      message: "a field of a text starts with the characters it takes",
      span: expr.span,
      label: "not `characters`",
      help:
        (name !== undefined && didYouMean(name, ["characters"])) ||
        "write `characters`, or `characters(shift: 1)` for the ones that follow",
    })
    return undefined
  }
  const [arg, more] = args
  const wrong = more ?? (arg && arg.name?.text !== "shift" ? arg : undefined)
  if (wrong) {
    complain(env, {
      code: "data-columns",
      message:
        "`characters` takes `shift: 1` and nothing else: the type of the field says how many there are",
      span: wrong.span,
      label: "not a shift",
    })
    return undefined
  }
  const shift = arg ? numberOf(env, arg.value, "`shift`") : 0
  if (shift === undefined || !type) return undefined
  if (!Number.isInteger(shift) || shift < 0) {
    complain(env, {
      code: "data-columns",
      message: `a shift is a number of characters forward, not ${shift}`,
      span: arg?.span ?? expr.span,
      label: `${shift}`,
      help: "give the other field the shift instead",
    })
    return undefined
  }
  const [width = 1] = type.shape
  return {
    columns: { kind: "only", names: ["characters"] },
    // A size known only at run time is refused with the type of the field.
    slice: { kind: "slice", from: shift, to: shift + (typeof width === "number" ? width : 1) },
  }
}

/** Windows of a text stay in order, so there is nothing for a seed to do. */
export function checkTextSplit(env: Env, split: SplitDecl): void {
  const seed = split.args.find((a) => a.name?.text === "seed")
  if (!seed) return
  complain(env, {
    code: "data-split",
    message: "a text is split in order: its last part is held back",
    span: seed.span,
    label: "a seed has no effect",
    help: "leave it out",
  })
}
