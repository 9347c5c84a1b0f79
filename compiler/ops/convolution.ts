/** ops: convolution. A convolution, its gradient by the input and its gradient by the weights are three faces of one sum over
 *  (n, group, o, c, window, tap); each one's gradients are the other two, so gradients of any order stay within the family.
 *  The interpreter walks that sum as it stands; the lowerings gather, so that each output element is written once. */
import type { Attrs } from "../ir/graph/types.js"
import type { Expr } from "../ir/kernels/types.js"
import {
  BATCH,
  type Dim,
  type Shape,
  type TensorType,
  evalShape,
  isStatic,
  printShape,
  printType,
  sameDim,
  tensorType,
} from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import { intAttr, intsAttr } from "./attrs.js"
import { addAt, at as element, zeros } from "./ndarray.js"
import {
  type AttrSpec,
  type ExprBuilder,
  type InferContext,
  type OpDef,
  type Sample,
  defineOp,
} from "./op.js"
import {
  SLIDING_ATTRS,
  guarded,
  printSliding,
  seen,
  seer,
  slidingAttrs,
  slidingAttrsFit,
  slidingAxes,
  taps,
  windowCount,
} from "./sliding.js"
import { SMALLER_WINDOW, countOf, dependsOnBatch, windowTooLarge } from "./wording.js"

const CONV_ATTRS = {
  ...SLIDING_ATTRS,
  groups: { doc: "channels are split into this many independent convolutions", kind: "int" },
} as const satisfies Record<string, AttrSpec>

const CONSTRAINTS = {
  c1: "both are of one float dtype and one rank, with 1 to 3 spatial axes after the first two",
  c2: "only the first axis may depend on the batch size",
  c3: "strides and dilation (at least 1) and padding (at least 0) have one value per spatial axis",
  c4: "groups divides both channel counts, and channels agree",
  c5: "the window fits into the padded input, and all sizes agree",
}

const conv: OpDef = defineOp({
  name: "conv",
  params: ["x", "weight"],
  attrs: CONV_ATTRS,
  doc: "x [N, C, s..] and weight [O, C/groups, k..] -> [N, O, s'..]: cross-correlation over 1 to 3 spatial axes, as torch.conv1d, conv2d and conv3d without bias.",
  traits: { kind: "contraction", autocast: true },
  constraints: CONSTRAINTS,
  infer: ([x, weight], attrs, at: InferContext) => {
    requireSameKind(x!, weight!, at)
    const [outputs, perGroup, ...window] = requireStatic(weight!.shape, at)
    const [channels, ...input] = requireStatic(x!.shape.slice(1), at)
    requireSliding(attrs, window.length, at)
    requireChannels(channels!, outputs!, perGroup!, attrs, at)
    return tensorType(x!.dtype, [x!.shape[0]!, outputs!, ...requireWindows(input, window, attrs, at)])
  },
  eval: ([x, weight], attrs, { type, dims }) => {
    const y = zeros(evalShape(type.shape, dims))
    for (const p of products(x!.shape, weight!.shape, attrs))
      addAt(y, p.y, element(x!, p.x) * element(weight!, p.weight))
    return y
  },
  grad: ({ args: [x, weight], dy, attrs, needs }, g) => [
    needs(0) ? g.apply("conv_input_grad", [dy, weight!], inputGradAttrs(attrs, x!.type.shape)) : null,
    needs(1) ? g.apply("conv_weight_grad", [x!, dy], weightGradAttrs(attrs, weight!.type.shape)) : null,
  ],
  lower: {
    kind: "contract",
    extents: ([, weight]) => weight!.shape.slice(1),
    left: ({ args, argTypes: [x, weight], attrs, index: [n, o, ...out], k }, [c, ...tap]) => {
      const s = sizes(x!.shape, weight!.shape, attrs)
      const at = seen(k, slidingAxes(attrs), s.input, s.window, out, tap)
      const channel = inGroup(k, groupOf(k, o!, s.outputs, s.groups), c!, s.channels, s.groups)
      return guarded(k, at, args[0]!([n!, channel, ...at.index]), k.constant(0, x!.dtype))
    },
    right: ({ args, index }, r) => args[1]!([index[1]!, ...r]),
  },
  samples: [
    sample([2, 2, 5], [3, 2, 3]),
    sample([BATCH, 2, 5, 4], [3, 2, 3, 2], { strides: [2, 1], padding_low: [1, 0], padding_high: [0, 1] }),
    sample([BATCH, 4, 5, 5], [4, 1, 3, 3], { padding_low: [1, 1], padding_high: [1, 1], groups: 4 }),
    sample([1, 4, 7], [6, 2, 2], {
      strides: [3],
      padding_low: [2],
      padding_high: [1],
      dilation: [2],
      groups: 2,
    }),
    sample([1, 1, 3, 2, 2], [1, 1, 2, 1, 2], { dilation: [2, 1, 1] }),
  ],
})

