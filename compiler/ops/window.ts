/** ops: pooling windows that slide over the last axes of x: sums, maxima, and the index of each maximum.
 *  All are gathers: the gradient of a maximum asks, for each element of x, the windows that could have chosen it.
 *  Not here: means and their divisor, rounding sizes up (stdlib: a count is window_sum over ones, a ceiling is more padding_high). */
import { BATCH, evalShape, printShape, printType, sameShape, tensorType } from "../ir/tensor.js"
import { intsAttr } from "./attrs.js"
import { addAt, at as element, clampIndex, count, ndarray, offset, unravel, zeros } from "./ndarray.js"
import { type InferContext, type OpDef, defineOp } from "./op.js"
import { beats } from "./reduce.js"
import { guarded } from "./sliding.js"
import {
  AGREE,
  CONSTRAINTS,
  COVERED,
  INPUT_SIZE,
  WINDOW_ATTRS,
  backAttrs,
  clamp,
  flat,
  requireCovered,
} from "./window-rules.js"
import {
  sample,
  seerExtents,
  coveringPosition,
  slide,
  slideBack,
  spatial,
  tapPosition,
  windowAttrs,
  windows,
} from "./window-rules.js"

const windowSum: OpDef = defineOp({
  name: "window_sum",
  params: ["x"],
  attrs: WINDOW_ATTRS,
  doc: "x [.., s..] -> [.., s'..]: the sum of each window over the last axes; padding counts as 0. torch.avg_pool without its divisor.",
  traits: { kind: "reduce" },
  constraints: CONSTRAINTS,
  infer: ([x], attrs, at: InferContext) => slide(x!, attrs, at),
  eval: ([x], attrs, { type, dims }) => {
    const y = zeros(evalShape(type.shape, dims))
    for (const w of windows(x!.shape, attrs)) addAt(y, w.out, element(x!, w.position))
    return y
  },
  grad: ({ args: [x], dy, attrs }, g) => [g.apply("window_sum_grad", [dy], backAttrs(attrs, x!.type.shape))],
  lower: {
    kind: "reduce",
    combine: "sum",
    extents: (_types, attrs) => intsAttr(attrs, "window"),
    term: (cx, tap) => {
      const at = tapPosition(cx, tap)
      return guarded(cx.k, at, cx.args[0]!(at.index), cx.k.constant(0, cx.type.dtype))
    },
  },
  samples: [
    sample([[2, 5]], [3]),
    sample([[BATCH, 2, 6, 5]], [2, 3], { strides: [2, 1], padding_low: [0, 1], padding_high: [1, 1] }),
    sample([[7]], [2], { dilation: [3], strides: [2], padding_low: [1] }),
    sample([[2, 1, 1]], [1, 1]),
  ],
})

const windowSumGrad: OpDef = defineOp({
  name: "window_sum_grad",
  params: ["dy"],
  attrs: { ...WINDOW_ATTRS, input_size: INPUT_SIZE },
  doc: "dy [.., s'..] -> [.., input_size..]: the adjoint of window_sum: for each element, the sum over the windows that cover it.",
  traits: { kind: "reduce" },
  constraints: { ...CONSTRAINTS, ...AGREE },
  infer: ([dy], attrs, at: InferContext) => slideBack(dy!, attrs, at),
  eval: ([dy], attrs, { type, dims }) => {
    const x = zeros(evalShape(type.shape, dims))
    for (const w of windows(x.shape, attrs)) addAt(x, w.position, element(dy!, w.out))
    return x
  },
  grad: ({ dy, attrs }, g) => [g.apply("window_sum", [dy], windowAttrs(attrs))],
  lower: {
    kind: "reduce",
    combine: "sum",
    extents: (_types, attrs) => seerExtents(attrs),
    term: (cx, visit) => {
      const at = coveringPosition(cx, visit)
      return guarded(cx.k, at, cx.args[0]!(at.index), cx.k.constant(0, cx.type.dtype))
    },
  },
  samples: [
    sample([[2, 3]], [3], { input_size: [5] }),
    sample([[BATCH, 2, 3, 5]], [2, 3], {
      strides: [2, 1],
      padding_low: [0, 1],
      padding_high: [1, 1],
      input_size: [6, 5],
    }),
    sample([[3]], [2], { dilation: [3], strides: [2], padding_low: [1], input_size: [7] }),
    sample([[4]], [7], { strides: [3], padding_low: [5], padding_high: [4], input_size: [9] }),
    sample([[2, 2, 2]], [2, 2], { strides: [2, 3], input_size: [4, 6] }),
  ],
})

