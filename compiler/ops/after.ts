/** ops: an order that no value asks for, by which the pass `rematerialize` says when to compute a value again. */
import { tensorType } from "../ir/tensor.js"
import { defineOp } from "./op.js"

export const after = defineOp({
  name: "after",
  params: ["x", "done"],
  attrs: {},
  doc: "x, for those who may only start when `done` is there: a value computed again late in a step is not computed early.",
  traits: { kind: "view", waits: true },
  constraints: {},
  infer: ([x]) => x!,
  eval: ([x]) => x!,
  grad: ({ dy }) => [dy, null],
  lower: { kind: "map", value: ({ args, index }) => args[0]!(index) },
  samples: [{ args: [tensorType("f32", [2, 3]), tensorType("f32", [4])] }],
  writtenAs: "budget memory 64 MiB",
})

export const afterOps = [after] as const
