/** A graph of one operation on inputs of these shapes. */
import type { OpName } from "../../compiler/ir/op-name.js"
import { GraphBuild } from "../../compiler/ir/graph/build.js"
import type { Attrs, Graph } from "../../compiler/ir/graph/types.js"
import { tensorType, type Shape } from "../../compiler/ir/tensor.js"

export interface OneOperation {
  readonly op: OpName
  readonly args: readonly Shape[]
  readonly attrs?: Attrs
}

export function graphOfOne({ op, args, attrs = {} }: OneOperation): Graph {
  const g = new GraphBuild("product")
  const inputs = args.map((shape, i) => g.input(`a${i}`, tensorType("f32", shape)))
  g.output("y", g.apply(op, inputs, attrs))
  return g.finish()
}
