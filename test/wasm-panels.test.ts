/** schedule, codegen/wasm: products large enough to be cut into panels: of every kind, with sizes that fit tiles and that do not,
 *  against the graph's meaning, and WebAssembly against the kernel evaluator. */
import { describe, expect, it } from "vitest"
import type { Attrs } from "../compiler/ir/graph/types.js"
import { BATCH } from "../compiler/ir/tensor.js"
import { WASM_TARGET } from "../compiler/targets/index.js"
import { kernelDifferences, scheduled } from "./support/kernels.js"
import { graphOfOne, type OneOperation } from "./support/one-operation.js"
import { wasmDifferences } from "./support/wasm-program.js"

interface Case extends OneOperation {
  readonly name: string
  /** What the template says of itself. */
  readonly template?: string
}

const sliding = (attrs: Attrs = {}): Attrs => ({
  strides: [1, 1],
  padding_low: [1, 1],
  padding_high: [1, 1],
  dilation: [1, 1],
  groups: 1,
  ...attrs,
})
const unpadded = { padding_low: [0, 0], padding_high: [0, 0] }
const line = { strides: [1], padding_low: [2], padding_high: [2], dilation: [1], groups: 1 }

const CASES: readonly Case[] = [
  {
    name: "whole tiles",
    op: "matmul",
    args: [
      [64, 48],
      [48, 40],
    ],
  },
  {
    name: "no whole tiles",
    op: "matmul",
    args: [
      [13, 37],
      [37, 21],
    ],
  },
  {
    name: "a depth in blocks",
    op: "matmul",
    args: [
      [130, 1530],
      [1530, 27],
    ],
  },
  {
    name: "rows of a batch",
    op: "matmul",
    args: [
      [BATCH, 37],
      [37, 24],
    ],
  },
  {
    name: "a depth as long as the batch",
    op: "matmul",
    args: [
      [17, BATCH],
      [BATCH, 19],
    ],
  },
  {
    name: "columns of a batch",
    op: "matmul",
    args: [
      [17, 20],
      [20, BATCH],
    ],
  },
  {
    name: "many products",
    op: "matmul",
    args: [
      [BATCH, 3, 17, 20],
      [BATCH, 3, 20, 16],
    ],
  },
  {
    name: "a convolution",
    op: "conv",
    args: [
      [BATCH, 5, 14, 14],
      [12, 5, 3, 3],
    ],
    attrs: sliding(),
    template: "windows",
  },
  {
    name: "a convolution without padding",
    op: "conv",
    args: [
      [BATCH, 3, 11, 13],
      [12, 3, 3, 4],
    ],
    attrs: sliding(unpadded),
    template: "windows",
  },
  {
    name: "a convolution with strides",
    op: "conv",
    args: [
      [BATCH, 3, 15, 17],
      [12, 3, 3, 3],
    ],
    attrs: sliding({ strides: [2, 2] }),
    template: "windows",
  },
  {
    name: "a convolution with dilation",
    op: "conv",
    args: [
      [BATCH, 3, 15, 17],
      [12, 3, 3, 3],
    ],
    attrs: sliding({ dilation: [2, 2], padding_low: [2, 2], padding_high: [2, 2] }),
    template: "windows",
  },
  {
    name: "a convolution of points",
    op: "conv",
    args: [
      [BATCH, 6, 9, 9],
      [8, 6, 1, 1],
    ],
    attrs: sliding(unpadded),
  },
  {
    name: "a convolution along a line",
    op: "conv",
    args: [
      [BATCH, 1, 50],
      [8, 1, 5],
    ],
    attrs: line,
    template: "windows",
  },
  {
    name: "its gradient by the input",
    op: "conv_input_grad",
    args: [
      [BATCH, 12, 14, 14],
      [12, 5, 3, 3],
    ],
    attrs: { ...sliding(), input_size: [14, 14] },
    template: "windows",
  },
  {
    name: "its gradient by the input, with strides",
    op: "conv_input_grad",
    args: [
      [BATCH, 12, 8, 9],
      [12, 5, 3, 3],
    ],
    attrs: { ...sliding({ strides: [2, 2] }), input_size: [15, 17] },
  },
  {
    name: "its gradient by the weights",
    op: "conv_weight_grad",
    args: [
      [BATCH, 5, 14, 14],
      [BATCH, 12, 14, 14],
    ],
    attrs: { ...sliding(), kernel_size: [3, 3] },
    template: "windows",
  },
  {
    name: "its gradient by the weights, with strides",
    op: "conv_weight_grad",
    args: [
      [BATCH, 5, 15, 17],
      [BATCH, 12, 8, 9],
    ],
    attrs: { ...sliding({ strides: [2, 2] }), kernel_size: [3, 3] },
    template: "windows",
  },
]

describe.each(CASES)("$name", (c) => {
  const graph = graphOfOne(c)
  it("is cut into panels", () => {
    const [kernel] = scheduled(graph, WASM_TARGET).kernels
    expect(kernel!.template).toMatch(/^panels /)
    expect(kernel!.template).toContain(c.template ?? "")
  })
  it.each([3, 37])("is right for a batch of %i", (B) => {
    const dims = { B, R: 7 }
    expect(kernelDifferences(graph, { target: WASM_TARGET, dims })).toEqual([])
    expect(wasmDifferences(graph, { target: WASM_TARGET, dims })).toEqual([])
  })
})
