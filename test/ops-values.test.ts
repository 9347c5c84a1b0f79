/** Small examples of operations whose meaning is easy to get wrong, worked out by hand or taken from PyTorch's documentation. */
import type { OpName } from "../compiler/ir/op-name.js"
import { describe, expect, it } from "vitest"
import type { Attrs } from "../compiler/ir/graph/types.js"
import {
  BATCH,
  type Dim,
  type DType,
  addDim,
  mulDim,
  printShape,
  subDim,
  tensorType,
} from "../compiler/ir/tensor.js"
import { completeAttrs, inferType, opDef } from "../compiler/ops/index.js"
import type { NdArray } from "../compiler/ops/op.js"
import { shuffledRow } from "../compiler/ops/rows.js"
import { gradcheck } from "./support/gradcheck.js"

const array = (shape: readonly number[], ...data: readonly number[]): NdArray => ({
  shape,
  data: Float64Array.from(data),
})
const counting = (...shape: readonly number[]): NdArray =>
  array(shape, ...Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => i))
const ints = new Set(["index", "rank"])

/** Shape and elements of the op's result. */
function compute(
  op: OpName,
  args: readonly NdArray[],
  attrs: Attrs = {},
): { shape: readonly number[]; data: number[] } {
  const def = opDef(op)
  const types = args.map((a, i) => tensorType(ints.has(def.params[i] ?? "") ? "i32" : "f32", a.shape))
  const complete = completeAttrs(def, attrs)
  const type = inferType(def, types, complete)
  const dims = { B: 3, R: 7 }
  const result = def.eval(args, complete, {
    type,
    dims,
    scalars: { step: 0, epoch: 0, seed: 0, start: 0, iteration: 0 },
  })
  return { shape: result.shape, data: [...result.data].map((v) => v + 0) }
}
const shapeOf = (op: OpName, shape: readonly Dim[], attrs: Attrs, dtype: DType = "f32"): string =>
  printShape(inferType(opDef(op), [tensorType(dtype, shape)], completeAttrs(opDef(op), attrs)).shape)

describe("movement", () => {
  const x = counting(2, 3)
  it("slices with a step", () => {
    const attrs = { starts: [0, 0], stops: [2, 3], steps: [1, 2] }
    expect(compute("slice", [x], attrs)).toEqual({ shape: [2, 2], data: [0, 2, 3, 5] })
  })
  it("keeps symbolic sizes through slice and pad", () => {
    const twice = mulDim(BATCH, 2)
    expect(shapeOf("slice", [twice], { starts: [1], stops: [twice], steps: [2] })).toBe("[B]")
    expect(shapeOf("slice", [addDim(BATCH, 2)], { starts: [1], stops: [addDim(BATCH, 1)], steps: [1] })).toBe(
      "[B]",
    )
    expect(shapeOf("pad", [BATCH], { low: [1], high: [0], interior: [1] })).toBe("[2*B]")
    expect(shapeOf("pad", [1], { low: [0], high: [subDim(BATCH, 1)], interior: [0] })).toBe("[B]")
    expect(shapeOf("reshape", [BATCH, 4], { shape: [mulDim(BATCH, 4)] })).toBe("[4*B]")
  })
  it("refuses a slice that a small batch would not fill", () => {
    expect(() => shapeOf("slice", [BATCH], { starts: [0], stops: [4], steps: [1] })).toThrow("slice-c3")
    expect(() => shapeOf("slice", [16], { starts: [0], stops: [BATCH], steps: [1] })).toThrow("slice-c3")
  })
  it("pads outside and between", () => {
    const attrs = { low: [1], high: [2], interior: [1], value: 9 }
    expect(compute("pad", [array([2], 5, 6)], attrs).data).toEqual([9, 5, 9, 6, 9, 9])
  })
  it("transposes, flips, joins", () => {
    expect(compute("transpose", [x], { perm: [1, 0] })).toEqual({ shape: [3, 2], data: [0, 3, 1, 4, 2, 5] })
    expect(compute("flip", [x], { axes: [1] }).data).toEqual([2, 1, 0, 5, 4, 3])
    expect(compute("concat", [x, counting(2, 1)], { axis: 1 }).data).toEqual([0, 1, 2, 0, 3, 4, 5, 1])
  })
})

