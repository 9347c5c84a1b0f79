/** Random programs as a user would run them: optimised, fused, packed, planned together, in one bundle, on both devices, against
 *  the float64 interpreter. */
import { tmpdir } from "node:os"
import fc from "fast-check"
import { expect, it } from "vitest"
import { forDevices } from "../compiler/back-end.js"
import { encode } from "../compiler/bundle/encode.js"
import { Compilation } from "../compiler/compilation.js"
import { printGraph } from "../compiler/ir/graph/text.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { SOFTWARE_TARGET } from "../compiler/target.js"
import type { Bundle } from "../runtime/bundle/format.js"
import { openBundle } from "../runtime/node.js"
import { graphOf, randomProgram } from "./support/random-graph.js"
import { DIMS, randomTrial, TOLERANCE } from "./support/random-trial.js"
import { SCALARS, type Trial, wrongResults } from "./support/trial.js"

/** A kernel takes llvmpipe tens of milliseconds to compile, wherefore there are fewer. */
const PROGRAMS = { webgpu: 40, wasm: 250 } as const

/** One name for the graph and before all its slots, which live side by side. */
const named = (graph: Graph, name: string): Graph => ({
  ...graph,
  name,
  state: graph.state.map((s) => ({ ...s, name: `${name}.${s.name}` })),
})
const trials = fc
  .sample(randomProgram, { seed: 6, numRuns: PROGRAMS.wasm })
  .flatMap((program, i) => randomTrial(named(graphOf(program, DIMS), `p${i}`)) ?? [])

it.each(["webgpu", "wasm"] as const)("on %s", async (device) => {
  const some = trials.slice(0, PROGRAMS[device])
  const trainer = await openBundle(bundleOf(some, device), tmpdir(), { device })
  const { step, epoch, seed, start } = SCALARS
  for (const trial of some) {
    const run = trial.start()
    const slots = new Set(trial.graph.state.map((s) => s.name))
    const { inputs } = trainer.bundle.manifest.programs.find((p) => p.name === trial.graph.name)!
    const isRead = (name: string): boolean => inputs.some((i) => i.name === name)
    const given = [...run.buffers]
    trainer.setParameters(Object.fromEntries(given.filter(([name]) => slots.has(name))))
    const feeds = Object.fromEntries(given.filter(([name]) => isRead(name)))
    const outputs = await trainer.runProgram(trial.graph.name, feeds, {
      batch: DIMS.B,
      step,
      epoch,
      seed,
      start,
    })
    const after = await trainer.parameters(true)
    const buffers = new Map([...after].map(([name, { values }]) => [name, values]))
    const results = new Map(Object.entries(outputs).map(([name, { values }]) => [name, values]))
    const wrong = wrongResults(trial, results, { ...run, buffers }, TOLERANCE)
    expect(wrong, printGraph(trial.graph)).toEqual([])
  }
  trainer.close()
})

function bundleOf(some: readonly Trial[], device: "webgpu" | "wasm"): Bundle {
  const run = new Compilation({ target: SOFTWARE_TARGET, devices: [device] })
  const code = forDevices(
    some.map((t) => t.graph),
    () => DIMS,
    run,
  )
  const model = { data: [], slots: [], predicts: [], trains: [] }
  return encode({ name: "random", compiler: "test", model, ...code, data: [] })
}
