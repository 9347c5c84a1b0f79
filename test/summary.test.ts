// `nnc summary`: the layers of every model of an example, as a table that people read, and figures that add up.

import { describe, expect, it } from "vitest"
import { compileFile } from "../compiler/cli/compile-file.js"
import { whenConverted } from "../compiler/cli/convert/index.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import type { Model } from "../compiler/ir/model/types.js"
import { summarize } from "../compiler/summary/summary.js"
import { nnc } from "./support/nnc.js"
import { programs } from "./support/programs.js"

/** Those whose data is part of the repository. */
const examples = programs()
  .map(({ path }) => path)
  .filter((path) => path.startsWith("examples/") && !path.includes("mnist"))

describe("nnc summary", () => {
  it("says of a convolutional network what its layers give, learn, compute and keep", () => {
    const { exit, out } = nnc(["summary", "examples/digits/digits.nn"])
    expect(exit).toBe(0)
    expect(`\n${out}`).toBe(`
Digits(x: f32[B, 64]) -> f32[B, 10]  (examples/digits/digits.nn:9:7)
              layer      output            parameters  multiply-adds       kept  line
conv2d.0      Conv2d     f32[B, 16, 8, 8]         160          9,216               11
relu                     f32[B, 16, 8, 8]                                 4 KiB    11
max_pool2d.0  MaxPool2d  f32[B, 16, 4, 4]                                 1 KiB    11
conv2d.1      Conv2d     f32[B, 32, 4, 4]       4,640         73,728               12
relu                     f32[B, 32, 4, 4]                                 2 KiB    12
max_pool2d.1  MaxPool2d  f32[B, 32, 2, 2]                             512 bytes    12
flatten.0     Flatten    f32[B, 128]                                               13
linear.0      Linear     f32[B, 10]             1,290          1,280               13
              all                               6,090         84,224    7.5 KiB
of one row; \`kept\` is what a step holds for its gradient
`)
  })

  it.each(examples)("adds up in %s", async (file) => {
    const { stages } = await whenConverted(() => compileFile(file, { stopAfter: "autocast" }))
    const model = stages.get("model")?.json() as Model
    const graphs = stages.get("autocast")?.json() as readonly Graph[]
    const step = graphs.find(({ name }) => name.startsWith("step"))
    for (const { layers, ...all } of summarize(model, step)) {
      const outer = layers.filter(({ depth }) => depth === 0)
      for (const of of ["parameters", "multiplyAdds", "kept"] as const)
        expect(
          outer.reduce((sum, layer) => sum + layer[of], 0),
          of,
        ).toBeLessThanOrEqual(all[of])
    }
  })

  it("refuses a train section that is not there", () => {
    const { exit, err } = nnc(["summary", "examples/digits/digits.nn", "--train", "other"])
    expect(exit).toBe(1)
    expect(err).toMatch(/unknown-name.*other/)
  })
})