const convInputGrad: OpDef = defineOp({
  name: "conv_input_grad",
  params: ["dy", "weight"],
  attrs: { ...CONV_ATTRS, input_size: { doc: "spatial sizes of the result", kind: "ints" } },
  doc: "dy [N, O, s'..] and weight [O, C/groups, k..] -> [N, C, input_size..]: the adjoint of conv by its input. Also torch.conv_transpose, whose output_padding is a choice of input_size.",
  traits: { kind: "contraction", autocast: true },
  constraints: CONSTRAINTS,
  infer: ([dy, weight], attrs, at: InferContext) => {
    requireSameKind(dy!, weight!, at)
    const [outputs, perGroup, ...window] = requireStatic(weight!.shape, at)
    const [dyChannels, ...output] = requireStatic(dy!.shape.slice(1), at)
    const input = intsAttr(attrs, "input_size")
    const channels = perGroup! * intAttr(attrs, "groups")
    requireSliding(attrs, window.length, at)
    at.require("c4", dyChannels === outputs, () => `dy has ${dyChannels} channels, weight has ${outputs}`)
    requireChannels(channels, outputs!, perGroup!, attrs, at)
    requireSame(output, requireWindows(input, window, attrs, at), at)
    return tensorType(dy!.dtype, [dy!.shape[0]!, channels, ...input])
  },
  eval: ([dy, weight], attrs, { type, dims }) => {
    const x = zeros(evalShape(type.shape, dims))
    for (const p of products(x.shape, weight!.shape, attrs))
      addAt(x, p.x, element(dy!, p.y) * element(weight!, p.weight))
    return x
  },
  grad: ({ args: [dy, weight], dy: dx, attrs, needs }, g) => [
    needs(0) ? g.apply("conv", [dx, weight!], convAttrs(attrs)) : null,
    needs(1) ? g.apply("conv_weight_grad", [dx, dy!], weightGradAttrs(attrs, weight!.type.shape)) : null,
  ],
  lower: {
    kind: "contract",
    extents: ([, weight], attrs) => [
      fixed(weight!.shape)[0]! / intAttr(attrs, "groups"),
      ...weight!.shape.slice(2),
    ],
    left: ({ args, argTypes: [dy, weight], type, attrs, index: [n, c, ...position], k }, [o, ...tap]) => {
      const s = sizes(type.shape, weight!.shape, attrs)
      const at = seer(k, slidingAxes(attrs), s.input, s.window, position, tap)
      const output = inGroup(k, groupOf(k, c!, s.channels, s.groups), o!, s.outputs, s.groups)
      return guarded(k, at, args[0]!([n!, output, ...at.index]), k.constant(0, dy!.dtype))
    },
    right: ({ args, argTypes: [, weight], type, attrs, index: [, c], k }, [o, ...tap]) => {
      const s = sizes(type.shape, weight!.shape, attrs)
      const output = inGroup(k, groupOf(k, c!, s.channels, s.groups), o!, s.outputs, s.groups)
      const within = s.groups === 1 ? c! : k.rem(c!, k.int(s.channels / s.groups))
      return args[1]!([output, within, ...tap])
    },
  },
  samples: [
    sample([2, 3, 3], [3, 2, 3], { input_size: [5] }),
    sample([BATCH, 3, 2, 4], [3, 2, 3, 2], {
      strides: [2, 1],
      padding_low: [1, 0],
      padding_high: [0, 1],
      input_size: [5, 4],
    }),
    sample([BATCH, 4, 3, 3], [4, 2, 3, 3], {
      strides: [2, 2],
      padding_low: [1, 1],
      padding_high: [1, 1],
      groups: 2,
      input_size: [6, 5],
    }),
    sample([1, 2, 3], [2, 1, 2], { strides: [2], dilation: [3], input_size: [8] }),
  ],
})