const windowMax: OpDef = defineOp({
  name: "window_max",
  params: ["x"],
  attrs: WINDOW_ATTRS,
  doc: "x [.., s..] -> [.., s'..]: the largest element of each window over the last axes, as torch.max_pool; NaN where it holds one; padding never wins.",
  traits: { kind: "reduce" },
  constraints: { ...CONSTRAINTS, ...COVERED },
  infer: ([x], attrs, at: InferContext) => {
    const type = slide(x!, attrs, at)
    requireCovered(x!.shape, attrs, at)
    return type
  },
  eval: ([x], attrs, { type, dims }) => {
    const y = ndarray(evalShape(type.shape, dims), () => -Infinity)
    for (const w of windows(x!.shape, attrs)) {
      const o = offset(y.shape, w.out)
      y.data[o] = Math.max(y.data[o]!, element(x!, w.position))
    }
    return y
  },
  grad: ({ args: [x], dy, attrs }, g) => {
    const chosen = g.apply("window_argmax", [x!], windowAttrs(attrs))
    return [g.apply("window_put", [dy, chosen], backAttrs(attrs, x!.type.shape))]
  },
  lower: {
    kind: "reduce",
    combine: "max",
    extents: (_types, attrs) => intsAttr(attrs, "window"),
    term: (cx, tap) => {
      const at = tapPosition(cx, tap)
      return guarded(cx.k, at, cx.args[0]!(at.index), cx.k.constant(-Infinity, cx.type.dtype))
    },
  },
  samples: [
    sample([[2, 5]], [3]),
    sample([[BATCH, 2, 6, 5]], [3, 2], { strides: [2, 2], padding_low: [1, 0], padding_high: [1, 1] }),
    sample([[7]], [2], { dilation: [3], strides: [2], padding_low: [1] }),
    sample([[2, 1, 1]], [1, 1]),
  ],
})

const windowArgmax: OpDef = defineOp({
  name: "window_argmax",
  params: ["x"],
  attrs: WINDOW_ATTRS,
  doc: "The index of the first maximum of each window (of the first NaN, where it holds one), i32: the row-major position within the last axes of x, as the indices of torch.max_pool.",
  traits: { kind: "reduce" },
  constraints: { ...CONSTRAINTS, ...COVERED },
  infer: ([x], attrs, at: InferContext) => {
    const type = slide(x!, attrs, at)
    requireCovered(x!.shape, attrs, at)
    return tensorType("i32", type.shape)
  },
  eval: ([x], attrs, { type, dims }) => {
    const n = intsAttr(attrs, "window").length
    const best = new Map<number, number>()
    const at = zeros(evalShape(type.shape, dims))
    for (const w of windows(x!.shape, attrs)) {
      const o = offset(at.shape, w.out)
      const [value, before] = [element(x!, w.position), best.get(o)]
      if (before !== undefined && (Number.isNaN(before) || value <= before)) continue
      best.set(o, value)
      at.data[o] = offset(x!.shape.slice(-n), w.position.slice(-n))
    }
    return at
  },
  grad: { none: "the result is an index, an integer" },
  lower: {
    kind: "fold",
    extents: (_types, attrs) => intsAttr(attrs, "window"),
    init: ({ argTypes: [x], k }) => [k.constant(-Infinity, x!.dtype), k.int(-1)],
    step: (cx, tap, [best, chosen]) => {
      const {
        k,
        argTypes: [x],
        attrs,
      } = cx
      const at = tapPosition(cx, tap)
      const value = guarded(k, at, cx.args[0]!(at.index), k.constant(-Infinity, x!.dtype))
      const first = k.op("lt", chosen!, k.int(0))
      const wins = k.and(...at.inside, k.op("or", beats(k, "gt", x!.dtype, value, best!), first))
      const n = intsAttr(attrs, "window").length
      return [
        k.select(wins, value, best!),
        k.select(wins, flat(k, at.index.slice(-n), spatial(x!.shape, n)), chosen!),
      ]
    },
    result: (_cx, [, chosen]) => chosen!,
  },
  samples: [
    sample([[2, 5]], [3]),
    sample([[BATCH, 2, 6, 5]], [3, 2], { strides: [2, 2], padding_low: [1, 0], padding_high: [1, 1] }),
    sample([[1, 2, 2]], [2, 2]),
  ],
})

const CHOICE = {
  ...CONSTRAINTS,
  c5: "index is i32, and has the sizes that sliding the window gives, beside the same leading axes",
}
const CHOICE_DOC =
  "`index` holds row-major positions within the last axes, each inside its own window, as window_argmax gives; beyond the ends it is clamped."

