/** ops: operations about other nodes or other calls, gone before anything is scheduled. */
import { bug } from "../source/bug.js"
import { isFloat, isStatic, printType } from "../ir/tensor.js"
import { defineOp, none } from "./op.js"
import type { InferContext } from "./op.js"

export const grad = defineOp({
  name: "grad",
  params: ["y", "x"],
  attrs: {},
  doc: "The gradient of the scalar y with respect to x, of x's type; zeros where y does not depend on x. Of any order.",
  traits: { kind: "meta" },
  constraints: { c1: "y is a scalar of f32 or f16", c2: "x is of f32 or f16" },
  infer: ([y, x], _attrs, at: InferContext) => {
    at.require(
      "c1",
      isFloat(y!.dtype) && y!.shape.length === 0,
      () => `y is ${printType(y!)}, not one number`,
      {
        arg: 0,
        help: "reduce it to one number first, for instance with sum or mean",
      },
    )
    at.require("c2", isFloat(x!.dtype), () => `x is ${printType(x!)}`, {
      arg: 1,
      help: "only f32 and f16 have gradients: take it by the tensor that x was made from",
    })
    return x!
  },
  eval: () => bug("grad is expanded by the pass autodiff before evaluation"),
  grad: none("grad is expanded before anything is differentiated through it"),
  lower: { kind: "none", why: "expanded by the pass autodiff" },
  samples: [],
})

/** How the values of `over_rows` in the batches of an evaluation become one. */
export const ROW_REDUCTIONS = ["sum", "mean"] as const

export const overRows = defineOp({
  name: "over_rows",
  params: ["x"],
  attrs: {
    reduce: {
      kind: "string",
      doc: "sum: the values of all batches added up; mean: their mean, weighted by rows",
      default: "sum",
    },
  },
  doc:
    "In an evaluation, x joined over the batches of all rows, before anything is computed from it; in a training step and in a " +
    "prediction x itself. For what is no mean over rows: precision, a confusion matrix, the root of a mean.",
  traits: { kind: "meta" },
  constraints: {
    c1: "x is of f32",
    c2: "x has no batch axis",
    c3: '`reduce` is "sum" or "mean"',
  },
  infer: ([x], { reduce }, at: InferContext) => {
    at.require("c1", x!.dtype === "f32", () => `x is ${printType(x!)}`, {
      arg: 0,
      help: "convert it: `f32(...)`",
    })
    at.require("c2", x!.shape.every(isStatic), () => `x is ${printType(x!)}`, {
      arg: 0,
      help: "reduce over the rows of the batch first, for instance with `sum(..., axis: 0)`",
    })
    at.require(
      "c3",
      ROW_REDUCTIONS.some((r) => r === reduce),
      () => `it is ${JSON.stringify(reduce)}`,
    )
    return x!
  },
  eval: ([x]) => x!,
  grad: none("it is taken away before anything is differentiated through it"),
  lower: { kind: "none", why: "an evaluation is cut in two there by lowering" },
  samples: [],
})

export const metaOps = [grad, overRows] as const
