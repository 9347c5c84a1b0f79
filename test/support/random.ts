/** Seeded random arrays, so that a failure can be repeated. */
import { evalShape } from "../../compiler/ir/tensor.js"
import type { DimValues, TensorType } from "../../compiler/ir/tensor.js"
import type { NdArray } from "../../compiler/ops/op.js"

export { randomNumbers as random } from "../../compiler/validate/values.js"
export type Random = () => number

/** Floats from [lo, hi], integers from [lo, hi), bools 0 or 1. */
export function randomArray(
  type: TensorType,
  dims: DimValues,
  next: Random,
  [lo, hi]: readonly [number, number] = [-2, 2],
): NdArray {
  const shape = evalShape(type.shape, dims)
  const draw = (): number => {
    switch (type.dtype) {
      case "bool":
        return next() < 0.5 ? 0 : 1
      case "i32":
        return Math.floor(lo + (hi - lo) * next())
      case "u32":
        return Math.floor(Math.max(lo, 0) + (hi - Math.max(lo, 0)) * next())
      case "f32":
      case "f16":
        return lo + (hi - lo) * next()
    }
  }
  return { shape, data: Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, draw) }
}