const convWeightGrad: OpDef = defineOp({
  name: "conv_weight_grad",
  params: ["x", "dy"],
  attrs: { ...CONV_ATTRS, kernel_size: { doc: "spatial sizes of the result", kind: "ints" } },
  doc: "x [N, C, s..] and dy [N, O, s'..] -> [O, C/groups, kernel_size..]: the adjoint of conv by its weight.",
  traits: { kind: "contraction", autocast: true },
  constraints: CONSTRAINTS,
  infer: ([x, dy], attrs, at: InferContext) => {
    requireSameKind(x!, dy!, at)
    const [channels, ...input] = requireStatic(x!.shape.slice(1), at)
    const [outputs, ...output] = requireStatic(dy!.shape.slice(1), at)
    const window = intsAttr(attrs, "kernel_size")
    const perGroup = channels! / intAttr(attrs, "groups")
    requireSliding(attrs, input.length, at)
    requireChannels(channels!, outputs!, perGroup, attrs, at)
    at.require(
      "c5",
      sameDim(x!.shape[0]!, dy!.shape[0]!),
      () => `x is ${printType(x!)}, dy ${printType(dy!)}: the batches differ`,
    )
    requireSame(output, requireWindows(input, window, attrs, at), at)
    return tensorType(x!.dtype, [outputs!, perGroup, ...window])
  },
  eval: ([x, dy], attrs, { type, dims }) => {
    const weight = zeros(evalShape(type.shape, dims))
    for (const p of products(x!.shape, weight.shape, attrs))
      addAt(weight, p.weight, element(x!, p.x) * element(dy!, p.y))
    return weight
  },
  grad: ({ args: [x, dy], dy: dw, attrs, needs }, g) => [
    needs(0) ? g.apply("conv_input_grad", [dy!, dw], inputGradAttrs(attrs, x!.type.shape)) : null,
    needs(1) ? g.apply("conv", [x!, dw], convAttrs(attrs)) : null,
  ],
  lower: {
    kind: "contract",
    extents: ([, dy]) => [dy!.shape[0]!, ...dy!.shape.slice(2)],
    left: ({ args, argTypes: [x], type, attrs, index: [o, c, ...tap], k }, [n, ...out]) => {
      const s = sizes(x!.shape, type.shape, attrs)
      const at = seen(k, slidingAxes(attrs), s.input, s.window, out, tap)
      const channel = inGroup(k, groupOf(k, o!, s.outputs, s.groups), c!, s.channels, s.groups)
      return guarded(k, at, args[0]!([n!, channel, ...at.index]), k.constant(0, x!.dtype))
    },
    right: ({ args, index }, [n, ...out]) => args[1]!([n!, index[0]!, ...out]),
  },
  samples: [
    sample([2, 2, 5], [2, 3, 3], { kernel_size: [3] }),
    sample([BATCH, 2, 5, 4], [BATCH, 3, 2, 4], {
      strides: [2, 1],
      padding_low: [1, 0],
      padding_high: [0, 1],
      kernel_size: [3, 2],
    }),
    sample([BATCH, 4, 4], [BATCH, 2, 3], {
      padding_low: [1],
      padding_high: [1],
      dilation: [3],
      groups: 2,
      kernel_size: [2],
    }),
  ],
})

export const convolutionOps: readonly OpDef[] = [conv, convInputGrad, convWeightGrad]

// Attributes of one face made from those of another.
const convAttrs = (attrs: Attrs): Attrs => ({ ...slidingAttrs(attrs), groups: intAttr(attrs, "groups") })
const inputGradAttrs = (attrs: Attrs, x: Shape): Attrs => ({
  ...convAttrs(attrs),
  input_size: fixed(x.slice(2)),
})
const weightGradAttrs = (attrs: Attrs, weight: Shape): Attrs => ({
  ...convAttrs(attrs),
  kernel_size: fixed(weight.slice(2)),
})

interface Sizes {
  readonly channels: number
  readonly outputs: number
  readonly groups: number
  readonly input: readonly number[]
  readonly window: readonly number[]
}
function sizes(x: Shape, weight: Shape, attrs: Attrs): Sizes {
  const [channels, ...input] = fixed(x.slice(1))
  const [outputs, , ...window] = fixed(weight)
  return { channels: channels!, outputs: outputs!, groups: intAttr(attrs, "groups"), input, window }
}
const fixed = (shape: Shape): number[] =>
  shape.map((d) => (isStatic(d) ? d : bug(`a symbolic size in ${printShape(shape)}`)))

