// `budget memory`: a step takes less memory, and gives the same results.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { compile, type Compiled } from "../compiler/driver/compile.js"
import { evalGraph, type EvalResult } from "../compiler/ir/graph/eval.js"
import { parseGraphs } from "../compiler/ir/graph/text.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { assertGraph } from "../compiler/ir/graph/verify.js"
import type { TensorType } from "../compiler/ir/tensor.js"
import type { NdArray } from "../compiler/ops/op.js"
import type { GroupedGraph } from "../compiler/ir/groups/types.js"
import { choices, fuse, lateGroups, order, pack, rematerialize } from "../compiler/schedule/index.js"
import { Diagnostics } from "../compiler/source/diagnostic.js"
import { renderDiagnostics } from "../compiler/source/render.js"
import { compileText } from "../compiler/driver/compile-text.js"
import { SOFTWARE_TARGET, WASM_TARGET } from "../compiler/targets/index.js"
import { SCALARS } from "../compiler/validate/values.js"
import { programsOf } from "../runtime/bundle/builds.js"
import { openBundle } from "../runtime/node.js"
import { random, randomArray } from "./support/random.js"
import { nnc, temporaryFolder } from "./support/nnc.js"

const COUNT = 256
const rows = Array.from({ length: COUNT }, (_, i) =>
  Array.from({ length: 16 }, (_, j) => Math.sin(i * (j + 1) * 0.1)),
)
const DATA = `data rows = array(x: ${JSON.stringify(rows)}, y: ${JSON.stringify(rows.map(([a, b]) => a! * b!))}) {
  x: f32[16] = column("x")
  y: f32[1] = column("y")
}
`
const DEVICES = ["webgpu", "wasm"] as const
type Device = (typeof DEVICES)[number]
interface Program {
  readonly model: string
  readonly batch: number
  /** The part of the step's memory without a budget, for intermediate results. There, kernels that are merged leave things lying about on
   *  WebGPU. */
  readonly part: Readonly<Record<Device, number>>
}
const SHORT: Program = {
  model: "  var h = x\n  for i in 0..10 { h = h |> Linear(32) |> relu |> Dropout(0.1) }\n  h |> Linear(1)",
  batch: 96,
  part: { webgpu: 1 / 2, wasm: 1 / 2 },
}
const PROGRAMS: Readonly<Record<string, Program>> = {
  "24 layers": {
    model: "  var h = x\n  for i in 0..24 { h = h |> Linear(64) |> relu }\n  h |> Linear(1)",
    batch: COUNT,
    part: { webgpu: 1 / 5, wasm: 1 / 3 },
  },
  "residual blocks with normalisation and random draws": {
    model: `  var h = x |> Linear(32)
  for i in 0..8 { h = h + (h |> LayerNorm |> Linear(128) |> gelu |> Dropout(0.2) |> Linear(32)) }
  h |> Linear(1)`,
    batch: 64,
    part: { webgpu: 1 / 2, wasm: 1 / 2 },
  },
  "convolutions and batch normalisation": {
    model: `  var h = x |> reshape([B, 1, 4, 4])
  for i in 0..6 { h = h |> Conv2d(8, kernel: 3, padding: 1) |> BatchNorm2d |> relu }
  h |> reshape([B, 128]) |> Linear(1)`,
    batch: 64,
    part: { webgpu: 2 / 3, wasm: 2 / 3 },
  },
  attention: {
    model: `  var h = x |> reshape([B, 4, 4]) |> Linear(16)
  for i in 0..4 { h = h + (h |> LayerNorm |> MultiHeadAttention(4, causal: true, dropout: 0.1)) }
  h |> reshape([B, 64]) |> Linear(1)`,
    batch: 64,
    part: { webgpu: 3 / 4, wasm: 3 / 4 },
  },
}

const source = ({ model, batch }: Program, budget?: number): string => `${DATA}
model Net(x: f32[B, 16]) -> f32[B, 1] {
${model}
}
train on rows {
  minimize mse(Net(x), y) with Adam(lr: 0.001)
  steps 6, batch ${batch}, shuffle${budget === undefined ? "" : `\n  budget memory ${budget / 1024} KiB`}
}
`

function compiled(program: Program, device: Device, budget?: number): Compiled {
  const path = "budget.nn"
  return compile({ path, text: source(program, budget) }, fileHost(path), {
    target: SOFTWARE_TARGET,
    devices: [device],
  })
}

const failed = ({ diagnostics }: Compiled): never => {
  throw new Error(renderDiagnostics(diagnostics))
}

const layout = (all: Compiled, device: Device): { state: number; work: number } => {
  const manifest = all.bundle?.manifest ?? failed(all)
  const { arenas } = manifest.builds.find(({ requires }) => requires.device === device)!
  const state = arenas.find(({ name }) => name === "state")!.bytes
  return { state, work: arenas.reduce((n, a) => n + a.bytes, 0) - state }
}

async function trained({ bundle }: Compiled, device: Device): Promise<Map<string, number[]>> {
  const trainer = await openBundle(bundle!, ".", { device })
  try {
    await trainer.train({})
    const tensors = await trainer.parameters()
    return new Map([...tensors].map(([name, { values }]) => [name, Array.from(values, Number)]))
  } finally {
    trainer.close()
  }
}

const budgetFor = (program: Program, free: Compiled, device: Device): number => {
  const { state, work } = layout(free, device)
  return state + Math.floor(work * program.part[device])
}

