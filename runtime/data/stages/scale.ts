/** runtime/data: `scale(1 / 255)`. */
import type { Fitting } from "./stage.js"

export const scale: Fitting<{ readonly kind: "scale"; readonly by: number }> = {
  fit: ({ by }) => ({ kind: "affine", from: "scale", scale: [by], shift: [0] }),
}
