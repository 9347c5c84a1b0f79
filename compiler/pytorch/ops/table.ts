/** pytorch/ops: the spelling in PyTorch of every operation of the registry, or why there is none. The type of the table has a key for each, so that none is forgotten.
 *  `frame.ts` writes the operations that are statements: loops, and operations whose text depends on where they stand in the program. */
import type { OpName } from "../../ir/op-name.js"
import { dimsAttr, intAttr } from "../../ops/attrs.js"
import { isStatic } from "../../ir/tensor.js"
import { call, tuple } from "../python.js"
import { CONTRACTIONS } from "./contraction.js"
import { GATHERS } from "./gather.js"
import { MOVEMENT } from "./movement.js"
import { POINTWISE } from "./pointwise.js"
import { REDUCTIONS } from "./reduce.js"
import { made, type Spelling } from "./spelling.js"

/** The same numbers in every process: those of its rows, where the rows come first. */
const uniform: Spelling = ({ attrs, type, w }) => {
  const shape = dimsAttr(attrs, "shape")
  const [first, ...rest] = shape
  if (rest.some((d) => !isStatic(d))) w.acrossRows()
  const ofRows = first !== undefined && !isStatic(first) ? ["of_rows=True"] : []
  return made(
    call("draws.uniform", tuple([...w.sizes(shape)]), String(intAttr(attrs, "stream")), ...ofRows),
    type,
  )
}

export const SPELLINGS: Readonly<Record<OpName, Spelling>> = {
  ...POINTWISE,
  ...REDUCTIONS,
  ...MOVEMENT,
  ...CONTRACTIONS,
  ...GATHERS,
  random_uniform: uniform,
  scan: { statement: true },
  scan_result: ({ args: [loop], attrs }) => loop!.parts![intAttr(attrs, "index")]!,
  grad: ({ args: [y, x], type, w }) => made(call("parallel.gradient", w.whole(y!), w.whole(x!)), type),
  batch_rows: { none: "the rows of a batch are picked by the loop around a step" },
  unpack: { none: "it reads rows as they lie on a device" },
  after: { none: "it orders what a device computes" },
}
