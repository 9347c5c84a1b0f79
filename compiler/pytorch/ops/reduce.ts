/** pytorch/ops: sums and extremes over axes, and operations that depend on the order along an axis.
 *  A sum over the rows of a batch is taken over the rows of all processes (`parallel.sum`). */
import type { OpName } from "../../ir/op-name.js"
import { isStatic } from "../../ir/tensor.js"
import { boolAttr, intAttr, intsAttr } from "../../ops/attrs.js"
import { call, type Code, method, tuple } from "../python.js"
import { wrapping } from "./pointwise.js"
import { made, type Spelling, type Term, type Use } from "./spelling.js"

export const overRows = (x: Term, axes: readonly number[]): boolean =>
  axes.some((a) => !isStatic(x.shape[a]!))

/** `dim=1, keepdim=True`; nothing where all axes go. */
export function dims(x: Term, axes: readonly number[], keepdim: boolean): readonly string[] {
  const all = axes.length === x.shape.length
  if (all && !keepdim) return []
  const which = axes.length === 1 ? String(axes[0]) : tuple(axes.map(String))
  return [`dim=${which}`, ...(keepdim ? ["keepdim=True"] : [])]
}

const reduction =
  (name: string, acrossProcesses: "sum" | "refused"): Spelling =>
  ({ args: [x], attrs, type, w }) => {
    const axes = intsAttr(attrs, "axes")
    if (axes.length === 0) return x!
    const how = dims(x!, axes, boolAttr(attrs, "keepdim"))
    const whole = w.whole(x!)
    const keeps = x!.dtype === "i32" ? ["dtype=torch.int32"] : []
    if (overRows(x!, axes)) {
      if (acrossProcesses === "sum") return made(call("parallel.sum", whole, ...how, ...keeps), type)
      w.acrossRows()
    }
    const code = method(whole, name, ...how, ...(name === "sum" ? keeps : []))
    return made(type.dtype === "u32" && name === "sum" ? wrapping(code) : code, type)
  }

/** Over several axes, one after another. */
const product: Spelling = ({ args: [x], attrs, type, w }) => {
  const axes = intsAttr(attrs, "axes")
  if (overRows(x!, axes)) w.acrossRows()
  const keepdim = boolAttr(attrs, "keepdim")
  const code = [...axes]
    .sort((a, b) => b - a)
    .reduce<Code>(
      (of, a) => method(of, "prod", `dim=${a}`, ...(keepdim ? ["keepdim=True"] : [])),
      w.whole(x!),
    )
  return made(x!.dtype === "i32" ? method(code, "int") : x!.dtype === "u32" ? wrapping(code) : code, type)
}

const place =
  (name: string): Spelling =>
  ({ args: [x], attrs, type, w }) => {
    const axis = intAttr(attrs, "axis")
    if (overRows(x!, [axis])) w.acrossRows()
    const found = call(
      `ops.${name}`,
      w.whole(x!),
      `dim=${axis}`,
      ...(boolAttr(attrs, "keepdim") ? ["keepdim=True"] : []),
    )
    return made(found, type)
  }

const walk =
  (name: string) =>
  ({ args, attrs, type, w }: Use): Term => {
    const axis = intAttr(attrs, "axis")
    if (overRows(args.at(-1)!, [axis])) w.acrossRows()
    const flags = ["reverse", "exclusive"]
      .filter((flag) => attrs[flag] === true)
      .map((flag) => `${flag}=True`)
    return made(call(`ops.${name}`, ...args.map((a) => w.whole(a)), `dim=${axis}`, ...flags), type)
  }

export const REDUCTIONS = {
  sum: reduction("sum", "sum"),
  prod: product,
  max: reduction("amax", "refused"),
  min: reduction("amin", "refused"),
  argmax: place("argmax"),
  argmin: place("argmin"),
  rank: ({ args: [x], attrs, type, w }) => {
    const axis = intAttr(attrs, "axis")
    if (overRows(x!, [axis])) w.acrossRows()
    const how = boolAttr(attrs, "descending") ? ["descending=True"] : []
    return made(call("ops.rank", w.whole(x!), `dim=${axis}`, ...how), type)
  },
  unrank: walk("unrank"),
  cumsum: walk("cumsum"),
  cumprod: walk("cumprod"),
  recurrence: walk("recurrence"),
} satisfies Partial<Record<OpName, Spelling>>
