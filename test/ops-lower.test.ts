/** Every operation, because it is in the registry: its lowering computes the values of its `eval`, with index arithmetic as
 *  written and as the scheduler simplifies it. */
import { describe, expect, it } from "vitest"
import type { DimValues } from "../compiler/ir/tensor.js"
import { completeAttrs, inferType } from "../compiler/ops/index.js"
import { Exprs } from "../compiler/schedule/expressions/exprs.js"
import { close } from "./support/close.js"
import { randomArgs } from "./support/gradcheck.js"
import { computed } from "./support/registry.js"
import { PlainExprs, evalLowering } from "./support/lower-eval.js"

const SIZES: readonly DimValues[] = [
  { B: 3, R: 7 },
  { B: 1, R: 1 },
]
/** Constants pass through f32 (Exprs rounds them), which shows in the seventh digit. */
const TOLERANCE = 1e-6

describe.each(computed)("$name", ({ def }) => {
  it.each(def.samples.flatMap((sample, i) => SIZES.map((dims) => ({ sample, i, dims }))))(
    "sample $i with B=$dims.B, R=$dims.R",
    ({ sample, dims }) => {
      const args = randomArgs(sample.args, dims, sample.ranges)
      const attrs = completeAttrs(def, sample.attrs ?? {})
      const scalars = { step: 5, epoch: 2, seed: 3_000_000_000, start: 1, iteration: 0 }
      const wanted = def.eval(args, attrs, { type: inferType(def, sample.args, attrs), dims, scalars })
      for (const k of [new PlainExprs(), new Exprs()]) {
        const found = evalLowering(def, sample, args, dims, k, scalars)
        expect(found).toBeDefined()
        close(found!, wanted, TOLERANCE, `${def.name} with ${k.constructor.name}`)
      }
    },
  )
})
