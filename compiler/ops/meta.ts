/** ops: operations about other nodes or other calls, gone before anything is scheduled. */
import { bug } from "../source/bug.js"
import { isFloat, printType } from "../ir/tensor.js"
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

export const metaOps = [grad] as const
