/** lower: gradient clipping, between the gradients of one objective and the optimizer. */
import type { GraphBuild } from "../ir/graph/build.js"
import type { TrainSettings } from "../ir/model/types.js"
import type { Origin } from "../ir/origin.js"
import type { Value } from "../ops/op.js"
import { bug } from "../source/bug.js"

/** The gradients as the optimizer gets them. */
export function clip(
  g: GraphBuild,
  gradients: readonly Value[],
  settings: TrainSettings,
  origin: Origin,
): readonly Value[] {
  let clipped = gradients
  if (settings.clipValue !== null)
    clipped = clipValue(g.at({ ...origin, by: "clip_value" }), clipped, settings.clipValue)
  if (settings.clipNorm !== null)
    clipped = clipNorm(g.at({ ...origin, by: "clip_norm" }), clipped, settings.clipNorm)
  return clipped
}

/** g held within [-bound, bound], as torch.nn.utils.clip_grad_value_. */
const clipValue = (g: GraphBuild, gradients: readonly Value[], bound: number): Value[] =>
  gradients.map((x) => {
    const low = g.constant(-bound, x.type.dtype)
    const high = g.constant(bound, x.type.dtype)
    return g.binary("minimum", g.binary("maximum", x, low), high)
  })

/** g * min(1, max / (norm + 1e-6)), norm the 2-norm of all gradients together, as torch.nn.utils.clip_grad_norm_. */
function clipNorm(g: GraphBuild, gradients: readonly Value[], max: number): readonly Value[] {
  if (gradients.length === 0) return gradients
  const squares = gradients.map((x) => {
    const square = g.apply("mul", [x, x])
    const axes = x.type.shape.map((_, axis) => axis)
    return axes.length === 0 ? square : g.apply("sum", [square], { axes, keepdim: false })
  })
  const total = squares.reduce((sum, s) => g.apply("add", [sum, s])) ?? bug("no gradient to clip")
  const norm = g.apply("add", [g.apply("sqrt", [total]), g.constant(1e-6)])
  const scale = g.apply("minimum", [g.apply("div", [g.constant(max), norm]), g.constant(1)])
  return gradients.map((x) => g.binary("mul", x, scale))
}
