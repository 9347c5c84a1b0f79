// Where the rows of data lie changes nothing: on the device in one buffer or in several, or in their files until a step needs them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { compileFile } from "../compiler/cli/compile-file.js"
import { SOFTWARE_TARGET } from "../compiler/targets/index.js"
import type { Bundle } from "../runtime/bundle/format.js"
import { inMemory } from "../runtime/data/file.js"
import { parseSource } from "../runtime/data/load.js"
import { rowsBetween } from "../runtime/data/split.js"
import { placementOf } from "../runtime/exec/data-set.js"
import { openBundle, type Placement, type StartEvent, type TrainEvent } from "../runtime/node.js"
import { failure } from "./support/failure.js"
import { npy } from "./support/npy.js"

const folder = mkdtempSync(join(tmpdir(), "nnc-placement-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** Integers that follow no pattern. */
function numbers<T extends Uint8Array | Float32Array>(out: T, below: number): T {
  let seed = 1
  for (let i = 0; i < out.length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    out[i] = (seed >>> 8) % below
  }
  return out
}

const ROWS = 333
writeFileSync(join(folder, "bytes.npy"), npy("|u1", `(${ROWS}, 5)`, numbers(new Uint8Array(5 * ROWS), 256)))
writeFileSync(
  join(folder, "floats.npy"),
  npy("<f4", `(${ROWS}, 3)`, numbers(new Float32Array(3 * ROWS), 100)),
)
writeFileSync(join(folder, "labels.npy"), npy("|u1", `(${ROWS},)`, numbers(new Uint8Array(ROWS), 4)))
writeFileSync(join(folder, "text.txt"), "the quick brown fox jumps over the lazy dog. ".repeat(40))

const FIELDS = `data d = npy(b: "bytes.npy", f: "floats.npy", l: "labels.npy") {
  x: f32[5] = column("b") |> standardize
  z: f32[3] = column("f") |> scale(0.01)
  y: i32 = column("l") |> classes(4)
  split train: 0.8, test: 0.2, seed: 3
}
`
const MODEL = `model M(x: f32[B, 5], z: f32[B, 3]) -> f32[B, 4] {
  concat([x, z], axis: 1) |> Linear(16) |> BatchNorm1d |> relu |> Dropout(0.2) |> Linear(4)
}
`
const train = (settings: string): string => `train on d {
  let scores = M(x, z)
  minimize cross_entropy(scores, y) with Adam(lr: 1e-2)
  report accuracy = accuracy(scores, y)
  ${settings}
}
`
const PROGRAMS: Readonly<Record<string, string>> = {
  "a partial batch at the end of each shuffled epoch":
    FIELDS + MODEL + train("batch 32, shuffle, epochs 2, seed 5, keep best accuracy"),
  "rows in order, the last ones dropped":
    FIELDS + MODEL + train("batch 48, drop_last, epochs 2, seed 5, report every 4 steps"),
  "all rows at once": FIELDS + MODEL + train("epochs 6, seed 5"),
  "windows of a text": `data d = text("text.txt", stride: 3) {
  x: i32[16] = characters |> vocabulary(32)
  y: i32[16] = characters(shift: 1) |> vocabulary(32)
  split train: 0.8, test: 0.2
}
model M(x: i32[B, 16]) -> f32[B, 16, 32] { x |> Embedding(32, 8) |> Linear(32) }
train on d {
  minimize cross_entropy(M(x), y) with SGD(lr: 0.1)
  batch 20, shuffle, epochs 2, seed 5
}
`,
}

interface Course {
  readonly start: StartEvent
  /** Everything that was reported. */
  readonly reports: readonly string[]
  readonly checkpoint: Buffer
}

async function course(
  bundle: Bundle,
  device: "webgpu" | "wasm",
  placements: readonly Placement[],
  stops: readonly number[] = [],
): Promise<Course> {
  const place = join(folder, "state.safetensors")
  const reports: string[] = []
  let start: StartEvent | undefined
  for (const [i, placement] of placements.entries()) {
    const trainer = await openBundle(bundle, folder, { device, placement })
    try {
      const onEvent = (event: TrainEvent): void => {
        if (event.event === "start") start = event
        if (event.event === "report") reports.push(JSON.stringify(event))
      }
      const steps = stops[i]
      const how = { onEvent, ...(steps !== undefined && { steps }), ...(i > 0 && { resume: place }) }
      await trainer.train(how)
      await trainer.save(place)
      reports.push(JSON.stringify(await trainer.evaluate()))
      reports.push(JSON.stringify(await trainer.evaluate({ part: "train" })))
    } finally {
      trainer.close()
    }
  }
  return { start: start!, reports, checkpoint: readFileSync(place) }
}

describe("rows that are drawn by weights", () => {
  const bundleOf = (name: string, shuffle: string): Bundle => {
    const path = join(folder, `${name}.nn`)
    writeFileSync(path, FIELDS + MODEL + train(`batch 32, ${shuffle}, epochs 2, seed 5`))
    return compileFile(path, { target: SOFTWARE_TARGET }).bundle!
  }
  it("are the same in pieces, streamed, and in a run that goes on", async () => {
    const bundle = bundleOf("balanced", 'shuffle balanced: "l"')
    const pieces = await course(bundle, "wasm", ["pieces"])
    const streamed = await course(bundle, "wasm", ["streamed"])
    const parts = await course(bundle, "wasm", ["streamed", "pieces", "streamed"], [1, 9])
    expect(streamed.reports).toEqual(pieces.reports)
    expect(streamed.checkpoint.equals(pieces.checkpoint)).toBe(true)
    expect(parts.checkpoint.equals(pieces.checkpoint)).toBe(true)
  })
  it("are those of `shuffle` alone where weights are equal", async () => {
    writeFileSync(join(folder, "ones.npy"), npy("|u1", `(${ROWS},)`, new Uint8Array(ROWS).fill(3)))
    const fields = FIELDS.replace("l: ", 'ones: "ones.npy", l: ')
    const of = (name: string, shuffle: string): Bundle => {
      const path = join(folder, `${name}.nn`)
      writeFileSync(path, fields + MODEL + train(`batch 32, ${shuffle}, epochs 2, seed 5`))
      return compileFile(path, { target: SOFTWARE_TARGET }).bundle!
    }
    const drawn = await course(of("drawn", 'shuffle weight: "ones"'), "wasm", ["streamed"])
    const shuffled = await course(of("shuffled", "shuffle"), "wasm", ["resident"])
    expect(drawn.reports).toEqual(shuffled.reports)
  })
  it("cannot be resident", async () => {
    const bundle = bundleOf("resident", 'shuffle weight: "l"')
    await expect(course(bundle, "wasm", ["resident"])).rejects.toThrow("cannot be resident")
  })
})

it("a field of more than a buffer of the device cannot be resident", () => {
  const table = parseSource("d", { kind: "npy", files: [{ column: "f", path: "f" }] }, () =>
    inMemory(npy("<f4", "(400, 1024)", new Float32Array(400 * 1024))),
  )
  const tables = { train: { table, rows: rowsBetween(0, 400) }, val: null, test: null, leftOut: 0 }
  const spec = {
    name: "d",
    fields: [{ name: "x", dtype: "f32" as const, shape: [1024], columns: ["f"], stages: [] }],
  }
  const how = { room: { buffer: 2 ** 20, all: 2 ** 30 }, batch: 8, draws: new Map() }
  expect(placementOf([{ spec, tables }], how)).toBe("pieces")
  expect(
    failure(() => placementOf([{ spec, tables }], { ...how, placement: "resident" })).slice(0, 2),
  ).toEqual([
    "bad-option",
    'data set "d" cannot be resident: "x" takes 1.6 MiB, and a buffer of the device at most 1.0 MiB',
  ])
})

describe("rows of several data sets", () => {
  const path = join(folder, "several.nn")
  writeFileSync(
    path,
    `${FIELDS}data e = npy(b: "bytes.npy", f: "floats.npy") {
  x: f32[5] = column("b") |> standardize
  w: f32[3] = column("f") |> scale(0.02)
}
${MODEL}train on d, e {
  let (one, other) = (M(d.x, z), M(e.x, w))
  minimize cross_entropy(one, y) + mse(softmax(one), softmax(other)) with Adam(lr: 1e-2)
  report accuracy = accuracy(one, y)
  batch 48, shuffle, epochs 2, seed 5
}
`,
  )
  let compiled: Bundle | undefined
  const bundle = (): Bundle => (compiled ??= compileFile(path, { target: SOFTWARE_TARGET }).bundle!)

  it.each(["wasm", "webgpu"] as const)(
    "are the same in pieces, streamed, and in a run that goes on: %s",
    async (device) => {
      const pieces = await course(bundle(), device, ["pieces"])
      const streamed = await course(bundle(), device, ["streamed"])
      const parts = await course(bundle(), device, ["streamed", "pieces", "streamed"], [1, 7])
      expect(pieces.start.beside_rows).toEqual({ e: ROWS })
      expect(streamed.reports).toEqual(pieces.reports)
      expect(streamed.checkpoint.equals(pieces.checkpoint)).toBe(true)
      expect(parts.checkpoint.equals(pieces.checkpoint)).toBe(true)
    },
  )
  it("cannot be resident", () =>
    expect(course(bundle(), "wasm", ["resident"])).rejects.toThrow(
      'rows of "d" and of "e" that train together cannot be resident',
    ))
  it("come in an order of their own, again and again; evaluation takes those of its part", async () => {
    // A row is its number, so that what is reported says which rows there were.
    const numbered = (name: string, of: number, rest: string): string =>
      `data ${name} = array(n: [${Array.from({ length: of }, (_, i) => i).join(", ")}]) { ${name}_n: f32 = column("n")\n${rest} }\n`
    const text = `${numbered("a", 4, "val = array(n: [90, 91, 92])")}${numbered("b", 6, "")}${numbered("c", 3, "val = array(n: [7, 8])")}
model W() -> f32 { param w: f32 = zeros\n w }
train on a, b, c {
  minimize W() * mean(a_n) with SGD(lr: 0.1)
  report rows_a = sum(a_n)
  report rows_b = sum(b_n)
  report rows_c = sum(c_n)
  batch 1, shuffle, steps 12, report every 1 steps, seed 3
}
`
    writeFileSync(join(folder, "numbered.nn"), text)
    const numbers = compileFile(join(folder, "numbered.nn"), { target: SOFTWARE_TARGET }).bundle!
    const { reports } = await course(numbers, "wasm", ["streamed"])
    const steps = reports.slice(0, 12).map((line) => JSON.parse(line).metrics)
    const epochs = (name: string, of: number): number[][] =>
      Array.from({ length: 12 / of }, (_, i) => steps.slice(i * of, (i + 1) * of).map((each) => each[name]))
    const own = [epochs("rows_a", 4), epochs("rows_b", 6), epochs("rows_c", 3)]
    for (const all of own) for (const epoch of all) expect([...epoch].sort()).toEqual([...epoch.keys()])
    for (const [first, second] of own) expect(first).not.toEqual(second)
    const evaluated = JSON.parse(reports.at(-2)!)
    // Rows 0 to 2 of `b`, which holds none back; of `c` two, and the first again.
    expect(evaluated).toMatchObject({ rows_a: 90 + 91 + 92, rows_b: 0 + 1 + 2, rows_c: 7 + 8 + 7 })
  })
})

describe.each(["wasm", "webgpu"] as const)("%s", (device) => {
  describe.each(Object.entries(PROGRAMS))("%s", (name, text) => {
    const path = join(folder, `${name.replaceAll(" ", "-")}.nn`)
    writeFileSync(path, text)
    let compiled: Bundle | undefined
    const bundle = (): Bundle => (compiled ??= compileFile(path, { target: SOFTWARE_TARGET }).bundle!)

    it("gives the same bits in every placement", async () => {
      const resident = await course(bundle(), device, ["resident"])
      for (const placement of ["pieces", "streamed"] as const) {
        const other = await course(bundle(), device, [placement])
        expect(other.start.placement).toBe(placement)
        expect(other.reports).toEqual(resident.reports)
        expect(other.checkpoint.equals(resident.checkpoint)).toBe(true)
      }
    })

    it("goes on in another placement as it would have in the same", async () => {
      const whole = await course(bundle(), device, ["resident"])
      const parts = await course(bundle(), device, ["streamed", "resident", "pieces", "streamed"], [1, 3, 5])
      expect(parts.checkpoint.equals(whole.checkpoint)).toBe(true)
    })
  })
})
