/** lower: `precision mixed`: gradients of the loss times a factor, divided by it again, and no update in a step where one of them is
 *  not finite. That is asked of their bits: a device may take it that there are no such numbers. */
import type { GraphBuild } from "../ir/graph/build.js"
import type { ParameterUpdate, TrainSection } from "../ir/model/types.js"
import type { Value } from "../ops/op.js"
import { bug } from "../source/bug.js"
import type { SlotValues } from "./slots.js"

export interface Scaling {
  scaled(loss: Value): Value
  unscaled(gradient: Value): Value
  /** Undoes the optimizers' writes where one of these gradients is not finite; `update` gives the
   *  next factor. */
  settle(gradients: readonly Value[], update: (scale: Value, overflow: Value) => Value): void
}

export function scalingIn(g: GraphBuild, slots: SlotValues, train: TrainSection): Scaling | undefined {
  const { scaling } = train
  if (scaling === null) return undefined
  const origin = { ...train.origin, by: "precision mixed" }
  const scale = slots.initial(scaling.param)
  return {
    scaled: (loss) => g.at(origin).apply("mul", [loss, scale]),
    unscaled: (gradient) => g.at(origin).binary("div", gradient, scale),
    settle(gradients, update) {
      g.at(origin)
      const overflow = gradients.map((x) => overflowOf(g, x)).reduce((a, b) => g.apply("maximum", [a, b]))
      slots.keepUnless(g.apply("eq", [overflow, g.constant(0)]), train.follows)
      slots.write(scaling.param, update(scale, overflow))
    },
  }
}

/** 1 where some element is not finite, else 0. */
function overflowOf(g: GraphBuild, x: Value): Value {
  const each = g.apply("cast", [g.apply("nonfinite", [x])], { dtype: "f32" })
  const axes = x.type.shape.map((_, axis) => axis)
  return axes.length === 0 ? each : g.apply("max", [each], { axes, keepdim: false })
}

export const scalingSection = ({ scaling }: TrainSection): ParameterUpdate["section"] =>
  scaling?.section ?? bug("the section has no factor of the loss")