describe("contractions", () => {
  const plain = { strides: [1], padding_low: [0], padding_high: [0], dilation: [1], groups: 1 }
  it("multiplies matrices", () => {
    expect(compute("matmul", [counting(2, 2), counting(2, 2)]).data).toEqual([2, 3, 6, 11])
  })
  it("correlates, unflipped", () => {
    const x = array([1, 1, 4], 1, 2, 3, 4)
    const w = array([1, 1, 2], 10, 1)
    expect(compute("conv", [x, w], plain).data).toEqual([12, 23, 34])
    expect(compute("conv", [x, w], { ...plain, padding_low: [1], strides: [2] }).data).toEqual([1, 23])
    expect(compute("conv", [x, w], { ...plain, dilation: [3] }).data).toEqual([14])
  })
  it("transposes a convolution", () => {
    const attrs = { ...plain, strides: [2], input_size: [4] }
    expect(compute("conv_input_grad", [array([1, 1, 2], 1, 2), array([1, 1, 2], 10, 1)], attrs).data).toEqual(
      [10, 1, 20, 2],
    )
  })
  it("keeps groups apart", () => {
    const x = array([1, 2, 1], 3, 5)
    expect(compute("conv", [x, array([2, 1, 1], 10, 100)], { ...plain, groups: 2 }).data).toEqual([30, 500])
    const dw = { ...plain, groups: 2, kernel_size: [1] }
    expect(compute("conv_weight_grad", [x, array([1, 2, 1], 7, 11)], dw).data).toEqual([21, 55])
  })
})

describe("windows", () => {
  const attrs = {
    window: [2, 2],
    strides: [1, 1],
    padding_low: [0, 0],
    padding_high: [0, 0],
    dilation: [1, 1],
  }
  const x = array([3, 3], 1, 9, 2, 9, 3, 4, 5, 6, 6)
  it("sums and finds the first maximum, row-major", () => {
    expect(compute("window_sum", [x], attrs).data).toEqual([22, 18, 23, 19])
    expect(compute("window_max", [x], attrs).data).toEqual([9, 9, 9, 6])
    expect(compute("window_argmax", [x], attrs).data).toEqual([1, 1, 3, 7])
  })
  it("never lets padding win", () => {
    const padded = { ...attrs, padding_low: [1, 1] }
    expect(compute("window_max", [array([1, 1], -5)], padded).data).toEqual([-5])
  })
  it("gives the gradient to the chosen element", () => {
    const chosen = array([2, 2], 1, 1, 3, 7)
    expect(compute("window_take", [x, chosen], attrs).data).toEqual([9, 9, 9, 6])
    const back = compute("window_put", [array([2, 2], 1, 10, 100, 1000), chosen], {
      ...attrs,
      input_size: [3, 3],
    })
    expect(back.data).toEqual([0, 11, 0, 100, 0, 0, 0, 1000, 0])
  })
})

describe("gathers", () => {
  const x = counting(3, 2)
  it("takes rows; an index outside is clamped", () => {
    expect(compute("take", [x, array([3], 2, 0, 99)], { axis: 0 }).data).toEqual([4, 5, 0, 1, 4, 5])
    expect(compute("take", [x, array([], 1)], { axis: 1 })).toEqual({ shape: [3], data: [1, 3, 5] })
  })
  it("adds up where indices repeat", () => {
    const dy = array([3], 1, 10, 100)
    expect(compute("put_add", [dy, array([3], 1, 1, 3)], { axis: 0, size: 4 }).data).toEqual([0, 11, 0, 100])
    expect(compute("put_along", [dy, array([3], 1, 1, 3)], { axis: 0, size: 4 }).data).toEqual([
      0, 11, 0, 100,
    ])
  })
  it("takes along an axis", () => {
    expect(compute("take_along", [x, array([3, 1], 1, 0, 1)], { axis: 1 }).data).toEqual([1, 2, 5])
  })
})

