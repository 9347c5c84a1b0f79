/** test: rules for convolutions, pooling and changes of resolution: layers of the library and the functions beside them. */
import type { Builder, Rule, Rules } from "./build.js"
import { type Dim, isStatic, type Piece, type Shape } from "./shapes.js"

/** [N, C, sizes...], of the wanted value where it has that rank. */
function image(b: Builder, want: Shape, spatial: number): readonly [Dim, number, ...number[]] {
  if (want.length === spatial + 2 && isStatic(want.slice(1))) {
    const [n, ...rest] = want as readonly [Dim, ...number[]]
    return [n, ...rest] as [Dim, number, ...number[]]
  }
  const most = spatial === 1 ? 9 : spatial === 2 ? 5 : 3
  const shape = [b.lead(want), b.size(6), ...Array.from({ length: spatial }, () => b.size(most))]
  return b.within(shape) as readonly [Dim, number, ...number[]]
}

interface Window {
  /** Sizes before it. */
  readonly before: readonly number[]
  readonly kernel: readonly number[]
  readonly stride: number
  readonly padding: number
  readonly dilation: number
}
/** A window over sizes that gives these sizes. */
function windowTo(
  b: Builder,
  sizes: readonly number[],
  { dilated = true, ceil = false } = {},
): Window | undefined {
  const kernel = sizes.map(() => b.pick([3, 1, 2]))
  const [stride, dilation] = [b.pick([1, 1, 2]), dilated ? b.pick([1, 1, 2]) : 1]
  const padding = b.flip() && Math.min(...kernel) > 1 ? 1 : 0
  // Up to a step more, which no window reaches; with `ceil`, up to a step less.
  const rest = stride > 1 && b.flip() ? (ceil ? -1 : 1) : 0
  const before = sizes.map(
    (out, i) => (out - 1) * stride + dilation * (kernel[i]! - 1) + 1 - 2 * padding + rest,
  )
  return before.every((n) => n >= 1) ? { before, kernel, stride, padding, dilation } : undefined
}
const perAxis = (values: readonly number[]): string =>
  values.every((v) => v === values[0]) ? String(values[0]) : `[${values.join(", ")}]`
export const groupsOf = (b: Builder, ...channels: readonly number[]): number =>
  b.pick([1, 1, ...[2, 3].filter((g) => channels.every((c) => c % g === 0))])

function convolution(name: string, spatial: number, isLayer: boolean): Rule {
  return (b, want) => {
    const [n, out, ...sizes] = image(b, want, spatial)
    const w = windowTo(b, sizes)
    if (w === undefined) return undefined
    const channels = b.size(6)
    const groups = groupsOf(b, channels, out)
    const from = [n, channels, ...w.before]
    if (!b.fits(from) || out * channels * w.kernel.length > 400) return undefined
    const settings = `stride: ${w.stride}, padding: ${w.padding}, dilation: ${w.dilation}, groups: ${groups}`
    const to = [n, out, ...sizes]
    if (isLayer)
      return b.layer(
        `${name}(${out}, ${perAxis(w.kernel)}, ${settings}${b.pick(["", ", bias: false"])})`,
        from,
        to,
      )
    const bias = b.flip() ? "" : `, ${b.expr([out])}`
    return {
      text: `${name}(${b.expr(from)}, ${b.expr([out, channels / groups, ...w.kernel])}${bias}, ${settings})`,
      shape: to,
    }
  }
}

function transposed(name: string, spatial: number, isLayer: boolean): Rule {
  return (b, want) => {
    const [n, out, ...wanted] = image(b, want, spatial)
    const [stride, dilation, kernel] = [b.pick([1, 2, 1, 3]), b.pick([1, 1, 2]), b.pick([3, 2, 1])]
    const padding = b.flip() && kernel > 1 ? 1 : 0
    const extra = b.below(stride)
    const reach = dilation * (kernel - 1) + extra + 1 - 2 * padding
    const sizes = wanted.map((to) => Math.max(1, Math.round((to - reach) / stride) + 1))
    const to = sizes.map((s) => (s - 1) * stride + reach)
    const channels = b.size(6)
    const groups = groupsOf(b, channels, out)
    const from = [n, channels, ...sizes]
    if (to.some((s) => s < 1) || !b.fits(from) || !b.fits([n, out, ...to])) return undefined
    const settings = `stride: ${stride}, padding: ${padding}, output_padding: ${extra}, groups: ${groups}, dilation: ${dilation}`
    const shape = [n, out, ...to]
    if (isLayer)
      return b.layer(`${name}(${out}, ${kernel}, ${settings}${b.pick(["", ", bias: false"])})`, from, shape)
    const weight = [channels, out / groups, ...sizes.map(() => kernel)]
    const bias = b.flip() ? "" : `, ${b.expr([out])}`
    return { text: `${name}(${b.expr(from)}, ${b.expr(weight)}${bias}, ${settings})`, shape }
  }
}

