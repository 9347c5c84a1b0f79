/** test: trials as a user would run them: optimised, fused, packed, planned together in one bundle, and run on a device. */
import { tmpdir } from "node:os"
import { forDevices } from "../../compiler/driver/emit.js"
import { stateOf } from "../../compiler/driver/levels.js"
import { encode } from "../../compiler/bundle/encode.js"
import { Compilation } from "../../compiler/driver/compilation.js"
import type { Graph } from "../../compiler/ir/graph/types.js"
import type { DimValues } from "../../compiler/ir/tensor.js"
import type { TargetProfile } from "../../compiler/targets/index.js"
import { SCALARS } from "../../compiler/validate/values.js"
import type { Bundle } from "../../runtime/bundle/format.js"
import { openBundle } from "../../runtime/node.js"
import { factsFor } from "./passes.js"
import { type Trial, wrongResults } from "./trial.js"

export interface Where {
  readonly device: "webgpu" | "wasm"
  readonly target: TargetProfile
  /** The largest sizes that memory is laid out for. */
  readonly dims: DimValues
}

/** Runs every trial and gives `check` what is wrong with it. The graphs, and the slots of all, have names of their own. */
export async function runTrials(
  trials: readonly Trial[],
  where: Where,
  tolerance: number,
  check: (trial: Trial, wrong: readonly string[]) => void,
): Promise<void> {
  const graphs = new Set(trials.map((t) => t.graph))
  const trainer = await openBundle(bundleOf([...graphs], where), tmpdir(), { device: where.device })
  const { step, epoch, seed, start } = SCALARS
  for (const trial of trials) {
    const run = trial.start()
    const slots = new Set(trial.graph.state.map((s) => s.name))
    const { inputs } = trainer.bundle.manifest.programs.find((p) => p.name === trial.graph.name)!
    const isRead = (name: string): boolean => inputs.some((i) => i.name === name)
    const given = [...run.buffers]
    trainer.setParameters(Object.fromEntries(given.filter(([name]) => slots.has(name))))
    const feeds = Object.fromEntries(given.filter(([name]) => isRead(name)))
    const batch = run.dims.B
    const outputs = await trainer.runProgram(trial.graph.name, feeds, { batch, step, epoch, seed, start })
    const after = await trainer.parameters(true)
    const buffers = new Map([...after].map(([name, { values }]) => [name, values]))
    const results = new Map(Object.entries(outputs).map(([name, { values }]) => [name, values]))
    check(trial, wrongResults(trial, results, { ...run, buffers }, tolerance))
  }
  trainer.close()
}

function bundleOf(graphs: readonly Graph[], { device, target, dims }: Where): Bundle {
  // The code for GPUs runs on the software adapter of the tests, too.
  const anywhere = { ...target, adapter: { features: target.adapter?.features ?? [] } }
  const run = new Compilation({ target: anywhere, devices: [device] })
  const code = forDevices(stateOf("graphs", graphs), factsFor(dims), run)
  const model = { data: [], slots: [], predicts: [], trains: [], weights: [] }
  return encode({ name: "trials", compiler: "test", model, ...code, data: [] })
}
