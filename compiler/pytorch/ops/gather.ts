/** pytorch/ops: reads and sums at indices that are found in data. Indices beyond an axis are clamped to it, as the language says. */
import type { OpName } from "../../ir/op-name.js"
import { isStatic } from "../../ir/tensor.js"
import { dimAttr, intAttr } from "../../ops/attrs.js"
import { call } from "../python.js"
import { made, type Spelling } from "./spelling.js"

const along =
  (name: string): Spelling =>
  ({ args: [x, index], attrs, type, w }) => {
    const axis = intAttr(attrs, "axis")
    // Which rows are read, those of other processes may be among.
    if (!isStatic(x!.shape[axis]!)) w.acrossRows()
    return made(call(`ops.${name}`, w.whole(x!), w.whole(index!), `dim=${axis}`), type)
  }
const put =
  (name: string): Spelling =>
  ({ args: [dy, index], attrs, type, w }) => {
    const axis = intAttr(attrs, "axis")
    const size = dimAttr(attrs, "size")
    if (!isStatic(size)) w.acrossRows()
    const code = call(
      `ops.${name}`,
      w.whole(dy!),
      w.whole(index!),
      `dim=${axis}`,
      `size=${w.size(size).text}`,
    )
    // The parts of the rows of other processes are added.
    const isShared = name === "put_add" ? index!.shape.some((d) => !isStatic(d)) : !isStatic(dy!.shape[axis]!)
    return made(isShared ? call("parallel.total", code) : code, type)
  }

export const GATHERS = {
  below: ({ args: [index] }) => index!,
  take: along("take"),
  take_along: along("take_along"),
  put_add: put("put_add"),
  put_along: put("put_along"),
} satisfies Partial<Record<OpName, Spelling>>