describe.each(DEVICES)("on %s", (device) => {
  it.each(Object.entries(PROGRAMS))("%s fit into a part of the memory", (_, program) => {
    const budget = budgetFor(program, compiled(program, device), device)
    const within = compiled(program, device, budget)
    expect(within.diagnostics).toEqual([])
    const { state, work } = layout(within, device)
    expect(state + work).toBeLessThanOrEqual(budget)
  })
})

// A driver takes seconds to compile the kernels of a program, and the graphs are changed in one way for both.
const learning = [
  ...Object.entries(PROGRAMS).map(([name, program]) => ({ name, program, device: "wasm" as const })),
  { name: "10 layers with random draws", program: SHORT, device: "webgpu" as const },
]
it.each(learning)("$name learn the same on $device", async ({ program, device }) => {
  const free = compiled(program, device)
  const within = compiled(program, device, budgetFor(program, free, device))
  const [a, b] = [await trained(free, device), await trained(within, device)]
  expect([...b.keys()]).toEqual([...a.keys()])
  for (const [name, values] of a)
    b.get(name)!.forEach((value, i) => expect(value, `${name}[${i}]`).toBeCloseTo(values[i]!, 5))
})

/** The step of a program, its groups in order. */
function groupedStep(program: Program): GroupedGraph {
  const graphs = parseGraphs(compiled(program, "wasm").stages.get("autocast")!.text())
  const cx = {
    diagnostics: new Diagnostics(),
    target: WASM_TARGET,
    remark: () => {},
    locate: () => undefined,
  }
  const step = graphs.find(({ name }) => name === "step")!
  return order.run(pack.run(fuse.run(step, cx), cx), cx)
}

it.each(Object.entries(PROGRAMS))("choices for %s mean the same", (_, program) => {
  const grouped = groupedStep(program)
  const { graph } = grouped
  const dims = { B: 2, R: 4 }
  const next = random(1)
  const arrays = (list: readonly { name: string; type: TensorType }[]): Record<string, NdArray> =>
    Object.fromEntries(list.map((v) => [v.name, randomArray(v.type, dims, next)]))
  const given = {
    inputs: arrays(graph.inputs.filter((i) => i.source.kind !== "scalar")),
    state: arrays(graph.state),
  }
  const run = (g: Graph): EvalResult => evalGraph(g, { ...given, dims, scalars: SCALARS })
  const expected = run(graph)
  const all = choices(grouped, { B: program.batch, R: COUNT })
  expect(all.some(({ again }) => [...again.values()].includes(2))).toBe(true)
  // A few from the first to the last: evaluating takes its time.
  for (const n of [1, 0.6, 0.3]) {
    const { again } = all[Math.floor((all.length - 1) * n)]!
    const changed = rematerialize(grouped, again, lateGroups(grouped))
    assertGraph(changed)
    expect(run(changed)).toEqual(expected)
  }
})

describe("what can be read of it", () => {
  const free = compiled(SHORT, "webgpu")
  const within = compiled(SHORT, "webgpu", budgetFor(SHORT, free, "webgpu"))

  it("the stage says what is computed again, and when", () => {
    expect(free.stages.get("rematerialize")!.text()).not.toContain("by rematerialize")
    const text = within.stages.get("rematerialize")!.text()
    expect(text).toMatch(/= where .* by rematerialize$/m)
    expect(text).toMatch(/= after %\d+, %\d+ :/)
  })
  it("nothing of it is merged with what comes before", () => {
    expect(within.stages.get("horizontal-fusion")!.text()).toMatch(/dispatch .*\) waits/)
    expect(free.stages.get("horizontal-fusion")!.text()).not.toMatch(/ waits/)
  })
  it("memory grows much slower than the network is deep", () => {
    const layers = (count: number): Program => ({
      ...PROGRAMS["24 layers"]!,
      model: PROGRAMS["24 layers"]!.model.replace("24", `${count}`),
    })
    const { work } = layout(compiled(layers(24), "wasm"), "wasm")
    const { state } = layout(compiled(layers(96), "wasm"), "wasm")
    expect(compiled(layers(96), "wasm", state + Math.floor(work * 0.75)).diagnostics).toEqual([])
  })
  it("a budget that is large enough changes nothing", () => {
    const { state, work } = layout(free, "webgpu")
    const same = compiled(SHORT, "webgpu", 2 ** 20 * Math.ceil((state + work) / 2 ** 20))
    const step = (c: Compiled): unknown => programsOf(c.bundle!.manifest).find((p) => p.name === "step")
    expect(step(same)).toEqual(step(free))
  })
  it("the text of the stage goes on from there", () => {
    const { batch } = SHORT
    const text = within.stages.get("rematerialize")!.text()
    const again = compileText(text, () => ({ B: batch, R: COUNT }), { target: SOFTWARE_TARGET })
    const plan = (stages: Compiled["stages"]): string =>
      /program step .*/.exec(stages.get("plan")!.text())![0]
    expect(again.diagnostics).toEqual([])
    expect(plan(again.stages)).toBe(plan(within.stages))
  })
  it("`nnc check` says what training takes", () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, "net.nn"), source(SHORT, 400 * 1024))
    const { err, exit } = nnc(["check", "net.nn"], { cwd: folder })
    expect(exit).toBe(0)
    expect(err).toMatch(
      /^net\.nn: no mistakes found\nnet\.nn: training takes [\d.]+ KiB on webgpu, [\d.]+ KiB on wasm; the budget is 400 KiB\n$/,
    )
  })
})
