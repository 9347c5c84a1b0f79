/** check: windows over time: `columns("units", "price") |> window`, and `windows stride: 7, order: "day", group: "store"`.
 *  The first size of a field's type is the number of rows that it takes; the window of a data set spans the rows of all its fields.
 *  Not here:   forming windows from the rows of a file (the runtime's `windows.ts`). */
import type { Arg, DataDecl, Expr, SplitDecl } from "../../ir/ast/types.js"
import type { Field, Windows } from "../../ir/model/types.js"
import type { TensorType } from "../../ir/tensor.js"
import type { Span } from "../../source/source.js"
import type { Env } from "../env.js"
import { complain, didYouMean } from "../report.js"
import { bindData, callOf, numberOf } from "./args.js"
import { textOf } from "./sources/source.js"

export const isWindow = (stage: Expr | undefined): boolean =>
  stage !== undefined && callOf(stage).name === "window"

/** The steps that `window`, the first stage of a field, takes. Undefined after a diagnostic. */
export function windowAt(env: Env, stage: Expr, type: TensorType | undefined): Field["window"] {
  const accepted = { names: [], named: ["shift"], written: "window(shift: 28)", code: "data-stage" } as const
  const bound = bindData(env, callOf(stage), accepted)
  const arg = bound?.get("shift")
  const shift = arg ? numberOf(env, arg.value, "`shift`") : 0
  if (!bound || shift === undefined || !type) return undefined
  if (!Number.isInteger(shift) || shift < 0)
    return wrong(env, arg?.span ?? stage.span, `a shift is a number of rows forward, not ${shift}`, {
      label: `${shift}`,
      help: "give the other field the shift instead",
    })
  const [length = 1] = type.shape
  // A size known only at run time is refused with the type of the field.
  return { from: shift, to: shift + (typeof length === "number" ? length : 1) }
}

/** The type of one row of a window. */
export const typeOfStep = ({ dtype, shape }: TensorType): TensorType => ({ dtype, shape: shape.slice(1) })

const WORDS = ["stride", "order", "group"] as const

/** null: rows are no windows. Undefined after a diagnostic. */
export function windowsOf(
  env: Env,
  decl: DataDecl,
  fields: readonly (Field | undefined)[],
): Windows | null | undefined {
  const taken = fields.filter((field) => field?.window)
  if (taken.length === 0) {
    if (!decl.windows || fields.includes(undefined)) return null
    return wrong(env, decl.windows.span, "no field takes a window", {
      label: "windows of nothing",
      help: 'write `x: f32[28] = column("x") |> window`',
    })
  }
  const other = fields.findIndex((field) => field && !field.window)
  if (other >= 0)
    return wrong(env, decl.fields[other]!.span, "some fields take windows, and this one does not", {
      label: "of which row of the window?",
      help: `\`|> window\` takes the first row, \`|> window(shift: ${longest(taken) - 1})\` the last`,
    })
  if (decl.split && !checkSplit(env, decl.split)) return undefined
  const given = wordsOf(env, decl.windows)
  if (!given) return undefined
  const stride = given.get("stride")
  const apart = stride ? numberOf(env, stride.value, "`stride`") : 1
  const [order, group] = (["order", "group"] as const).map((word) => {
    const arg = given.get(word)
    return arg ? textOf(env, arg.value) : null
  })
  if (apart === undefined || order === undefined || group === undefined) return undefined
  if (!Number.isInteger(apart) || apart < 1)
    return wrong(env, stride?.span ?? decl.span, `a stride is a number of rows, at least 1, not ${apart}`, {
      label: "this stride",
    })
  return { length: longest(taken), stride: apart, order, group }
}

const longest = (fields: readonly (Field | undefined)[]): number =>
  Math.max(...fields.map((field) => field?.window?.to ?? 0))

function wordsOf(env: Env, windows: SplitDecl | undefined): ReadonlyMap<string, Arg> | undefined {
  const given = new Map<string, Arg>()
  for (const arg of windows?.args ?? []) {
    const name = arg.name?.text ?? ""
    if (!WORDS.some((word) => word === name))
      return wrong(env, arg.span, `windows have \`stride\`, \`order\` and \`group\`, not \`${name}\``, {
        label: "not said of windows",
        help: didYouMean(name, WORDS),
      })
    if (given.has(name))
      return wrong(env, arg.span, `\`${name}\` is given twice`, { label: "the second time" })
    given.set(name, arg)
  }
  return given
}

/** Windows stay in order of time, so there is nothing for a seed or classes to do. */
function checkSplit(env: Env, split: SplitDecl): boolean {
  const arg = split.args.find(({ name }) => ["seed", "stratify", "group"].includes(name?.text ?? ""))
  if (!arg) return true
  wrong(env, arg.span, "windows are split in order of time: the last ones are held back", {
    label: "has no effect",
    help: arg.name?.text === "group" ? '`windows group: "..."` tells series apart' : "leave it out",
  })
  return false
}

function wrong(
  env: Env,
  span: Span,
  message: string,
  about: { readonly label: string; readonly help?: string | undefined },
): undefined {
  complain(env, { code: "data-windows", message, span, ...about })
  return undefined
}
