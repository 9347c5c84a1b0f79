/** Golden losses: a bundle knows the first losses of its training, and a device that computes others is refused. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import type { Manifest } from "../runtime/bundle/format.js"
import { nnc, temporaryFolder } from "./support/nnc.js"

const compiled = (path: string): string => {
  const out = join(temporaryFolder(), "bundle")
  expect(nnc(["compile", path, "-o", out]).exit).toBe(0)
  return out
}
const manifestOf = (bundle: string): Manifest =>
  JSON.parse(readFileSync(join(bundle, "manifest.json"), "utf8")) as Manifest

/** A program whose fields lie on the device as bytes: as themselves, by one list of values, by one for each place. */
function storedProgram(): string {
  const folder = temporaryFolder()
  const rows = 1000
  const idx = (width: number, most: number): Buffer =>
    Buffer.concat([
      Buffer.from([0, 0, 8, 2, 0, 0, rows >> 8, rows & 255, 0, 0, 0, width]),
      Uint8Array.from({ length: rows * width }, (_, i) => (i * 37) % most),
    ])
  writeFileSync(join(folder, "pixels"), idx(6, 256))
  writeFileSync(join(folder, "marks"), idx(3, 200))
  writeFileSync(join(folder, "labels"), idx(1, 4))
  const path = join(folder, "stored.nn")
  writeFileSync(
    path,
    `data d = idx(pixels: "pixels", marks: "marks", labels: "labels") {
  x: f32[6] = column("pixels") |> scale(1 / 255)
  z: f32[3] = column("marks") |> standardize
  y: i32[1] = column("labels") |> classes(4)
}
model Net(x: f32[B, 6], z: f32[B, 3]) -> f32[B, 4] { concat([x, z], axis: 1) |> Linear(4) }
train on d {
  minimize cross_entropy(Net(x, z), squeeze(y, 1)) with SGD(lr: 0.1)
  batch 100, epochs 1
}`,
  )
  return path
}

const programs = ["cancer", "xor", "gru-text"].map((name) => [name, `examples/${name}/${name}.nn`] as const)

describe.each([...programs, ["bytes on the device", storedProgram()] as const])("%s", (_, path) => {
  const bundle = compiled(path)
  const { golden = [] } = manifestOf(bundle)

  it("has losses of the first steps, or says why not", () => {
    expect(golden).toHaveLength(1)
    expect(golden[0]!.skipped === undefined ? golden[0]!.losses : [1, 2, 3]).toHaveLength(3)
  })

  it.each(["wasm", "webgpu"])("is trained on %s, which computes them", (device) => {
    const cwd = temporaryFolder()
    const { exit, err } = nnc(["run", bundle, "--verify", "--device", device, "--steps", "1"], { cwd })
    expect({ exit, err: exit === 0 ? "" : err }).toEqual({ exit: 0, err: "" })
  })
})

it("a device that computes something else is refused, by name and with figures", () => {
  const bundle = compiled("examples/xor/xor.nn")
  const manifest = manifestOf(bundle)
  const [golden] = manifest.golden!
  const losses = [golden!.losses[0]!, golden!.losses[1]! + 0.5, golden!.losses[2]!]
  writeFileSync(
    join(bundle, "manifest.json"),
    JSON.stringify({ ...manifest, golden: [{ ...golden, losses }] }),
  )
  const run = (...more: string[]) =>
    nnc(["run", bundle, "--device", "wasm", "--steps", "1", ...more], { cwd: temporaryFolder() })
  expect(run().exit).toBe(0)
  const { exit, err } = run("--verify")
  expect(exit).toBe(3)
  expect(err).toMatch(
    /error\[device-differs\]: wasm: .* the loss of step 1 of "train" is 0\.6\d+, and should be 1\.\d+/,
  )
})