/** Every product of a convolution: the indices in x, weight and y that meet. */
function* products(
  x: readonly number[],
  weight: readonly number[],
  attrs: Attrs,
): Generator<{ x: readonly number[]; weight: readonly number[]; y: readonly number[] }> {
  const s = sizes(x, weight, attrs)
  const perGroup = s.channels / s.groups
  for (const { out, tap, position } of taps(s.input, s.window, slidingAxes(attrs)))
    for (let n = 0; n < x[0]!; n++)
      for (let o = 0; o < s.outputs; o++)
        for (let c = 0; c < perGroup; c++) {
          const group = Math.floor(o / (s.outputs / s.groups))
          yield { x: [n, group * perGroup + c, ...position], weight: [o, c, ...tap], y: [n, o, ...out] }
        }
}

/** The group of a channel, of `total` in all. */
const groupOf = (k: ExprBuilder, channel: Expr, total: number, groups: number): Expr =>
  groups === 1 ? k.int(0) : k.div(channel, k.int(total / groups))
/** Channel `within` of `group`, counted over all `total`. */
const inGroup = (k: ExprBuilder, group: Expr, within: Expr, total: number, groups: number): Expr =>
  groups === 1 ? within : k.add(k.mul(group, k.int(total / groups)), within)

function requireSameKind(a: TensorType, b: TensorType, at: InferContext): void {
  const spatial = a.shape.length - 2
  at.require(
    "c1",
    a.dtype === b.dtype &&
      (a.dtype === "f32" || a.dtype === "f16") &&
      a.shape.length === b.shape.length &&
      spatial >= 1 &&
      spatial <= 3,
    () => `the arguments are ${printType(a)} and ${printType(b)}`,
    {
      help:
        a.dtype === b.dtype && (a.dtype === "f32" || a.dtype === "f16")
          ? "for n spatial axes, both have n + 2 axes: [batch, channels, sizes...] and [outputs, channels, window...]"
          : "convert them to one float dtype: `f32(...)`",
    },
  )
}
function requireStatic(shape: Shape, at: InferContext): number[] {
  return shape.map((d) => {
    at.require("c2", isStatic(d), () => dependsOnBatch(shape), {
      help: "only the first axis may be the batch: [B, channels, sizes...]",
    })
    return d
  })
}
function requireSliding(attrs: Attrs, axes: number, at: InferContext): void {
  at.require(
    "c3",
    slidingAttrsFit(attrs, axes),
    () => `${printSliding(attrs)}, for ${countOf(axes, "spatial axis", "spatial axes")}`,
  )
}
function requireChannels(
  channels: number,
  outputs: number,
  perGroup: number,
  attrs: Attrs,
  at: InferContext,
): void {
  const groups = intAttr(attrs, "groups")
  at.require(
    "c4",
    groups >= 1 && channels % groups === 0 && outputs % groups === 0,
    () => `${channels} channels in and ${outputs} out do not split into ${groups} groups`,
    { help: "give a number of groups that divides both" },
  )
  at.require(
    "c4",
    perGroup * groups === channels,
    () =>
      `the input has ${channels} channels, the weight reads ${perGroup} in ${groups === 1 ? "all" : `each of ${groups} groups`}`,
    { help: `a weight of [${outputs}, ${channels / groups}, ...] fits` },
  )
}
function requireWindows(
  input: readonly number[],
  window: readonly number[],
  attrs: Attrs,
  at: InferContext,
): number[] {
  const agree = input.length === window.length && input.length === slidingAxes(attrs).length
  at.require(
    "c5",
    agree,
    () =>
      `a window of ${countOf(window.length, "axis", "axes")} for ${countOf(input.length, "spatial axis", "spatial axes")}`,
  )
  return slidingAxes(attrs).map((s, axis) => {
    const count = windowCount(input[axis]!, window[axis]!, s)
    at.require(
      "c5",
      count >= 1 && window[axis]! >= 1,
      () => `${windowTooLarge(window[axis]!, input[axis]!, s)}, spatial axis ${axis}`,
      { help: SMALLER_WINDOW },
    )
    return count
  })
}
function requireSame(found: readonly number[], wanted: readonly number[], at: InferContext): void {
  at.require(
    "c5",
    sameSizes(found, wanted),
    () => `dy has spatial sizes ${printShape(found)}, conv would give ${printShape(wanted)}`,
  )
}
const sameSizes = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i])

function sample(a: readonly Dim[], b: readonly Dim[], attrs: Attrs = {}): Sample {
  const each = (value: number): number[] => a.slice(2).map(() => value)
  const plain = {
    strides: each(1),
    padding_low: each(0),
    padding_high: each(0),
    dilation: each(1),
    groups: 1,
  }
  return { args: [tensorType("f32", a), tensorType("f32", b)], attrs: { ...plain, ...attrs } }
}
