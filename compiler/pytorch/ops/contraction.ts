/** pytorch/ops: products, convolutions, and windows that slide over the last axes. */
import type { OpName } from "../../ir/op-name.js"
import type { Attrs } from "../../ir/graph/types.js"
import { isStatic, type Shape } from "../../ir/tensor.js"
import { intAttr, intsAttr } from "../../ops/attrs.js"
import { slidingAxes, windowCount } from "../../ops/sliding.js"
import { bug } from "../../source/bug.js"
import { call, type Code, infix, LEVEL, tuple } from "../python.js"
import { made, type Spelling, type Term, type Use } from "./spelling.js"

const sizesOf = (shape: Shape, from: number): number[] =>
  shape.slice(from).map((d) => (isStatic(d) ? d : bug("a symbolic size under a window")))

/** One number where all are the same. */
const each = (values: readonly number[]): string =>
  values.every((v) => v === values[0]) ? String(values[0]) : tuple(values.map(String))
const named = (name: string, values: readonly number[], usual: number): string[] =>
  values.every((v) => v === usual) ? [] : [`${name}=${each(values)}`]

/** Padding that is the same on both sides; else undefined. */
const evenPadding = (attrs: Attrs): readonly number[] | undefined => {
  const [low, high] = [intsAttr(attrs, "padding_low"), intsAttr(attrs, "padding_high")]
  return low.every((p, i) => p === high[i]) ? low : undefined
}
const uneven = (attrs: Attrs): string[] => [
  `strides=${tuple(intsAttr(attrs, "strides").map(String))}`,
  `low=${tuple(intsAttr(attrs, "padding_low").map(String))}`,
  `high=${tuple(intsAttr(attrs, "padding_high").map(String))}`,
  `dilation=${tuple(intsAttr(attrs, "dilation").map(String))}`,
]
const groupsOf = (attrs: Attrs): string[] =>
  intAttr(attrs, "groups") === 1 ? [] : [`groups=${intAttr(attrs, "groups")}`]

/** A convolution of x with the weight and, where there is one, a bias. */
export function convolution(args: readonly Code[], attrs: Attrs): Code {
  const n = intsAttr(attrs, "strides").length
  const padding = evenPadding(attrs)
  if (padding === undefined) return call("ops.conv", ...args, ...uneven(attrs), ...groupsOf(attrs))
  return call(
    `F.conv${n}d`,
    ...args,
    ...named("stride", intsAttr(attrs, "strides"), 1),
    ...named("padding", padding, 0),
    ...named("dilation", intsAttr(attrs, "dilation"), 1),
    ...groupsOf(attrs),
  )
}

/** How many places behind the last window no window reaches. */
const leftOver = (attrs: Attrs, input: readonly number[], window: readonly number[]): number[] =>
  slidingAxes(attrs).map((s, a) => {
    const reach = (windowCount(input[a]!, window[a]!, s) - 1) * s.stride + (window[a]! - 1) * s.dilation + 1
    return input[a]! + s.low + s.high - reach
  })

export function transposedConvolution(
  args: readonly Code[],
  attrs: Attrs,
  weight: Shape,
  shape: Shape,
): Code {
  const n = intsAttr(attrs, "strides").length
  const padding = evenPadding(attrs)
  const size = sizesOf(shape, 2)
  if (padding === undefined)
    return call("ops.conv_transpose", ...args, tuple(size.map(String)), ...uneven(attrs), ...groupsOf(attrs))
  return call(
    `F.conv_transpose${n}d`,
    ...args,
    ...named("stride", intsAttr(attrs, "strides"), 1),
    ...named("padding", padding, 0),
    ...named("output_padding", leftOver(attrs, size, sizesOf(weight, 2)), 0),
    ...groupsOf(attrs),
    ...named("dilation", intsAttr(attrs, "dilation"), 1),
  )
}

const windowed = ({ attrs }: Use): string[] => [
  tuple(intsAttr(attrs, "window").map(String)),
  ...uneven(attrs),
]

const windowMax: Spelling = (use) => {
  const {
    args: [x],
    attrs,
    type,
    w,
  } = use
  const window = intsAttr(attrs, "window")
  const padding = evenPadding(attrs)
  const fits = padding?.every((p, i) => 2 * p <= window[i]!) ?? false
  const whole = w.whole(x!)
  if (!fits || x!.shape.length !== window.length + 2)
    return made(call("ops.window_max", whole, ...windowed(use)), type)
  const strides = intsAttr(attrs, "strides")
  return made(
    call(
      `F.max_pool${window.length}d`,
      whole,
      each(window),
      ...(strides.every((s, i) => s === window[i]) ? [] : [`stride=${each(strides)}`]),
      ...named("padding", padding!, 0),
      ...named("dilation", intsAttr(attrs, "dilation"), 1),
    ),
    type,
  )
}

const sizes = (shape: Shape, n: number): string => tuple(sizesOf(shape, shape.length - n).map(String))
const wholes = ({ args, w }: Use): Code[] => args.map((a: Term) => w.whole(a))

export const CONTRACTIONS = {
  matmul: ({ args: [a, b], type, w }) => {
    const product = infix("@", LEVEL.product, w.whole(a!), w.whole(b!))
    // Rows of other processes belong to the sum, too.
    if (!isStatic(a!.shape.at(-1)!)) return made(call("parallel.total", product), type)
    if (!isStatic(b!.shape.at(-1)!)) w.acrossRows()
    return made(product, type)
  },
  conv: (use) => made(convolution(wholes(use), use.attrs), use.type),
  conv_input_grad: (use) =>
    made(transposedConvolution(wholes(use), use.attrs, use.args[1]!.shape, use.type.shape), use.type),
  conv_weight_grad: (use) => {
    use.w.acrossRows()
    const size = tuple(sizesOf(use.type.shape, 0).map(String))
    return made(
      call("ops.conv_weight_grad", ...wholes(use), size, ...uneven(use.attrs), ...groupsOf(use.attrs)),
      use.type,
    )
  },
  window_sum: (use) => made(call("ops.window_sum", ...wholes(use), ...windowed(use)), use.type),
  window_sum_grad: (use) => {
    const n = intsAttr(use.attrs, "window").length
    return made(
      call("ops.window_sum_grad", ...wholes(use), sizes(use.type.shape, n), ...windowed(use)),
      use.type,
    )
  },
  window_max: windowMax,
  window_argmax: (use) => made(call("ops.window_argmax", ...wholes(use), ...windowed(use)), use.type),
  window_take: (use) => {
    const n = intsAttr(use.attrs, "window").length
    return made(call("ops.window_take", ...wholes(use), String(n)), use.type)
  },
  window_put: (use) => {
    const n = intsAttr(use.attrs, "window").length
    return made(call("ops.window_put", ...wholes(use), sizes(use.type.shape, n)), use.type)
  },
} satisfies Partial<Record<OpName, Spelling>>
