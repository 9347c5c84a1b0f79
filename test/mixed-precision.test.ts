// `precision mixed`: contractions read f16, everything else stays f32, and the loss is scaled so that small gradients survive.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { compileFile } from "../compiler/cli/compile-file.js"
import { fileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import { SOFTWARE_TARGET } from "../compiler/targets/index.js"
import type { Bundle } from "../runtime/bundle/format.js"
import { slotsOf } from "../runtime/bundle/builds.js"
import { loadCheckpoint, openBundle } from "../runtime/node.js"
import { writeData } from "./bench/data.js"
import { temporaryFolder } from "./support/nnc.js"

const DEVICES = ["webgpu", "wasm"] as const
type Device = (typeof DEVICES)[number]

const rows = Array.from({ length: 48 }, (_, i) =>
  Array.from({ length: 8 }, (_, j) => Math.sin(i * (j + 1) * 0.37)),
)

interface Options {
  /** The size of the targets. */
  readonly size?: number
  readonly settings?: string
  readonly lr?: number
  readonly model?: string
}
const DENSE = "x |> Linear(16) |> tanh |> Linear(1)"

function compiled({ size = 1, settings = "precision mixed", lr = 0.1, model = DENSE }: Options): Bundle {
  const text = `data rows = array(x: ${JSON.stringify(rows)}, y: ${JSON.stringify(rows.map(([a, b]) => size * a! * b!))}) {
  x: f32[8] = column("x")
  y: f32[1] = column("y")
}
model Net(x: f32[B, 8]) -> f32[B, 1] { ${model} }
train on rows {
  minimize mse(Net(x), y) with SGD(lr: ${lr}, momentum: 0.9)
  batch 16, shuffle, steps 40, seed 2
  ${settings}
}
`
  const path = "mixed.nn"
  const { bundle, diagnostics } = compile({ path, text }, fileHost(path), { target: SOFTWARE_TARGET })
  expect(diagnostics).toEqual([])
  return bundle!
}

type State = ReadonlyMap<string, readonly number[]>

/** All slots after so many steps. */
async function after(
  bundle: Bundle,
  steps: number,
  device: Device,
  place: { readonly resume?: string; readonly save?: string; readonly folder?: string } = {},
): Promise<State> {
  const { folder = temporaryFolder(), resume, save = join(folder, "state.safetensors") } = place
  const trainer = await openBundle(bundle, folder, { device })
  try {
    await trainer.train({ steps, ...(resume !== undefined && { resume }) })
    await trainer.save(save)
  } finally {
    trainer.close()
  }
  const { slots } = await loadCheckpoint(save, bundle.manifest)
  return new Map([...slots].map(([name, bytes]) => [name, [...floats(bytes)]]))
}
const floats = (bytes: Uint8Array): Float32Array => new Float32Array(new Uint8Array(bytes).buffer)
const scale = (state: State): number => state.get("train/loss_scale")![0]!
const parameters = (state: State): readonly number[] =>
  [...state]
    .filter(([name]) => name.startsWith("Net.") && !name.includes("/"))
    .flatMap(([, values]) => values)

/** The largest difference, beside the largest number. */
function distance(a: readonly number[], b: readonly number[]): number {
  const size = Math.max(...b.map(Math.abs))
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]!))) / size
}

/** Half of the distance from 1 to the next f16. */
const HALF_STEP = 2 ** -11

