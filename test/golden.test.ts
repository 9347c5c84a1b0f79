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

describe.each(["cancer", "xor", "gru-text"])("%s", (name) => {
  const bundle = compiled(`examples/${name}/${name}.nn`)
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
