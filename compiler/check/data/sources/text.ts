/** check: `text("corpus.txt")`: rows are windows of characters. A field is as wide as its type says; the window of the source
 *  holds all of them, and windows do not overlap unless `stride` says so. */
import type { CallExpr, Expr, SplitDecl } from "../../../ir/ast/types.js"
import type { DataSource } from "../../../ir/model/types.js"
import type { TensorType } from "../../../ir/tensor.js"
import { bindData, callOf, numberOf } from "../args.js"
import { badSource, pathOf, type FieldStart, type SourceRule, type Taken } from "./source.js"
import type { Env } from "../../env.js"
import { complain, didYouMean } from "../../report.js"

export const text: SourceRule = {
  written: 'text("...")',
  check: (env, call, fields) => textSource(env, call, windowOf(fields)),
  start: charactersOf,
  checkSplit: checkTextSplit,
}

/** The characters that the fields take of a text: from the first to the last, and the number of the widest field. */
interface Window {
  readonly length: number
  readonly widest: number
}

function textSource(env: Env, call: CallExpr, window: Window): DataSource | undefined {
  const bound = bindData(env, callOf(call), {
    names: ["path"],
    named: ["stride"],
    written: 'text("corpus.txt", stride: 32)',
    code: "data-source",
  })
  const path = bound && pathOf(env, call, bound)
  const given = bound?.get("stride")
  const stride = given ? numberOf(env, given.value, "`stride` of a text") : window.widest
  if (path === undefined || stride === undefined) return undefined
  if (given && !(Number.isInteger(stride) && stride >= 1))
    return badSource(env, given.span, `a stride is a number of characters, at least 1, not ${stride}`)
  return { kind: "text", path, window: window.length, stride }
}

function windowOf(fields: readonly (Taken | undefined)[]): Window {
  const slices = fields.flatMap((each) => each?.field.stages ?? []).filter((s) => s.kind === "slice")
  return {
    length: Math.max(1, ...slices.map((s) => s.to)),
    widest: Math.max(1, ...slices.map((s) => s.to - s.from)),
  }
}

/** `characters`, `characters(shift: 1)`: the column, and which part of it. */
function charactersOf(env: Env, expr: Expr, type: TensorType | undefined): FieldStart | undefined {
  const call = callOf(expr)
  const { name } = call
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
  const bound = bindData(env, call, {
    names: [],
    named: ["shift"],
    written: "characters(shift: 1)",
    code: "data-columns",
  })
  if (!bound) return undefined
  const arg = bound.get("shift")
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
    stages: [{ kind: "slice", from: shift, to: shift + (typeof width === "number" ? width : 1) }],
  }
}

/** Windows of a text stay in order, so there is nothing for a seed or a column to do. */
function checkTextSplit(env: Env, split: SplitDecl): void {
  const arg = split.args.find(({ name }) => ["seed", "stratify", "group"].includes(name?.text ?? ""))
  if (!arg) return
  complain(env, {
    code: "data-split",
    message: "a text is split in order: its last part is held back",
    span: arg.span,
    label: arg.name?.text === "seed" ? "a seed has no effect" : "a text has no such column",
    help: "leave it out",
  })
}
