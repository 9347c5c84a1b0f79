// `--set name=value`: constants of the program from outside, what is refused, and where it is kept.

import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { jsonLines, nnc, temporaryFolder } from "./support/nnc.js"

const PROGRAM = `let width = 4
let lr = 1e-2
let shift = -1.5
let activation = "tanh"
let bias = true
let hidden = 2 * width

data d = array(x: [[1, 2], [2, 1], [3, 5], [0, 4]], y: [2, 4, 6, 1]) {
  x: f32[2] = column("x")
  y: f32[1] = column("y")
}
model M(x: f32[B, 2]) -> f32[B, 1] {
  let h = (x + shift) |> Linear(hidden, bias: bias)
  let a = if activation == "tanh" { tanh(h) } else { relu(h) }
  a |> Linear(1)
}
train on d {
  minimize mse(M(x), y) with SGD(lr: lr)
  batch 2, steps 4, seed 1
}
`
const compiled = (
  settings: Readonly<Record<string, string>>,
  devices: readonly ("webgpu" | "wasm")[] = ["wasm"],
) =>
  compile({ path: "p.nn", text: PROGRAM }, fileHost("p.nn"), {
    target: DEFAULT_TARGET,
    devices,
    settings: new Map(Object.entries(settings)),
  })

describe("a setting", () => {
  it("makes another program of it, which is one program for all devices", () => {
    const print = (lr: string, devices?: readonly "webgpu"[]) =>
      compiled({ lr }, devices).bundle?.manifest.fingerprint
    expect(print("1e-2", ["webgpu"])).toBe(print("1e-2"))
    expect(print("1e-3")).not.toBe(print("1e-2"))
  })

  it.each([
    ["width", "8", 8],
    ["lr", "3e-4", 3e-4],
    ["lr", "1", 1],
    ["shift", "-2.25", -2.25],
    ["shift", "2.25", 2.25],
    ["activation", "relu", "relu"],
    ["activation", '"relu"', "relu"],
    ["bias", "false", false],
  ])("%s=%s is as if it stood in the file", (name, text, value) => {
    const written = typeof value === "string" ? `"${value}"` : text
    const edited = PROGRAM.replace(new RegExp(`let ${name} = .*`), `let ${name} = ${written}`)
    const other = compile({ path: "p.nn", text: edited }, fileHost("p.nn"), {
      target: DEFAULT_TARGET,
      devices: ["wasm"],
    })
    const { bundle, diagnostics } = compiled({ [name]: text })
    expect(diagnostics).toEqual([])
    expect(bundle?.manifest.fingerprint).toBe(other.bundle?.manifest.fingerprint)
    expect(bundle?.manifest.settings.filter(({ set }) => set)).toEqual([{ name, value, set: true }])
  })

  it.each([
    ["widht", "8", "setting-unknown", "the program has no setting `widht`", "did you mean `width`?"],
    ["M", "8", "setting-unknown", "the program has no setting `M`", /^settings are `width`, `lr`/],
    ["hidden", "8", "setting-computed", "`hidden` is computed, so it cannot be set", /constant/],
    ["width", "8.5", "setting-type", "`width` is a whole number, and `--set` gives it `8.5`", /1\.0/],
    [
      "width",
      "wide",
      "setting-type",
      "`width` is a whole number, and `--set` gives it `wide`",
      /--set width=/,
    ],
    ["width", "8\nlet q = 1", "setting-type", /^`width` is a whole number/, /1\.0/],
    ["lr", "1 / 3", "setting-type", "`lr` is a number, and `--set` gives it `1 / 3`", undefined],
    ["bias", "1", "setting-type", "`bias` is `true` or `false`, and `--set` gives it `1`", undefined],
  ])("%s=%j is refused: %s", (name, text, code, message, help) => {
    const { bundle, diagnostics } = compiled({ [name]: text })
    expect(bundle).toBeUndefined()
    expect(diagnostics.map((d) => d.code)).toEqual([code])
    const [said] = diagnostics
    if (typeof message === "string") expect(said?.message).toBe(message)
    else expect(said?.message).toMatch(message)
    if (help === undefined) expect(said?.help).toBeUndefined()
    else expect(said?.help).toMatch(help)
  })
})

describe("a run with settings", () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, "p.nn"), PROGRAM)
  const run = (...args: string[]) => nnc([...args, "--device", "wasm"], { cwd })
  const trained = run("train", "p.nn", "--set", "width=3", "--set", "activation=relu", "--json")

  it("says them at its start, in log and report", () => {
    expect(trained.exit, trained.err).toBe(0)
    const settings = { width: 3, lr: 0.01, shift: -1.5, activation: "relu", bias: true }
    expect(jsonLines(trained)[0]).toMatchObject({ settings })
    const [start = ""] = readFileSync(join(cwd, "runs/p-1/log.jsonl"), "utf8").split("\n")
    expect(JSON.parse(start)).toMatchObject({ settings })
    expect(readFileSync(join(cwd, "runs/p-1/report.html"), "utf8")).toMatch(/<th>width<td>3\b/)
  })

  it.each([
    ["evaluate", "p.nn"],
    ["train", "p.nn", "--resume", "--steps", "6"],
  ])("gives them to `nnc %s`, which says so", (...args) => {
    const { exit, err } = run(...args)
    expect(err).toMatch(/^width = 3, activation = relu, as runs\/p-1 was trained$/m)
    expect(exit).toBe(0)
  })

  it("is another program for a command that sets otherwise", () => {
    const { exit, err } = run("evaluate", "p.nn", "--set", "width=5")
    expect(exit).toBe(1)
    expect(err).toMatch(/checkpoint-mismatch/)
  })

  it("cannot be had of a bundle, which is compiled already", () => {
    expect(nnc(["compile", "p.nn", "-o", "b", "--set", "width=3"], { cwd }).exit).toBe(0)
    const { exit, err } = run("run", "b", "--set", "width=4")
    expect(exit).toBe(2)
    expect(err).toMatch(/b is compiled already/)
  })
})
