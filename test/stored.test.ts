// Fields that lie on the device as the small integers of their files: which fields do, that nothing computes anything else for it, and
// what a file of another type does to them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { compileFile } from "../compiler/cli/compile-file.js"
import { fileHost } from "../compiler/cli/host.js"
import { compile, type DataContext, type DataFacts } from "../compiler/driver/compile.js"
import { asStored } from "../compiler/driver/read-data.js"
import { parseModel, printModel } from "../compiler/ir/model/text.js"
import type { DataSet, Model } from "../compiler/ir/model/types.js"
import type { Diagnostic } from "../compiler/source/diagnostic.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { programsOf } from "../runtime/bundle/builds.js"
import type { Bundle, FieldSpec, StoredSpec } from "../runtime/bundle/format.js"
import { applyField } from "../runtime/data/apply.js"
import { encoderOf } from "../runtime/data/encoder.js"
import { allRows } from "../runtime/data/split.js"
import { storageFor } from "../runtime/data/stored.js"
import { tableOf } from "../runtime/data/table.js"
import type { NumberArray } from "../runtime/exec/values.js"
import { openBundle, type TrainEvent } from "../runtime/node.js"
import { failure } from "./support/failure.js"

const folder = mkdtempSync(join(tmpdir(), "nnc-stored-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** Integers below `below`, spread over its range. */
const numbers = <T extends NumberArray>(out: T, below: number, from = 0): T => {
  for (let i = 0; i < out.length; i++) out[i] = from + ((i * 7919 + (i >> 3)) % below)
  return out
}

describe("which fields are stored as codes", () => {
  const scale = { kind: "affine", from: "scale", scale: [1 / 255], shift: [0] } as const
  const each = {
    kind: "affine",
    from: "minmax",
    scale: [1, 2, 3, 4],
    shift: [0, 0, 0, -1],
  } as const
  const field = (over: Partial<FieldSpec> = {}): FieldSpec => ({
    name: "x",
    dtype: "f32",
    shape: [4],
    columns: ["c"],
    stages: [scale],
    ...over,
  })
  const stored = (spec: FieldSpec, values: NumberArray): string => {
    const table = tableOf("t", [{ name: "c", shape: [4], values }])
    const { type, values: list } = storageFor(spec, [{ table, rows: allRows(table.rows) }]) ?? {}
    return type === undefined ? "f32" : `${type} ${list}`
  }
  it.each([
    ["bytes, scaled", field(), new Uint8Array(4000), "u8 one"],
    ["bytes as they are", field({ stages: [] }), new Uint8Array(4000), "u8 code"],
    ["signed ones have a list", field({ stages: [] }), new Int8Array(4000), "i8 one"],
    ["bytes, each place with a scale of its own", field({ stages: [each] }), new Uint8Array(4000), "u8 each"],
    ["16 bits", field({ stages: [] }), new Uint16Array(4000), "u16 code"],
    ["16 bits, where the list is shorter than what it saves", field(), new Int16Array(400_000), "i16 one"],
    ["too few rows for a list", field(), new Uint8Array(80), "f32"],
    ["16 bits, too few rows for a list", field(), new Int16Array(4000), "f32"],
    ["16 bits with a list for each place", field({ stages: [each] }), new Uint16Array(4000), "f32"],
    ["floats", field(), new Float32Array(4000), "f32"],
    [
      "a stage that makes several numbers of one",
      field({ shape: [8], stages: [{ kind: "one_hot", classes: 2 }] }),
      new Uint8Array(4000),
      "f32",
    ],
  ])("%s", (_, spec, values, expected) => expect(stored(spec, values)).toBe(expected))

  it("a row of one byte takes a word either way", () => {
    const table = tableOf("t", [{ name: "c", shape: [], values: new Uint8Array(4000) }])
    expect(storageFor(field({ shape: [] }), [{ table, rows: allRows(4000) }])).toBeUndefined()
  })
  it("training and test rows are stored alike, or not at all", () => {
    const [bytes, floats] = [new Uint8Array(4000), new Float32Array(4000)].map((values) => {
      const table = tableOf("t", [{ name: "c", shape: [4], values }])
      return { table, rows: allRows(table.rows) }
    })
    expect(storageFor(field(), [bytes!, bytes!])).toEqual({ type: "u8", values: "one" })
    expect(storageFor(field(), [bytes!, floats!])).toBeUndefined()
  })
})

describe("a file that is not of the type", () => {
  const packed = (values: NumberArray, stored: StoredSpec, over: Partial<FieldSpec> = {}): Uint8Array[] => {
    const spec = { name: "x", dtype: "f32", shape: [2], columns: ["c"], stages: [], ...over } as const
    const table = tableOf("t", [{ name: "c", shape: [2], values }])
    const { list, encode } = encoderOf({ ...spec, stored })
    return [encode(table, allRows(table.rows)), ...(list ? [list.bytes] : [])]
  }
  const u8: StoredSpec = { type: "u8", values: "code" }

  it("is converted where its numbers are of the type", () =>
    expect(packed(Float64Array.of(1, 2, 3, 255), u8)).toEqual([Uint8Array.of(1, 2, 0, 0, 3, 255, 0, 0)]))
  it.each([256, -1, 0.5, NaN])("is refused by the first number that is not: %d", (value) =>
    expect(failure(() => packed(Float64Array.of(1, 2, value, 3), u8)).slice(0, 2)).toEqual([
      "data-stored",
      `t: row 2, column "c": ${value} is not of type u8, as which the field "x" was compiled`,
    ]),
  )
  it("a label that is no class is refused as in any field", () =>
    expect(
      failure(() =>
        packed(Uint8Array.of(0, 1, 2, 3), u8, { dtype: "i32", stages: [{ kind: "classes", count: 3 }] }),
      )[0],
    ).toBe("data-class"))
  it("a value beyond f32 is refused where it occurs, and nowhere else", () => {
    const stages = [{ kind: "affine", from: "scale", scale: [1e37], shift: [0] }] as const
    const one: StoredSpec = { type: "u8", values: "one" }
    expect(packed(Uint8Array.of(0, 1, 2, 3), one, { stages })).toHaveLength(2)
    expect(failure(() => packed(Uint8Array.of(0, 1, 2, 200), one, { stages }))[0]).toBe("data-range")
  })
})

/** An .npy file of version 1.0. */
function npy(path: string, descr: string, shape: readonly number[], data: NumberArray): void {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`.padEnd(
    117,
  )
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const start = Uint8Array.of(0x93, ...Buffer.from("NUMPY"), 1, 0, 118, 0)
  writeFileSync(path, Buffer.concat([start, Buffer.from(`${header}\n`), bytes]))
}

/** Every metric that training and evaluation report, and the parameters at the end. */
async function course(bundle: Bundle, device: "webgpu" | "wasm"): Promise<number[]> {
  const trainer = await openBundle(bundle, folder, { device })
  const metrics: number[] = []
  try {
    const onEvent = (e: TrainEvent): void =>
      void (e.event === "report" && metrics.push(...Object.values(e.metrics).map(Number)))
    await trainer.train({ steps: 6, reportEvery: { unit: "steps", count: 2 }, onEvent })
    const parameters = [...(await trainer.parameters()).values()].flatMap(({ values }) => [...values])
    return [...metrics, ...parameters]
  } finally {
    trainer.close()
  }
}

/** Rows of 6 x 5, so that a row does not fill its last word. */
const SHAPE = [6, 5] as const
const WIDTH = 30
const ROWS = 3000

describe("values are those of the same field in f32, bit for bit", () => {
  const kinds = [
    ["u8", "|u1", numbers(new Uint8Array(ROWS * WIDTH), 256)],
    ["i8", "|i1", numbers(new Int8Array(ROWS * WIDTH), 256, -128)],
    ["u16", "<u2", numbers(new Uint16Array(ROWS * WIDTH), 60_000)],
    ["i16", "<i2", numbers(new Int16Array(ROWS * WIDTH), 60_000, -30_000)],
  ] as const
  for (const [name, descr, values] of kinds) {
    npy(join(folder, `${name}.npy`), descr, [ROWS, ...SHAPE], values)
    npy(join(folder, `${name}-f8.npy`), "<f8", [ROWS, ...SHAPE], Float64Array.from(values))
  }
  npy(join(folder, "y.npy"), "|u1", [ROWS], numbers(new Uint8Array(ROWS), 3))

  const compiled = (file: string, stages: string): Bundle => {
    const path = join(folder, `${file}.nn`)
    const shape = SHAPE.join(", ")
    const text = `data d = npy(a: "${file}.npy", b: "y.npy") {
  x: f32[${shape}] = column("a")${stages}
  y: i32 = column("b") |> classes(3)
  split train: 0.8, test: 0.2, seed: 3
}
model M(x: f32[B, ${shape}]) -> f32[B, 3] {
  unsqueeze(x * 0.01, 1) |> Conv2d(4, kernel: 3) |> relu |> Flatten() |> Linear(3)
}
train on d {
  let scores = M(x)
  minimize cross_entropy(scores, y) with SGD(lr: 1e-3)
  report accuracy = accuracy(scores, y)
  report mean = mean(x)
  batch 32, shuffle, epochs 1, seed 1
}
`
    const host = fileHost(path)
    const data = (set: DataSet, about: DataContext): DataFacts | Diagnostic => {
      const facts = host.data(set, about)
      if ("code" in facts) return facts
      const model = asStored({ ...NO_MODEL, data: [set] }, new Map([[set.name, facts]]))
      expect(parseModel(printModel(model))).toEqual(model)
      return facts
    }
    const { bundle, diagnostics } = compile({ path, text }, { ...host, data }, { target: DEFAULT_TARGET })
    expect(diagnostics).toEqual([])
    return bundle!
  }
  const NO_MODEL: Model = { data: [], slots: [], predicts: [], trains: [], weights: [] }
  const fieldIn = ({ manifest }: Bundle): FieldSpec => manifest.data[0]!.fields[0]!

  describe.each(["wasm", "webgpu"] as const)("%s", (device) => {
    it.each([
      ["u8", "", "code"],
      ["u8", " |> scale(1 / 255)", "one"],
      ["u8", " |> standardize", "each"],
      ["u8", " |> minmax |> scale(3)", "each"],
      ["i8", " |> scale(0.1)", "one"],
      ["u16", "", "code"],
      ["i16", " |> scale(1e-3)", undefined],
    ])("%s%s: %s", async (type, stages, values) => {
      const [codes, floats] = [compiled(type, stages), compiled(`${type}-f8`, stages)]
      expect(fieldIn(codes).stored).toEqual(values && { type, values })
      expect(fieldIn(floats).stored).toBeUndefined()
      expect(await course(codes, device)).toEqual(await course(floats, device))
    })
  })

  it("lists are what applyField gives", () => {
    const spec: FieldSpec = {
      name: "x",
      dtype: "f32",
      shape: [2],
      columns: ["c"],
      stages: [
        { kind: "affine", from: "standardize", scale: [0.3, 0.7], shift: [-1.1, 2.3] },
        { kind: "affine", from: "scale", scale: [1 / 3], shift: [0] },
      ],
    }
    const table = tableOf("t", [{ name: "c", shape: [2], values: numbers(new Uint8Array(512), 256) }])
    const { list, encode } = encoderOf({ ...spec, stored: { type: "u8", values: "each" } })
    const codes = encode(table, allRows(256))
    const values = new Float32Array(list!.bytes.buffer)
    const decoded = Float32Array.from({ length: 512 }, (_, i) => {
      const code = codes[4 * (i >> 1) + (i & 1)]!
      return values[2 * code + (i & 1)]!
    })
    expect(new Uint8Array(decoded.buffer)).toEqual(applyField(spec, table, allRows(256)).bytes)
  })
})

describe("60,000 images of 28x28 bytes", () => {
  const idx = (sizes: readonly number[]): Uint8Array => {
    const header = Buffer.alloc(4 + 4 * sizes.length)
    header.set([0, 0, 8, sizes.length])
    sizes.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i))
    return Buffer.concat([header, new Uint8Array(sizes.reduce((a, b) => a * b, 1))])
  }
  it("bind 45 MiB, where f32 takes 180 and WebGPU binds 128", () => {
    writeFileSync(join(folder, "images.idx"), idx([60_000, 28, 28]))
    writeFileSync(join(folder, "labels.idx"), idx([60_000]))
    const path = join(folder, "mnist.nn")
    writeFileSync(
      path,
      `data d = idx(images: "images.idx", labels: "labels.idx") {
  x: f32[28, 28] = column("images") |> scale(1 / 255)
  y: i32 = column("labels") |> classes(10)
}
model M(x: f32[B, 28, 28]) -> f32[B, 10] {
  unsqueeze(x, 1) |> Conv2d(4, kernel: 5, stride: 4) |> relu |> Flatten() |> Linear(10)
}
train on d {
  minimize cross_entropy(M(x), y) with SGD(lr: 1e-3)
  batch 64, steps 2
}
`,
    )
    const { bundle, diagnostics } = compileFile(path)
    expect(diagnostics).toEqual([])
    const { inputs } = programsOf(bundle!.manifest).find(({ name }) => name === "step")!
    expect(inputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ["x", "u32", ["R", 196]],
      ["x/values", "f32", [256]],
      ["y", "i32", ["R"]],
    ])
  })
})