function pooling(name: string, spatial: number, isLayer: boolean): Rule {
  const isMax = name.toLowerCase().startsWith("max")
  return (b, want) => {
    const [n, channels, ...sizes] = image(b, want, spatial)
    const ceil = b.flip(3)
    const w = windowTo(b, sizes, { dilated: isMax, ceil })
    if (w === undefined || w.padding * 2 > Math.min(...w.kernel)) return undefined
    const from = [n, channels, ...w.before]
    if (!b.fits(from)) return undefined
    const settings = [
      `stride: ${w.stride}`,
      `padding: ${w.padding}`,
      ...(isMax ? [`dilation: ${w.dilation}`] : b.flip() ? ["count_pad: false"] : []),
      ...(ceil ? ["ceil: true"] : []),
    ].join(", ")
    const to = [n, channels, ...sizes]
    if (isLayer) return b.layer(`${name}(${perAxis(w.kernel)}, ${settings})`, from, to)
    return { text: `${name}(${b.expr(from)}, ${perAxis(w.kernel)}, ${settings})`, shape: to }
  }
}
/** Windows side by side, as they are when no stride is given. */
function binned(name: string, spatial: number, isLayer: boolean): Rule {
  return (b, want) => {
    const [n, channels, ...sizes] = image(b, want, spatial)
    const bins = spatial === 1 ? String(sizes[0]) : `[${sizes.join(", ")}]`
    const before = sizes.map((s) => (b.flip() ? s * b.pick([2, 1, 3]) : s + b.below(4)))
    const from = [n, channels, ...before]
    if (!b.fits(from)) return undefined
    const to = [n, channels, ...sizes]
    return isLayer
      ? b.layer(`${name}(${bins})`, from, to)
      : { text: `${name}(${b.expr(from)}, ${bins})`, shape: to }
  }
}

export const CONVOLUTIONS: Rules[string] = {
  conv1d: convolution("conv1d", 1, false),
  conv2d: convolution("conv2d", 2, false),
  conv3d: convolution("conv3d", 3, false),
  conv_transpose1d: transposed("conv_transpose1d", 1, false),
  conv_transpose2d: transposed("conv_transpose2d", 2, false),
}
export const CONVOLUTION_LAYERS: Rules[string] = {
  Conv1d: convolution("Conv1d", 1, true),
  Conv2d: convolution("Conv2d", 2, true),
  Conv3d: convolution("Conv3d", 3, true),
  ConvTranspose1d: transposed("ConvTranspose1d", 1, true),
  ConvTranspose2d: transposed("ConvTranspose2d", 2, true),
}

const upsample =
  (text: (b: Builder, from: Shape, scale: number) => Piece["text"]): Rule =>
  (b, want) => {
    const [n, c, h, w] = image(b, want, 2)
    const scale = b.pick([2, 3, 1].filter((s) => h! % s === 0 && w! % s === 0))
    if (scale === undefined) return undefined
    return { text: text(b, [n, c, h! / scale, w! / scale], scale), shape: [n, c, h!, w!] }
  }
const shuffled =
  (text: (b: Builder, from: Shape, r: number) => string): Rule =>
  (b, want) => {
    const [n, c, h, w] = image(b, want, 2)
    const r = h! % 2 === 0 && w! % 2 === 0 ? 2 : 1
    return { text: text(b, [n, c * r * r, h! / r, w! / r], r), shape: [n, c, h!, w!] }
  }

export const POOLING: Rules[string] = {
  max_pool1d: pooling("max_pool1d", 1, false),
  max_pool2d: pooling("max_pool2d", 2, false),
  max_pool3d: pooling("max_pool3d", 3, false),
  avg_pool1d: pooling("avg_pool1d", 1, false),
  avg_pool2d: pooling("avg_pool2d", 2, false),
  MaxPool1d: pooling("MaxPool1d", 1, true),
  MaxPool2d: pooling("MaxPool2d", 2, true),
  MaxPool3d: pooling("MaxPool3d", 3, true),
  AvgPool1d: pooling("AvgPool1d", 1, true),
  AvgPool2d: pooling("AvgPool2d", 2, true),
  adaptive_max_pool2d: binned("adaptive_max_pool2d", 2, false),
  AdaptiveMaxPool2d: binned("AdaptiveMaxPool2d", 2, true),
  adaptive_avg_pool1d: binned("adaptive_avg_pool1d", 1, false),
  adaptive_avg_pool2d: binned("adaptive_avg_pool2d", 2, false),
  AdaptiveAvgPool1d: binned("AdaptiveAvgPool1d", 1, true),
  AdaptiveAvgPool2d: binned("AdaptiveAvgPool2d", 2, true),
  global_avg_pool2d: (b, want) => {
    const [n, c] = want.length === 2 && want[1] !== "B" ? want : [b.lead(want), b.size(6)]
    const from = b.within([n!, c!, b.size(5), b.size(5)])
    return { text: `global_avg_pool2d(${b.expr(from)})`, shape: from.slice(0, 2) }
  },
  upsample_nearest2d: upsample((b, from, s) => `upsample_nearest2d(${b.expr(from)}, ${s})`),
  upsample_bilinear2d: upsample((b, from, s) => `upsample_bilinear2d(${b.expr(from)}, ${s})`),
  Upsample: upsample(
    (b, from, s) => `(${b.expr(from)} |> Upsample(${s}${b.pick(["", ', mode: "bilinear"'])}))`,
  ),
  pixel_shuffle: shuffled((b, from, r) => `pixel_shuffle(${b.expr(from)}, ${r})`),
  PixelShuffle: shuffled((b, from, r) => `(${b.expr(from)} |> PixelShuffle(${r}))`),
}
