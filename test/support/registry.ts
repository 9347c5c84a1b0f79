/** test: the operations that the tests of the registry go through, and the one list of what they leave out, each with the reason and
 *  the place where it is tested instead. */
import { GraphBuild } from "../../compiler/ir/graph/build.js"
import type { Graph } from "../../compiler/ir/graph/types.js"
import { allOps } from "../../compiler/ops/index.js"
import type { OpDef, Sample } from "../../compiler/ops/op.js"

/** Operations that compute nothing by themselves: no values, lowering, kernels or samples. */
export const NOT_COMPUTED: Readonly<Record<string, string>> = {
  grad: "becomes other operations: every gradient in ops.test.ts goes through it",
  scan: "runs a region, which a sample cannot hold: scan.test.ts",
  scan_result: "takes a result out of a scan: scan.test.ts",
}

const picks = "its gradient picks by comparing, which has none: that of its square is checked instead"
/** Operations whose gradient has itself no gradient but 0, which autodiff refuses as lost. */
export const NO_SECOND_GRADIENT: Readonly<Record<string, string>> = {
  maximum: picks,
  minimum: picks,
  max: picks,
  min: picks,
  window_max: picks,
}

/** Every other operation, with its name for `describe.each`. */
export const computed: readonly { readonly def: OpDef; readonly name: string }[] = allOps()
  .filter((def) => !(def.name in NOT_COMPUTED))
  .map((def) => ({ def, name: def.name }))

/** One application of an operation: its arguments are the inputs a0, a1, ..., its result the output y. */
export function graphOf(def: OpDef, sample: Sample, name: string = def.name): Graph {
  const g = new GraphBuild(name)
  const args = sample.args.map((t, i) => g.input(`a${i}`, t))
  g.output("y", g.apply(def.name, args, sample.attrs))
  return g.finish()
}
