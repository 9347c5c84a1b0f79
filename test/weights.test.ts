// Weights that others have made: which tensor of a file becomes which parameter, in what type; what is listed and what is refused; where
// a run starts from them.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { encodeTensors, type StoredTensor } from "../runtime/checkpoint/safetensors.js"
import { parseNpy } from "../runtime/data/npy.js"
import { fileOnDisk, openBundle, type NodeTrainOptions, type Trainer } from "../runtime/node.js"
import { rejection } from "./support/failure.js"
import { nnc, temporaryFolder } from "./support/nnc.js"
import { npy } from "./support/npy.js"

const opened: Trainer[] = []
afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.close()
})

const f32 = (shape: readonly number[], values: readonly number[]): StoredTensor => ({
  dtype: "F32",
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
})
/** 1.5 and -2 are exact in every type. */
const TYPES: Readonly<Record<string, StoredTensor["bytes"]>> = {
  F32: new Uint8Array(Float32Array.of(1.5, -2).buffer),
  F16: new Uint8Array(Uint16Array.of(0x3e00, 0xc000).buffer),
  BF16: new Uint8Array(Uint16Array.of(0x3fc0, 0xc000).buffer),
  F64: new Uint8Array(Float64Array.of(1.5, -2).buffer),
}

const program = (from = "", table = "= 1"): string => `
data d = array(x: [[0, 0, 1], [0, 1, 0]], y: [0, 1]) { x: f32[3] = column("x")  y: f32[1] = column("y") }
model Net(x: f32[B, 3]) -> f32[B, 1] ${from} {
  let enc = Linear(2)
  frozen param table: f32[2] ${table}
  (enc(x) * table) |> Linear(1)
}
train on d { minimize mse(Net(x), y) with Adam(lr: 0.1)  steps 2, seed 1 }
`
const WHOLE: ReadonlyMap<string, StoredTensor> = new Map([
  ["enc.weight", f32([2, 3], [1, 2, 3, 4, 5, 6])],
  ["enc.bias", f32([2], [1.5, -2])],
])

function project(files: Readonly<Record<string, Uint8Array>>): string {
  const folder = temporaryFolder()
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
  return folder
}
const encoded = (tensors: ReadonlyMap<string, StoredTensor>): Uint8Array =>
  encodeTensors({ tensors, metadata: { format: "pt" } })

async function open(folder: string, text: string): Promise<Trainer> {
  const path = join(folder, "net.nn")
  const { bundle } = compile({ path, text }, fileHost(path), { target: DEFAULT_TARGET, devices: ["wasm"] })
  const trainer = await openBundle(bundle!, folder, { device: "wasm", threads: 1 })
  opened.push(trainer)
  return trainer
}

/** What parameters are at step 0, and what is said. */
async function start(
  folder: string,
  text: string,
  options: NodeTrainOptions = {},
): Promise<{ readonly values: Readonly<Record<string, number[]>>; readonly notes: string[] }> {
  const trainer = await open(folder, text)
  const notes: string[] = []
  await trainer.train({
    steps: 0,
    ...options,
    onEvent: (event) => void (event.event === "note" && notes.push(event.message)),
  })
  const parameters = await trainer.parameters()
  return {
    values: Object.fromEntries([...parameters].map(([name, { values }]) => [name, [...values]])),
    notes,
  }
}

describe("a model from a file", () => {
  test("takes the tensors of its paths, and says what fitted and what did not", async () => {
    const more = new Map([...WHOLE, ["pooler.weight", f32([1], [0])]])
    const folder = project({ "net.safetensors": encoded(more) })
    const { values, notes } = await start(folder, program('from "net.safetensors"'))
    expect(values["Net.enc.weight"]).toEqual([1, 2, 3, 4, 5, 6])
    expect(notes).toEqual([
      "net.safetensors: 2 tensors of Net from it",
      "net.safetensors has nothing for Net.table, Net.linear.0.weight, Net.linear.0.bias: first values as the program says",
      "net.safetensors also has pooler.weight, which nothing here takes",
    ])
  })

  test.each(Object.keys(TYPES))("takes %s", async (dtype) => {
    const tensors = new Map([["enc.bias", { dtype, shape: [2], bytes: TYPES[dtype]! }]])
    const folder = project({ "net.safetensors": encoded(tensors) })
    expect((await start(folder, program('from "net.safetensors"'))).values["Net.enc.bias"]).toEqual([1.5, -2])
  })

  test.each([
    ["a prefix", "bert.enc.bias", '(prefix: "bert.")'],
    ["another name", "layers.7.proj.bias", '(rename: [["layers.*.proj", "enc"]])'],
    ["the number of a part", "7.layer.bias", '(rename: [["*.layer", "*"], ["7", "enc"]])'],
    ["a part that is left out", "module.enc.bias", '(rename: [["module", ""]])'],
  ])("under %s", async (_, name, names) => {
    const folder = project({ "net.safetensors": encoded(new Map([[name, f32([2], [7, 8])]])) })
    const { values } = await start(folder, program(`from "net.safetensors"${names}`))
    expect(values["Net.enc.bias"]).toEqual([7, 8])
  })

  test("with its axes in the other order", async () => {
    const tensors = new Map([["enc.weight", f32([3, 2], [1, 4, 2, 5, 3, 6])]])
    const folder = project({ "net.safetensors": encoded(tensors) })
    const { values } = await start(folder, program('from "net.safetensors"(transpose: ["weight"])'))
    expect(values["Net.enc.weight"]).toEqual([1, 2, 3, 4, 5, 6])
  })

  test("in several files that an index lists", async () => {
    const [a, b] = [...WHOLE].map((entry) => encoded(new Map([entry])))
    const index = { weight_map: { "enc.weight": "a.safetensors", "enc.bias": "b.safetensors" } }
    const folder = project({
      "a.safetensors": a!,
      "b.safetensors": b!,
      "net.safetensors.index.json": Buffer.from(JSON.stringify(index)),
    })
    const { values } = await start(folder, program('from "net.safetensors.index.json"'))
    expect([values["Net.enc.weight"], values["Net.enc.bias"]]).toEqual([
      [1, 2, 3, 4, 5, 6],
      [1.5, -2],
    ])
  })

  test.each([
    [
      "another shape",
      new Map([["enc.bias", f32([3], [1, 2, 3])]]),
      /"enc.bias" .* f32\[3\], and "Net.enc.bias" is f32\[2\]/,
    ],
    [
      "nothing of it",
      new Map([["bert.enc.bias", f32([2], [1, 2])]]),
      /nothing in net.safetensors is for Net/,
    ],
  ])("with %s is refused", async (_, tensors, message) => {
    const folder = project({ "net.safetensors": encoded(tensors) })
    const [code, said] = await rejection(start(folder, program('from "net.safetensors"')))
    expect(code).toBe("weights-mismatch")
    expect(said).toMatch(message)
  })

  test("that is not there is refused by its path", async () => {
    const [code, said] = await rejection(start(project({}), program('from "net.safetensors"')))
    expect([code, said]).toEqual([
      "weights-missing",
      "the weights net.safetensors cannot be read: there is no such file",
    ])
  })

  test("predicts without a run, and goes with a bundle", () => {
    const folder = project({
      "net.safetensors": encoded(WHOLE),
      "net.nn": Buffer.from(program('from "net.safetensors"')),
      "rows.csv": Buffer.from("x\n1\n"),
    })
    expect(nnc(["evaluate", "net.nn"], { cwd: folder }).err).toContain("parameters from net.safetensors")
    expect(nnc(["compile", "net.nn", "-o", "out"], { cwd: folder })).toMatchObject({ exit: 0 })
    expect(nnc(["run", "out", "--steps", "0"], { cwd: folder }).err).toContain("2 tensors of Net from it")
  })
})

