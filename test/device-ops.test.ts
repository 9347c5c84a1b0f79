/** Every operation of the registry on the WebGPU adapter, through optimizer, scheduler, memory plan, WGSL and runtime, against what it
 *  means in double precision. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { forDevices } from "../compiler/driver/emit.js"
import { stateOf } from "../compiler/driver/levels.js"
import { encode } from "../compiler/bundle/encode.js"
import { Compilation } from "../compiler/driver/compilation.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import type { Sample } from "../compiler/ops/op.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { deviceArray } from "../compiler/validate/validate.js"
import { SCALARS } from "../compiler/validate/values.js"
import type { Bundle } from "../runtime/bundle/format.js"
import type { Device } from "../runtime/device/device.js"
import { RunError } from "../runtime/error.js"
import { openNodeDevice } from "../runtime/device/node-gpu.js"
import { callOnce } from "../runtime/exec/calls.js"
import { forBuild } from "../runtime/bundle/builds.js"
import { loadBundle, type LoadedBundle } from "../runtime/exec/loaded-bundle.js"
import { randomArgs } from "./support/gradcheck.js"
import { factsFor } from "./support/passes.js"
import { computed, graphOf } from "./support/registry.js"
import { trialOf, wrongResults } from "./support/trial.js"

const DIMS = { B: 3, R: 7 }
/** Of halves: what they hold, and sums of them. */
const tolerance = (graph: Graph): number => (isHalf(graph) ? 4e-3 : 2e-4)
const isHalf = ({ inputs, nodes }: Graph): boolean =>
  [...inputs, ...nodes].some((v) => v.type.dtype === "f16")

interface Case {
  readonly name: string
  readonly sample: Sample
  readonly graph: Graph
}
const cases: readonly Case[] = computed.flatMap(({ def, name }) =>
  def.samples.map((sample, i) => ({ name, sample, graph: graphOf(def, sample, `${name}.${i}`) })),
)

/** One program for each graph. */
function bundleOf(graphs: readonly Graph[]): Bundle {
  const run = new Compilation({ target: DEFAULT_TARGET, devices: ["webgpu"] })
  const code = forDevices(stateOf("graphs", graphs), factsFor(DIMS), run)
  const model = { data: [], slots: [], predicts: [], trains: [], weights: [] }
  return encode({ name: "ops", compiler: "test", model, ...code, data: [] })
}

async function difference(loaded: LoadedBundle, { sample, graph }: Case): Promise<string[]> {
  const values = randomArgs(sample.args, DIMS, sample.ranges)
  const trial = trialOf(graph, values, DIMS)
  const program = loaded.program(graph.name, { id: "rows", rows: DIMS.R, fields: new Map() })
  for (const { name } of program.spec.inputs) program.feed(name, values[Number(name.slice(1))]!.data)
  callOnce(program, { ...SCALARS, ...DIMS })
  const output = program.output("y")!
  const { values: found, dtype } = await program.read(output, DIMS.B)
  return wrongResults(trial, new Map([["y", deviceArray(found, dtype)]]), trial.start(), tolerance(graph))
}

describe.each([
  { dtype: "f32, integers and bools", isIn: (c: Case) => !isHalf(c.graph) },
  { dtype: "f16", isIn: (c: Case) => isHalf(c.graph) },
])("$dtype", ({ isIn }) => {
  const mine = cases.filter(isIn)
  let device: Device | undefined
  let loaded: LoadedBundle | undefined
  let refused = ""
  beforeAll(async () => {
    const bundle = bundleOf(mine.map((c) => c.graph))
    try {
      const { requires } = bundle.manifest.builds[0]!
      if (requires.device !== "webgpu") throw new Error("compiled for WebGPU")
      device = await openNodeDevice(requires)
    } catch (caught) {
      // An adapter may lack halves: then no program with them opens, and these tests say so.
      if (!(caught instanceof RunError) || caught.code !== "device-limits") throw caught
      refused = caught.message
      return
    }
    loaded = await loadBundle(forBuild(bundle), device)
  }, 120_000)
  afterAll(() => device?.close())

  it.for([...new Set(mine.map((c) => c.name))].map((name) => ({ name })))(
    "$name",
    async ({ name }, { skip }) => {
      if (!loaded) return skip(refused)
      for (const c of mine)
        if (c.name === name) expect([c.graph.name, ...(await difference(loaded, c))]).toEqual([c.graph.name])
    },
  )
})
