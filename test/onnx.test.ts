// `nnc export -o m.onnx`: onnxruntime predicts the same with it as `nnc predict`, for every example.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { InferenceSession, Tensor } from "onnxruntime-web"
import { beforeAll, describe, expect, it, test } from "vitest"
import { exportOnnx, requireRoom } from "../compiler/cli/export-onnx.js"
import { openProgram } from "../compiler/cli/open-program.js"
import type { InputSpec } from "../runtime/bundle/format.js"
import { evalSize } from "../runtime/exec/size.js"
import { jsonLines, nnc, temporaryFolder } from "./support/nnc.js"
import { random } from "./support/random.js"

const TOLERANCE = 1e-5
const ROWS = 5
const examples = readdirSync("examples").filter((name) => existsSync(`examples/${name}/${name}.nn`))
// Its images are not part of the repository.
const hasData = (name: string): boolean => name !== "mnist" || existsSync("examples/mnist/data")

describe("examples", () => {
  const folder = temporaryFolder()
  test.each(examples.filter(hasData))("%s", async (name) => {
    const path = `examples/${name}/${name}.nn`
    const trainer = await openProgram(path, { device: "wasm", data: new Map() })
    try {
      trainer.initialise(1)
      const checkpoint = join(folder, `${name}.safetensors`)
      await trainer.save(checkpoint)
      for (const { model, program } of trainer.bundle.manifest.predicts) {
        const out = join(folder, `${name}-${model}.onnx`)
        const options = { out, model, checkpoint, opset: 23, data: new Map<string, string>() } as const
        await exportOnnx(path, options)
        const { inputs } = trainer.bundle.manifest.programs.find((p) => p.name === program)!
        const feeds = inputs.filter(({ source }) => source.kind === "feed").map(drawn)
        const wanted = await trainer.predict(model, Object.fromEntries(feeds.map((f) => [f.name, f.values])))
        const session = await InferenceSession.create(out)
        const found = await session.run(Object.fromEntries(feeds.map((f) => [f.name, f.tensor])))
        expect(Object.keys(found)).toEqual(Object.keys(wanted))
        for (const [output, { values, shape }] of Object.entries(wanted)) {
          expect(found[output]!.dims).toEqual(shape)
          const all = found[output]!.data as Float32Array
          const size = Math.max(1, ...Array.from(values, Math.abs))
          values.forEach((v, i) => expect(Math.abs(v - all[i]!) / size).toBeLessThan(TOLERANCE))
        }
        await session.release()
      }
    } finally {
      trainer.close()
    }
  })

  function drawn({ name, dtype, shape, bounds }: InputSpec) {
    const next = random(7)
    const sizes = shape.map((s) => evalSize(s, { B: ROWS, R: ROWS }))
    const below = Math.min(...(bounds ?? []).map((b) => b?.below ?? 2))
    const count = sizes.reduce((a, b) => a * b, 1)
    const values = Array.from({ length: count }, () =>
      dtype === "f32" ? Math.fround(next() * 4 - 2) : Math.floor(next() * below),
    )
    const tensor =
      dtype === "f32"
        ? new Tensor("float32", Float32Array.from(values), sizes)
        : new Tensor("int32", Int32Array.from(values), sizes)
    return { name, values, tensor }
  }
})

describe("nnc export to ONNX", () => {
  const cwd = temporaryFolder()
  beforeAll(() => {
    writeFileSync(
      join(cwd, "net.nn"),
      `data rows = csv("rows.csv") {
  x: f32[2] = columns("a", "b")
  y: i32 = column("kind") |> categories(2)
}
model Net(x: f32[B, 2]) -> f32[B, 2] { x |> Linear(4) |> relu |> Linear(2) }
model Noisy(x: f32[B, 2]) -> f32[B, 1] {
  let z = x + normal([2])
  z |> Linear(1)
}
train on rows {
  minimize cross_entropy(Net(x), y) + mean(square(Noisy(x))) with SGD(lr: 0.1)
  steps 3
}
`,
    )
    writeFileSync(join(cwd, "rows.csv"), "a,b,kind\n0,1,cat\n1,0,dog\n1,1,dog\n0,0,cat\n")
    expect(nnc(["train", "net.nn", "--device", "wasm"], { cwd }).exit).toBe(0)
  })

  it("goes by the ending of the file, or by --to", () => {
    const result = nnc(["export", "net.nn", "--model", "Net", "-o", "net.onnx"], { cwd })
    expect(result).toMatchObject({
      exit: 0,
      err: expect.stringMatching(/^net.onnx: Net in 3 nodes, \d+ bytes, from runs.net-1/),
    })
    const [event] = jsonLines(
      nnc(
        ["export", "net.nn", "--model", "Net", "--to", "onnx", "--opset", "17", "-o", "net.bin", "--json"],
        { cwd },
      ),
    )
    expect(event).toMatchObject({ event: "end", out: "net.bin", model: "Net", opset: 17, nodes: 3 })
  })

  it("has the names of the program: inputs, outputs, parameters, classes, a symbolic batch", async () => {
    const text = readFileSync(join(cwd, "net.onnx"), "latin1")
    for (const name of ["Net.linear.0.weight", "Net.linear.1.bias", "Net.linear.0/linear/Gemm", "batch"])
      expect(text).toContain(name)
    expect(text).toContain('["cat","dog"]')
    const session = await InferenceSession.create(join(cwd, "net.onnx"))
    expect([session.inputNames, session.outputNames]).toEqual([["x"], ["output"]])
    await session.release()
  })

  it("refuses what ONNX cannot say, by its line", () => {
    const { exit, err } = nnc(["export", "net.nn", "--model", "Noisy", "-o", "noisy.onnx"], { cwd })
    expect(exit).toBe(1)
    expect(err).toContain(
      "error[export-operation]: `random_uniform` cannot be said in ONNX: it draws random numbers",
    )
    expect(err).toContain("net.nn:7:")
    expect(existsSync(join(cwd, "noisy.onnx"))).toBe(false)
  })

  it.each([
    [["net.nn", "-o", "net.pb"], 2, "does not end in .safetensors or .onnx"],
    [["net.nn", "-o", "net.onnx"], 2, "choose one with --model"],
    [["net.nn", "--model", "Net", "-o", "net.onnx", "--opset", "18"], 2, "It must be 17 or 23"],
    [["net.nn", "--model", "Not", "-o", "net.onnx"], 1, 'did you mean "Net"?'],
  ])("%j is refused", (args, exit, said) => {
    expect(nnc(["export", ...args], { cwd })).toMatchObject({ exit, err: expect.stringContaining(said) })
  })

  it("takes programs, not bundles", () => {
    expect(nnc(["compile", "net.nn", "-o", "out"], { cwd }).exit).toBe(0)
    expect(nnc(["export", "out", "--model", "Net", "-o", "net.onnx"], { cwd })).toMatchObject({
      exit: 1,
      err: expect.stringContaining("error[export-bundle]"),
    })
  })

  it("refuses parameters that no file of ONNX holds", () => {
    const size = { name: "Big.w", type: { dtype: "f32", shape: [2 ** 15, 2 ** 15] } } as const
    expect(() => requireRoom([size], "Big")).toThrow(
      expect.objectContaining({ code: "export-size", help: "write them as .safetensors" }),
    )
  })
})