test.each([
  ["a BERT", "minilm", "Sentence", "texts.csv", 14 * 32, 1e-6],
  // Scores of up to 4.6.
  ["a Llama", "llama", "Llama", "asked.npz", 3 * 16 * 64, 1e-5],
] as const)(
  "%s of Hugging Face gives what transformers computes",
  (_, name, model, rows, count, tolerance) => {
    const folder = `examples/${name}`
    const out = join(temporaryFolder(), "out.npy")
    const asked = ["--data", `${folder}/tiny/${rows}`, "--model", model, "--raw", "--out", out]
    const run = nnc(["predict", `${folder}/${name}.nn`, ...asked, "--device", "wasm"])
    expect(run).toMatchObject({ exit: 0 })
    const values = (path: string): number[] => [...parseNpy(path, "x", fileOnDisk(path)).values]
    const [found, expected] = [out, `${folder}/tiny/expected.npy`].map(values)
    expect(found!.length).toBe(count)
    expect(Math.max(...found!.map((value, i) => Math.abs(value - expected![i]!)))).toBeLessThan(tolerance)
  },
)

test("one parameter starts from one array", async () => {
  const folder = project({ "table.npy": npy("<f8", "(2,)", Float64Array.of(3, 4)) })
  expect((await start(folder, program("", 'from "table.npy"'))).values["Net.table"]).toEqual([3, 4])
})

test("what is saved after `initialise` has the numbers of the file, as what is predicted", async () => {
  const folder = project({ "net.safetensors": encoded(WHOLE) })
  const trainer = await open(folder, program('from "net.safetensors"'))
  trainer.initialise(1)
  await trainer.save(join(folder, "saved.safetensors"))
  await trainer.load(join(folder, "saved.safetensors"))
  expect([...(await trainer.parameters()).get("Net.enc.weight")!.values]).toEqual([1, 2, 3, 4, 5, 6])
})

describe("--init", () => {
  test("takes the place of the program's file", async () => {
    const folder = project({
      "net.safetensors": encoded(WHOLE),
      "other.safetensors": encoded(new Map([["enc.bias", f32([2], [7, 8])]])),
    })
    const init = join(folder, "other.safetensors")
    const { values } = await start(folder, program('from "net.safetensors"'), { init })
    expect(values["Net.enc.bias"]).toEqual([7, 8])
  })

  test("takes what a run has learned, and starts at step 0 with an optimizer of its own", async () => {
    const folder = project({})
    const trainer = await open(folder, program())
    const runFolder = join(folder, "first")
    await trainer.train({ runFolder })
    const learned = await trainer.parameters()
    const steps: number[] = []
    await trainer.train({
      init: runFolder,
      steps: 0,
      onEvent: (event) => void (event.event === "start" && steps.push(event.step)),
    })
    expect(steps).toEqual([0])
    const all = await trainer.parameters(true)
    for (const [name, { values }] of learned) expect(all.get(name)?.values, name).toEqual(values)
    expect([...all.get("Net.enc.bias/m")!.values]).toEqual([0, 0])
  })

  test("a pickle is refused with the lines that convert it", () => {
    const folder = project({ "net.nn": Buffer.from(program()), "net.pt": Buffer.from("PK") })
    const { exit, err } = nnc(["train", "net.nn", "--init", "net.pt"], { cwd: folder })
    expect(exit).toBe(1)
    expect(err).toContain("error[weights-format]")
    expect(err).toContain('save_file({k: v.contiguous() for k, v in torch.load("net.pt"')
  })
})
