/** Random programs as a user would run them, on both devices, and on WebGPU with the kernels for a GPU too, against the float64
 *  interpreter. */
import fc from "fast-check"
import { expect, it } from "vitest"
import { printGraph } from "../compiler/ir/graph/text.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { DEFAULT_TARGET, SOFTWARE_TARGET } from "../compiler/targets/index.js"
import { runTrials } from "./support/device-trials.js"
import { graphOf, randomProgram } from "./support/random-graph.js"
import { DIMS, randomTrial, TOLERANCE } from "./support/random-trial.js"

/** A kernel takes llvmpipe tens of milliseconds to compile, wherefore there are fewer. */
const DEVICES = [
  { device: "webgpu", target: SOFTWARE_TARGET, programs: 40 },
  { device: "webgpu", target: DEFAULT_TARGET, programs: 40 },
  { device: "wasm", target: SOFTWARE_TARGET, programs: 250 },
] as const

/** One name for the graph and before all its slots, which live side by side. */
const named = (graph: Graph, name: string): Graph => ({
  ...graph,
  name,
  state: graph.state.map((s) => ({ ...s, name: `${name}.${s.name}` })),
})
const trials = fc
  .sample(randomProgram, { seed: 6, numRuns: 250 })
  .flatMap((program, i) => randomTrial(named(graphOf(program, DIMS), `p${i}`)) ?? [])

it.each(DEVICES)("on $device, kernels for $target.name", async ({ device, target, programs }) => {
  const some = trials.slice(0, programs)
  await runTrials(some, { device, target, dims: DIMS }, TOLERANCE, ({ graph }, wrong) =>
    expect(wrong, printGraph(graph)).toEqual([]),
  )
})
