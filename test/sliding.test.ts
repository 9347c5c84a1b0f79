/** schedule: contractions over sliding windows on software adapters: what neighbouring windows share is loaded once, and the
 *  results are the graph's meaning. */
import { describe, expect, it } from "vitest"
import type { Attrs } from "../compiler/ir/graph/types.js"
import { BATCH, type Shape } from "../compiler/ir/tensor.js"
import { kernelDifferences, scheduled, SOFTWARE } from "./support/kernels.js"
import { graphOfOne, type OneOperation } from "./support/one-operation.js"

interface Case extends OneOperation {
  readonly name: string
  /** Whether windows share anything that a tile could load once. */
  readonly shares: boolean
}

const planes = (attrs: Attrs = {}): Attrs => ({
  strides: [1, 1],
  padding_low: [1, 1],
  padding_high: [1, 1],
  dilation: [1, 1],
  groups: 1,
  ...attrs,
})
const conv = (name: string, x: Shape, weight: Shape, attrs: Attrs, shares = true): Case => {
  return { name, op: "conv", args: [x, weight], attrs, shares }
}
const weightGrad = (name: string, x: Shape, dy: Shape, attrs: Attrs, shares = true): Case => {
  return { name, op: "conv_weight_grad", args: [x, dy], attrs: { ...planes(), ...attrs }, shares }
}

const CASES: readonly Case[] = [
  conv("lines of a length that tiles divide", [BATCH, 5, 14, 14], [12, 5, 3, 3], planes()),
  conv("channels that tiles do not divide", [BATCH, 2, 6, 6], [5, 2, 3, 3], planes()),
  conv("strides below the window", [BATCH, 2, 9, 9], [4, 2, 3, 3], planes({ strides: [2, 2] })),
  conv("groups", [BATCH, 4, 8, 8], [6, 2, 3, 3], planes({ groups: 2 })),
  conv("a window along a line", [BATCH, 1, 50], [8, 1, 5], {
    strides: [1],
    padding_low: [2],
    padding_high: [2],
    dilation: [1],
    groups: 1,
  }),
  conv("strides as wide as the window", [BATCH, 2, 9, 9], [4, 2, 3, 3], planes({ strides: [3, 3] }), false),
  conv("a window of one place", [BATCH, 6, 8, 8], [8, 6, 1, 1], planes(), false),
  conv("lines of a length that is prime and long", [BATCH, 2, 5, 41], [4, 2, 3, 3], planes(), false),
  {
    name: "the gradient by the input",
    op: "conv_input_grad",
    args: [
      [BATCH, 12, 14, 14],
      [12, 5, 3, 3],
    ],
    attrs: { ...planes(), input_size: [14, 14] },
    shares: true,
  },
  weightGrad("the gradient by the weights", [BATCH, 5, 14, 14], [BATCH, 12, 14, 14], { kernel_size: [3, 3] }),
  weightGrad("its sum shared by lanes", [BATCH, 1, 28, 28], [BATCH, 16, 28, 28], { kernel_size: [3, 3] }),
  {
    name: "a matrix product of rows with rows",
    op: "matmul",
    args: [
      [BATCH, 48],
      [48, 40],
    ],
    shares: false,
  },
]

describe.each(CASES)("$name", (c) => {
  const graph = graphOfOne(c)
  it(c.shares ? "takes several taps at a time" : "takes one place at a time", () => {
    const [kernel] = scheduled(graph).kernels
    expect(/^contract .* by \d/.test(kernel!.template)).toBe(c.shares)
  })
  it("gives what the graph means", () => {
    expect(kernelDifferences(graph, { target: SOFTWARE, dims: { B: 3, R: 7 } })).toEqual([])
  })
})
