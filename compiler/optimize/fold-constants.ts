/** optimize/fold-constants: scalars that are known are computed now.   Graph -> Graph
 *  Guarantees: no pointwise node has only constants as arguments.
 *  Computed in double precision and rounded once, when the kernel is written.
 *  Not here:   anything with an axis: a table in the kernel is worth less than the loop that makes it. */
import { rewritten } from "../ir/graph/build.js"
import type { GraphBuild } from "../ir/graph/build.js"
import type { AttrValue, Graph, Node } from "../ir/graph/types.js"
import { floatAttr } from "../ops/attrs.js"
import { opDef } from "../ops/index.js"
import type { EvalContext, NdArray, Value } from "../ops/op.js"
import { constant } from "../ops/source.js"
import type { Pass } from "../pass.js"

export const foldConstants: Pass<Graph, Graph> = {
  name: "fold-constants",
  summary: "compute scalars that are known",
  run: (graph) =>
    rewritten(graph, (g, node, args) => {
      const known = knownValue(g, node, args)
      return known === undefined ? undefined : g.constant(known, node.type.dtype)
    }),
}

/** The value of a scalar node of constants. */
function knownValue(g: GraphBuild, node: Node, args: readonly Value[]): number | undefined {
  const def = opDef(node.op)
  const foldable = def.traits.kind === "pointwise" || def.traits.kind === "source"
  if (!foldable || node.type.shape.length > 0 || Object.values(node.attrs).some(isSymbolic)) return undefined
  const constants: NdArray[] = []
  for (const arg of args) {
    const value = constantValue(g, arg)
    if (value === undefined) return undefined
    constants.push({ shape: [], data: Float64Array.of(value) })
  }
  return def.eval(constants, node.attrs, { type: node.type, ...NO_CALL }).data[0]!
}

/** Nothing that is folded looks at the call it runs in. */
const NO_CALL: Omit<EvalContext, "type"> = {
  dims: { B: NaN, R: NaN },
  scalars: { step: NaN, epoch: NaN, seed: NaN, start: NaN, iteration: NaN },
}

/** The number that a scalar constant is. */
export function constantValue(g: GraphBuild, value: Value): number | undefined {
  const node = g.node(value)
  return node !== undefined && opDef(node.op) === constant ? floatAttr(node.attrs, "value") : undefined
}

const isSymbolic = (value: AttrValue): boolean =>
  Array.isArray(value) ? value.some(isSymbolic) : typeof value === "object" && value !== null
