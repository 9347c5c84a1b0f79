// Runs that differ in numbers only train at once: each has the results that it has alone, to the bit, its checkpoints too.

import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import { compileRuns } from "../compiler/driver/compile-runs.js"
import { DEFAULT_TARGET, SOFTWARE_TARGET } from "../compiler/targets/index.js"
import { openBatched, openBundle, type Trainer, type TrainEvent } from "../runtime/node.js"
import { temporaryFolder } from "./support/nnc.js"

const rows = Array.from({ length: 40 }, (_, i) => [Math.sin(i), Math.cos(1.7 * i), Math.sin(0.3 * i * i)])
const targets = rows.map(([a, b, c]) => a! * b! - c!)

const program = (model: string, optimizer: string, more = ""): string => `let lr = 1e-2
let rate = 0.25
let width = 6

data rows = array(x: ${JSON.stringify(rows)}, y: ${JSON.stringify(targets)}) {
  x: f32[3] = column("x") |> standardize
  y: f32[1] = column("y")
  split train: 0.6, val: 0.4, seed: 1
}
model Net(x: f32[B, 3]) -> f32[B, 1] { ${model} }
train on rows {
  let z = Net(x)
  minimize mse(z, y) with ${optimizer}
  report fit = r2(z, y)
  batch 8, shuffle, seed 3, epochs 4
  ${more}
}
`
const PLAIN = program("x |> Linear(width) |> relu |> Linear(1)", "SGD(lr: lr, momentum: 0.9)")
const RICH = program(
  "x |> Linear(width) |> BatchNorm1d |> tanh |> Dropout(rate) |> Linear(1)",
  "AdamW(lr: constant(lr, warmup: 3), weight_decay: 0.01)",
  "clip_norm 1.0, keep average ema(decay: 0.9), patience 2 epochs",
)
const LOOP = program("let h = unsqueeze(x, -1) |> GRU(3)\n  h[:, -1] |> Linear(1)", "Adam(lr: lr)")

type Device = "wasm" | "webgpu"
type Settings = Readonly<Record<string, string>>

/** Everything that a run leaves. */
async function outcomeOf(trainer: Trainer): Promise<object> {
  const folder = join(temporaryFolder(), "run")
  const events: TrainEvent[] = []
  const failure = await trainer
    .train({ runFolder: folder, onEvent: (event) => events.push(event) })
    .then(
      () => undefined,
      (caught: unknown) => String(caught),
    )
    .finally(() => trainer.close())
  const there = existsSync(join(folder, "checkpoints"))
  const checkpoints = there ? readdirSync(join(folder, "checkpoints")) : []
  return {
    reports: events.filter(({ event }) => event === "report"),
    checkpoints: checkpoints.map((name) => [name, readFileSync(join(folder, "checkpoints", name), "base64")]),
    failure,
  }
}

const options = (device: Device) =>
  ({ target: device === "wasm" ? DEFAULT_TARGET : SOFTWARE_TARGET, devices: [device] }) as const
const source = (text: string) => ({ path: "p.nn", text })
const given = (settings: Settings) => new Map(Object.entries(settings))

const setsOf = (text: string, runs: readonly Settings[], device: Device = "wasm", most = 2 ** 26) =>
  compileRuns(source(text), fileHost("p.nn"), runs.map(given), { ...options(device), most })

async function alone(text: string, settings: Settings, device: Device): Promise<object> {
  const { bundle } = compile(source(text), fileHost("p.nn"), {
    ...options(device),
    settings: given(settings),
  })
  return outcomeOf(await openBundle(bundle!, ".", { device }))
}

describe("runs at once leave what each leaves alone", () => {
  it.each<[string, string, readonly Settings[], Device]>([
    ["rates", PLAIN, [{ lr: "0.01" }, { lr: "0.1" }, { lr: "0.003" }], "wasm"],
    ["a number that another part of the program has too", RICH, [{ lr: "0.01" }, { lr: "0.9" }], "wasm"],
    ["a draw", RICH, [{ rate: "0.1" }, { rate: "0.3" }], "wasm"],
    [
      "patience that runs out, and a loss that is NaN",
      RICH,
      ["0.3", "1e30", "1e-5"].map((lr) => ({ lr })),
      "wasm",
    ],
    ["loops over time", LOOP, [{ lr: "0.02" }, { lr: "0.1" }], "wasm"],
    ["many steps in one dispatch", PLAIN, [{ lr: "0.02" }, { lr: "0.1" }], "webgpu"],
    ["kernels of a GPU, and a loss that is NaN", RICH, [{ lr: "1e30" }, { lr: "0.1" }], "webgpu"],
  ])("%s", async (_, text, settings, device) => {
    const [set, ...others] = setsOf(text, settings, device)
    expect(others).toEqual([])
    expect(set?.runs).toEqual(settings.map((_, run) => run))
    const trainers = await openBatched(set!.bundles, ".", { device })
    const together = await Promise.all(trainers.map(outcomeOf))
    for (const [run, each] of settings.entries())
      expect(together[run], JSON.stringify(each)).toEqual(await alone(text, each, device))
  })
})

describe("runs are trained at once", () => {
  const sets = (...settings: Settings[]) => setsOf(PLAIN, settings).map(({ runs }) => runs)

  it("where they differ in numbers only, each shape by itself", () => {
    const grid = ["4", "8"].flatMap((width) => ["0.1", "0.2"].map((lr) => ({ width, lr })))
    expect(sets(...grid)).toEqual([
      [0, 1],
      [2, 3],
    ])
  })
  it("where there are two", () => expect(sets({ width: "4" }, { width: "8" })).toEqual([]))
  it("without those that do not compile", () =>
    expect(sets({ lr: "0.1" }, { width: "0" }, { lr: "0.2" })).toEqual([[0, 2]]))
  it("as many as there is room for", () => {
    const runs = ["0.1", "0.2", "0.3", "0.4"].map((lr) => ({ lr }))
    const arenas = setsOf(PLAIN, runs)[0]!.bundles[0]!.bundle.manifest.builds[0]!.arenas
    const bytes = arenas.reduce((sum, arena) => sum + arena.bytes, 0)
    expect(setsOf(PLAIN, runs, "wasm", bytes / 2).map((set) => set.runs)).toEqual([
      [0, 1],
      [2, 3],
    ])
    expect(setsOf(PLAIN, runs, "wasm", bytes / 4)).toEqual([])
  })
})