describe.each(DEVICES)("on %s", (device) => {
  it("a step is that of f32, as exact as f16", async () => {
    const lr = 1
    const start = parameters(await after(compiled({ lr: 0, settings: "" }), 1, device))
    const moved = async (settings: string): Promise<number[]> =>
      parameters(await after(compiled({ lr, settings }), 1, device)).map((x, i) => x - start[i]!)
    const [mixed, exact] = [await moved("precision mixed"), await moved("")]
    const error = distance(mixed, exact)
    expect(error).toBeGreaterThan(HALF_STEP / 100)
    expect(error).toBeLessThan(HALF_STEP * 4)
  })

  it("what overflows is skipped until the factor of the loss is small enough", async () => {
    // An error of 1000, times 65536, and again divided by a batch of 16, is more than f16 holds.
    const bundle = compiled({ size: 1000, lr: 1e-6 })
    const untouched = await after(compiled({ size: 1000, lr: 0 }), 1, device)
    const first = await after(bundle, 1, device)
    expect(scale(first)).toBe(32768)
    expect(parameters(first)).toEqual(parameters(untouched))
    const later = await after(bundle, 20, device)
    expect(scale(later)).toBeLessThan(32768)
    expect(parameters(later)).not.toEqual(parameters(first))
    expect(parameters(later).every(Number.isFinite)).toBe(true)
  })

  it("the factor grows after some good steps", async () => {
    const bundle = compiled({
      settings: "precision mixed with GradScaler(init_scale: 8, growth_interval: 3)",
    })
    expect(scale(await after(bundle, 2, device))).toBe(8)
    expect(scale(await after(bundle, 7, device))).toBe(32)
  })

  it("a resumed run is the same, bit for bit", async () => {
    const bundle = compiled({
      settings: "precision mixed with GradScaler(growth_interval: 7), accumulate 2, clip_norm 1.0",
    })
    const half = join(temporaryFolder(), "half.safetensors")
    await after(bundle, 9, device, { save: half })
    const resumed = await after(bundle, 24, device, { resume: half })
    expect(resumed).toEqual(await after(bundle, 24, device))
  })
})

it.each([
  [
    "convolutions",
    "x |> reshape([B, 1, 8]) |> Conv1d(4, kernel: 3) |> relu |> reshape([B, 24]) |> Linear(1)",
  ],
  ["loops over time", "(x |> reshape([B, 4, 2]) |> LSTM(8))[:, -1] |> Linear(1)"],
  ["attention", "x |> reshape([B, 4, 2]) |> MultiHeadAttention(2) |> reshape([B, 8]) |> Linear(1)"],
])("%s learn as in f32", async (_, model) => {
  const bundle = compiled({ model })
  const exact = parameters(await after(compiled({ model, settings: "" }), 40, "wasm"))
  for (const device of DEVICES) {
    const error = distance(parameters(await after(bundle, 40, device)), exact)
    expect(error).toBeGreaterThan(0)
    expect(error).toBeLessThan(0.01)
  }
})

// A sum in another order may round to the next f16.
it("both devices come to the same", async () => {
  const bundle = compiled({})
  const [webgpu, wasm] = [await after(bundle, 40, "webgpu"), await after(bundle, 40, "wasm")]
  expect(distance(parameters(wasm), parameters(webgpu))).toBeLessThan(HALF_STEP * 4)
})

it("a perceptron of the size of MNIST learns as in f32", async () => {
  const folder = temporaryFolder()
  writeData(join(folder, "data"))
  const w3 = readFileSync("test/bench/w3.nn", "utf8")
  const lossOf = async (text: string): Promise<number> => {
    const path = join(folder, "w3.nn")
    writeFileSync(path, text)
    const trainer = await openBundle(compileFile(path).bundle!, folder, { device: "wasm" })
    try {
      let last = Infinity
      await trainer.train({
        steps: 300,
        onEvent: (e) => void (e.event === "report" && (last = e.metrics.loss)),
      })
      return last
    } finally {
      trainer.close()
    }
  }
  const [mixed, exact] = [await lossOf(w3.replace(/\}\s*$/, "  precision mixed\n}\n")), await lossOf(w3)]
  expect(mixed).not.toBe(exact)
  expect(Math.abs(mixed / exact - 1)).toBeLessThan(0.02)
})

describe("what a device needs", () => {
  it("shader-f16, and only for that", () => {
    expect(compiled({}).manifest.builds[0]!.requires.features).toEqual(["shader-f16"])
    expect(compiled({ settings: "" }).manifest.builds[0]!.requires.features).toEqual([])
  })
  it("parameters and what goes with them stay f32", () => {
    expect(new Set(slotsOf(compiled({}).manifest).map(({ dtype }) => dtype))).toEqual(new Set(["f32"]))
  })
})
