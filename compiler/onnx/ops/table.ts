/** onnx/ops: the spelling in ONNX of every operation of the registry, or why there is none. The type of the table has a key for each, so that none is forgotten. */
import type { OpName } from "../../ir/op-name.js"
import { CONTRACTIONS } from "./contraction.js"
import { GATHERS } from "./gather.js"
import { LOOPS } from "./loops.js"
import { MOVEMENT } from "./movement.js"
import { POINTWISE } from "./pointwise.js"
import { REDUCTIONS } from "./reduce.js"
import type { Spelling } from "./spelling.js"

export const SPELLINGS: Readonly<Record<OpName, Spelling>> = {
  ...POINTWISE,
  ...REDUCTIONS,
  ...MOVEMENT,
  ...CONTRACTIONS,
  ...GATHERS,
  ...LOOPS,
  random_uniform: { none: "it draws random numbers, and no generator of ONNX draws the same" },
  batch_rows: { none: "it picks rows of a data set, which is a part of training" },
  unpack: { none: "it reads rows as they lie on a device, which is a part of training" },
  grad: { none: "it is a gradient, and ONNX computes none" },
}