describe("order along an axis", () => {
  const x = array([5], 3, 1, 3, 2, 1)
  it("ranks stably both ways", () => {
    expect(compute("rank", [x], { axis: 0 }).data).toEqual([3, 0, 4, 2, 1])
    expect(compute("rank", [x], { axis: 0, descending: true }).data).toEqual([0, 3, 1, 2, 4])
    expect(compute("unrank", [array([5], 3, 0, 4, 2, 1)], { axis: 0 }).data).toEqual([1, 4, 3, 0, 2])
  })
  it("runs sums and products, forwards, backwards, exclusively", () => {
    expect(compute("cumsum", [x], { axis: 0 }).data).toEqual([3, 4, 7, 9, 10])
    expect(compute("cumsum", [x], { axis: 0, reverse: true }).data).toEqual([10, 7, 6, 3, 1])
    expect(compute("cumprod", [x], { axis: 0, exclusive: true }).data).toEqual([1, 3, 3, 9, 18])
    expect(compute("cumprod", [x], { axis: 0, reverse: true, exclusive: true }).data).toEqual([6, 6, 2, 1, 1])
  })
  it.each([1, 2] as const)("has exact gradients of products with zeros, order %i", (order) => {
    for (const [reverse, exclusive] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const)
      gradcheck({
        types: [tensorType("f32", [2, 5])],
        build: (g, [values]) => g.apply("cumprod", [values!], { axis: 1, reverse, exclusive }),
        values: [array([2, 5], 3, 0, 2, 0, 5, 0, 1, 2, 3, 4)],
        dims: { B: 1, R: 1 },
        order,
        what: "cumprod",
      })
  })
  it("solves a recurrence", () => {
    const a = array([3], 2, 3, 4)
    const b = array([3], 1, 1, 1)
    expect(compute("recurrence", [a, b], { axis: 0 }).data).toEqual([1, 4, 17])
    expect(compute("recurrence", [a, b], { axis: 0, reverse: true }).data).toEqual([9, 4, 1])
  })
})

describe("the order of rows in an epoch", () => {
  const epoch = (rows: number, seed: number, nth: number): number[] =>
    Array.from({ length: rows }, (_, place) => shuffledRow(place, rows, seed, nth))
  it("is a permutation for every number of rows", () => {
    const sizes = [...Array.from({ length: 300 }, (_, i) => i + 1), 4095, 4096, 4097, 60_000]
    for (const rows of sizes) {
      const seen = new Set(epoch(rows, rows * 7919, rows % 5))
      expect(seen.size).toBe(rows)
      expect([...seen].every((row) => Number.isInteger(row) && row >= 0 && row < rows)).toBe(true)
    }
  })
  it("differs between epochs and between seeds", () => {
    expect(epoch(50, 1, 0)).not.toEqual(epoch(50, 1, 1))
    expect(epoch(50, 1, 0)).not.toEqual(epoch(50, 2, 0))
    expect(epoch(50, 1, 3)).toEqual(epoch(50, 1, 3))
  })
  it.each([6, 63, 64, 100])("puts every row everywhere equally often, %i rows", (rows) => {
    const epochs = 3000
    const first = new Float64Array(rows)
    const gap = new Float64Array(rows)
    for (let e = 0; e < epochs; e++) {
      const [a, b] = [shuffledRow(0, rows, 11, e), shuffledRow(1, rows, 11, e)]
      first[a]! += 1
      gap[(b - a + rows) % rows]! += 1
    }
    expect(gap[0]).toBe(0)
    expect(deviation(first)).toBeLessThan(4)
    expect(deviation(gap.slice(1))).toBeLessThan(4)
  })
})

/** Chi-square against equal counts, in standard deviations of that statistic. */
function deviation(counts: Float64Array): number {
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length
  const chi = counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0)
  return (chi - (counts.length - 1)) / Math.sqrt(2 * (counts.length - 1))
}
