// Data that no device holds: what is read of a file, what becomes of a bad row or a lost file, and what the plan, a budget and a bundle make
// of its size.
import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { compileFile } from "../compiler/cli/compile-file.js"
import { SOFTWARE_TARGET } from "../compiler/targets/index.js"
import type { Bundle } from "../runtime/bundle/format.js"
import type { DataFile } from "../runtime/data/file.js"
import { fileOnDisk, openBundle, type StartEvent, type Trainer } from "../runtime/node.js"
import { rejection } from "./support/failure.js"
import { jsonLines, nnc, temporaryFolder } from "./support/nnc.js"

const folder = temporaryFolder()

/** An .npy file of rows that repeat after `block`, which is written often enough; without one, of zeros that take no room on disk. */
function npyOf(name: string, descr: string, shape: readonly number[], block?: NodeJS.TypedArray): string {
  const path = join(folder, name)
  const bytes = Number(descr.at(-1)) * shape.reduce((a, b) => a * b, 1)
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`
  const file = openSync(path, "w")
  writeSync(file, Uint8Array.of(0x93, ...Buffer.from("NUMPY"), 1, 0, 118, 0))
  writeSync(file, `${header.padEnd(117)}\n`)
  ftruncateSync(file, 128 + bytes)
  if (block)
    for (let at = 0; at < bytes; at += block.byteLength)
      writeSync(file, block, 0, Math.min(block.byteLength, bytes - at), 128 + at)
  closeSync(file)
  return path
}

const WIDTH = 784
/** More than is read at once when a file is opened. */
const ROWS = 8000
/** More than is held beside a stage. */
const MANY_ROWS = 100_000
const noise = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * i * 0.37 + i))
npyOf("floats.npy", "<f4", [ROWS, WIDTH], noise(100 * WIDTH))
npyOf(
  "bytes.npy",
  "|u1",
  [3 * ROWS, WIDTH],
  Uint8Array.from(noise(100 * WIDTH), (v) => 128 + 127 * v),
)
npyOf(
  "labels.npy",
  "<i8",
  [ROWS],
  BigInt64Array.from({ length: 100 }, (_, i) => BigInt(i % 10)),
)
npyOf("zeros.npy", "|u1", [MANY_ROWS, WIDTH])
npyOf("zero-labels.npy", "|u1", [MANY_ROWS])
npyOf(
  "more-labels.npy",
  "|u1",
  [3 * ROWS],
  Uint8Array.from({ length: 100 }, (_, i) => i % 10),
)

const program = (x: string, y: string, stages: string, { split = "", settings = "" } = {}): string => `
data d = npy(a: "${x}", b: "${y}") {
  x: f32[${WIDTH}] = column("a")${stages}
  y: i32 = column("b") |> classes(10)
  ${split}
}
model M(x: f32[B, ${WIDTH}]) -> f32[B, 10] { x |> Linear(8) |> relu |> Linear(10) }
train on d {
  minimize cross_entropy(M(x), y) with Adam(lr: 1e-3)
  batch 64, shuffle, steps 12, seed 1
  ${settings}
}
`
let programs = 0
function compiled(text: string): Bundle {
  const path = join(folder, `p${programs++}.nn`)
  writeFileSync(path, text)
  return compileFile(path, { target: SOFTWARE_TARGET }).bundle!
}

const KINDS = {
  floats: program("floats.npy", "labels.npy", "", { split: "split train: 0.9, test: 0.1, seed: 1" }),
  "bytes, scaled": program("bytes.npy", "more-labels.npy", " |> scale(1 / 255)"),
  "bytes, each place by itself": program("bytes.npy", "more-labels.npy", " |> minmax"),
}

async function checkpointOf(trainer: Trainer): Promise<Buffer> {
  const place = join(folder, "state.safetensors")
  await trainer.save(place)
  return readFileSync(place)
}

describe.each(Object.entries(KINDS))("%s in a large file", (_, text) => {
  const bundle = compiled(text)
  it.each(["wasm", "webgpu"] as const)("are the same bits streamed as resident, on %s", async (device) => {
    const checkpoints: Buffer[] = []
    for (const placement of ["resident", "streamed"] as const) {
      const trainer = await openBundle(bundle, folder, { device, placement })
      try {
        await trainer.train()
        await trainer.evaluate()
        checkpoints.push(await checkpointOf(trainer))
      } finally {
        trainer.close()
      }
    }
    expect(checkpoints[1]!.equals(checkpoints[0]!)).toBe(true)
  })
})

describe("of a file that is streamed", () => {
  it("no more is read than its header and the rows of the steps ahead", async () => {
    let read = 0
    const counting = (path: string): DataFile => {
      const file = fileOnDisk(path)
      if (!path.endsWith("zeros.npy")) return file
      return {
        ...file,
        read: (at, into) => {
          read += into.length
          file.read(at, into)
        },
        gather: (records, memory) => {
          read += records.bytes * records.numbers.length
          return file.gather!(records, memory)
        },
      }
    }
    const bundle = compiled(program("zeros.npy", "zero-labels.npy", " |> scale(1 / 255)"))
    const how = { device: "wasm", placement: "streamed", openFile: counting } as const
    const trainer = await openBundle(bundle, folder, how)
    try {
      await trainer.train({ steps: 1 })
    } finally {
      trainer.close()
    }
    expect(read).toBeGreaterThan(64 * WIDTH)
    expect(read).toBeLessThan((MANY_ROWS * WIDTH) / 4)
  })

  it("a row that holds NaN is refused by its place, and the checkpoint before it is kept", async () => {
    const path = npyOf("nan.npy", "<f4", [ROWS, WIDTH], noise(100 * WIDTH))
    const bundle = compiled(program("nan.npy", "labels.npy", "", { settings: "checkpoint every 5 steps" }))
    const file = openSync(path, "r+")
    writeSync(file, Float32Array.of(NaN), 0, 4, 128 + (4321 * WIDTH + 5) * 4)
    closeSync(file)
    const trainer = await openBundle(bundle, folder, { device: "wasm", placement: "streamed" })
    const runFolder = join(folder, "nan")
    try {
      expect(await rejection(trainer.train({ runFolder, steps: 300 }))).toEqual([
        "data-not-a-number",
        'nan.npy: row 4322, column "a": NaN is not a finite number',
        "drop the row, or fill the cell: `|> fill(median)`",
      ])
      await trainer.load(runFolder)
    } finally {
      trainer.close()
    }
  })

  it("one that becomes shorter ends the run with its reason", async () => {
    const path = npyOf("short.npy", "|u1", [MANY_ROWS, WIDTH])
    const text = program("short.npy", "zero-labels.npy", "", { settings: "report every 1 steps" })
    const trainer = await openBundle(compiled(text), folder, { device: "wasm", placement: "streamed" })
    try {
      const onEvent = (): void => truncateSync(path, 4096)
      const [code, message] = await rejection(trainer.train({ steps: 1000, onEvent }))
      expect([code, message]).toEqual([
        "data-file",
        'data set "d" can no longer be read: it became shorter while it was read',
      ])
    } finally {
      trainer.close()
    }
  })
})

describe("where rows are put", () => {
  const startOf = async (text: string, device: "wasm" | "webgpu"): Promise<StartEvent> => {
    const trainer = await openBundle(compiled(text), folder, { device })
    let start: StartEvent | undefined
    try {
      await trainer.train({ steps: 2, onEvent: (event) => void (event.event === "start" && (start = event)) })
    } finally {
      trainer.close()
    }
    return start!
  }
  it.each([
    ["resident", "64 MiB"],
    ["streamed", "8 MiB"],
  ])("is %s within a budget of %s", async (placement, budget) => {
    const text = program("floats.npy", "labels.npy", "", { settings: `budget memory ${budget}` })
    expect(await startOf(text, "wasm")).toMatchObject({ placement })
  })

  describe("of the size of CIFAR-10", () => {
    npyOf(
      "cifar.npy",
      "|u1",
      [50_000, 3, 32, 32],
      Uint8Array.from(noise(3072), (v) => 128 + 127 * v),
    )
    npyOf("cifar-labels.npy", "|u1", [50_000])
    const text = `data d = npy(a: "cifar.npy", b: "cifar-labels.npy") {
  x: f32[3, 32, 32] = column("a") |> scale(1 / 255)
  y: i32 = column("b") |> classes(10)
}
model M(x: f32[B, 3, 32, 32]) -> f32[B, 10] {
  x |> Conv2d(4, kernel: 3, stride: 2) |> relu |> Flatten() |> Linear(10)
}
train on d {
  minimize cross_entropy(M(x), y) with SGD(lr: 0.1)
  batch 8, shuffle, steps 2, seed 1
}
`
    it.each([
      ["wasm", "resident"],
      // llvmpipe and SwiftShader bind what every adapter does: 128 MiB.
      ["webgpu", "pieces"],
    ] as const)("is found on %s: %s", async (device, placement) =>
      expect(await startOf(text, device)).toMatchObject({ placement, rows: 50_000 }),
    )
  })
})

describe("a bundle with a large data file", () => {
  writeFileSync(join(folder, "zeros.nn"), program("zeros.npy", "zero-labels.npy", " |> scale(1 / 255)"))
  const compile = nnc(["compile", "zeros.nn", "-o", "bundle"], { cwd: folder })

  it("lists it with its size, and trains and verifies", () => {
    expect(compile).toMatchObject({ exit: 0 })
    const manifest = JSON.parse(readFileSync(join(folder, "bundle/manifest.json"), "utf8"))
    expect(manifest.large).toEqual({ "data/zeros.npy": 128 + MANY_ROWS * WIDTH })
    expect(Object.keys(manifest.files)).toContain("data/zero-labels.npy")
    expect(Object.keys(manifest.files)).not.toContain("data/zeros.npy")
    const args = ["run", "bundle", "--device", "wasm", "--placement", "streamed", "--verify", "--json"]
    const [start] = jsonLines(nnc([...args, "--steps", "2"], { cwd: folder }))
    expect(start).toMatchObject({ placement: "streamed", rows: MANY_ROWS })
  })

  it("refuses it at another size", () => {
    truncateSync(join(folder, "bundle/data/zeros.npy"), 1000)
    const { exit, err } = nnc(["run", "bundle", "--device", "wasm"], { cwd: folder })
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("error[bundle-corrupt]: data/zeros.npy of the bundle has 1000 bytes"),
    ])
  })
})