const windowTake: OpDef = defineOp({
  name: "window_take",
  params: ["x", "index"],
  attrs: WINDOW_ATTRS,
  doc: `x [.., s..] and index [.., s'..] -> [.., s'..]: the element of x that each window chose. ${CHOICE_DOC}`,
  traits: { kind: "gather" },
  constraints: CHOICE,
  infer: ([x, index], attrs, at: InferContext) => {
    const type = slide(x!, attrs, at)
    at.require(
      "c5",
      index!.dtype === "i32" && sameShape(index!.shape, type.shape),
      () =>
        `index is ${printType(index!)}, and sliding over ${printType(x!)} gives ${printShape(type.shape)}`,
      { arg: 1 },
    )
    return type
  },
  eval: ([x, index], attrs) => {
    const sizes = x!.shape.slice(-intsAttr(attrs, "window").length)
    return ndarray(index!.shape, (i) => {
      const at = unravel(sizes, clampIndex(element(index!, i), count(sizes)))
      return element(x!, [...i.slice(0, -sizes.length), ...at])
    })
  },
  grad: ({ args: [x, index], dy, attrs }, g) => [
    g.apply("window_put", [dy, index!], backAttrs(attrs, x!.type.shape)),
    null,
  ],
  lower: {
    kind: "map",
    value: ({ args, argTypes: [x], attrs, index, k }) => {
      const n = intsAttr(attrs, "window").length
      const sizes = spatial(x!.shape, n)
      const chosen = clamp(k, args[1]!(index), count(sizes))
      const at = sizes.map((size, axis) => {
        const along = k.div(chosen, k.int(count(sizes.slice(axis + 1))))
        return axis === 0 ? along : k.rem(along, k.int(size))
      })
      return args[0]!([...index.slice(0, -n), ...at])
    },
  },
  samples: [
    sample(
      [
        [2, 4],
        [2, 2],
      ],
      [3],
      {},
      [1, 3],
    ),
    sample(
      [
        [BATCH, 2, 4, 4],
        [BATCH, 2, 2, 1],
      ],
      [3, 4],
      {},
      [4, 12],
    ),
  ],
})

const windowPut: OpDef = defineOp({
  name: "window_put",
  params: ["dy", "index"],
  attrs: { ...WINDOW_ATTRS, input_size: INPUT_SIZE },
  doc: `dy and index [.., s'..] -> [.., input_size..]: the adjoint of window_take: each element is the sum of dy over the windows that chose it. ${CHOICE_DOC}`,
  traits: { kind: "reduce" },
  constraints: {
    ...CHOICE,
    c5: "index is i32, dy and index have the sizes that sliding the window over input_size gives",
  },
  infer: ([dy, index], attrs, at: InferContext) => {
    at.require(
      "c5",
      index!.dtype === "i32" && sameShape(index!.shape, dy!.shape),
      () => `dy is ${printType(dy!)}, index is ${printType(index!)}`,
      { arg: 1 },
    )
    return slideBack(dy!, attrs, at)
  },
  eval: ([dy, index], attrs, { type, dims }) => {
    const x = zeros(evalShape(type.shape, dims))
    const n = intsAttr(attrs, "window").length
    const sizes = x.shape.slice(-n)
    for (const w of windows(x.shape, attrs)) {
      const chosen = clampIndex(element(index!, w.out), count(sizes))
      if (offset(sizes, w.position.slice(-n)) === chosen) addAt(x, w.position, element(dy!, w.out))
    }
    return x
  },
  grad: ({ args: [, index], dy, attrs }, g) => [
    g.apply("window_take", [dy, index!], windowAttrs(attrs)),
    null,
  ],
  lower: {
    kind: "reduce",
    combine: "sum",
    extents: (_types, attrs) => seerExtents(attrs),
    term: (cx, visit) => {
      const { k, args, attrs, index, type } = cx
      const n = intsAttr(attrs, "window").length
      const sizes = spatial(type.shape, n)
      const at = coveringPosition(cx, visit)
      const chosen = clamp(k, args[1]!(at.index), count(sizes))
      const mine = k.op("eq", chosen, flat(k, index.slice(-n), sizes))
      const zero = k.constant(0, type.dtype)
      return guarded(k, at, k.select(mine, args[0]!(at.index), zero), zero)
    },
  },
  samples: [
    sample(
      [
        [2, 2],
        [2, 2],
      ],
      [3],
      { input_size: [4] },
      [1, 3],
    ),
    sample(
      [
        [BATCH, 2, 2, 1],
        [BATCH, 2, 2, 1],
      ],
      [3, 4],
      { input_size: [4, 4] },
      [4, 12],
    ),
    sample([[3], [3]], [5], { strides: [2], padding_low: [2], padding_high: [2], input_size: [5] }, [2, 3]),
  ],
})

export const windowOps: readonly OpDef[] = [
  windowSum,
  windowSumGrad,
  windowMax,
  windowArgmax,
  windowTake,
  windowPut,
]
