// Stopped and resumed is the same as never stopped, bit for bit: parameters, optimizer state, order of rows, dropout.

import { readFileSync, existsSync, writeFileSync } from "node:fs"
import { once } from "node:events"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { skipWithoutAdapter } from "./support/adapter-runner.js"
import { nnc, startNnc, temporaryFolder } from "./support/nnc.js"

const LAST = "checkpoints/last.safetensors"

/** Everything that could go wrong when resuming: momentum, a shuffled order, a partial batch, running means, dropout. */
const PROGRAM = `data rows = csv("rows.csv") {
  x: f32[3] = columns("a", "b", "c") |> standardize
  y: f32[1] = column("y")
  split train: 0.9, test: 0.1, seed: 3
}

model Net(x: f32[B, 3]) -> f32[B, 1] {
  x |> Linear(8) |> BatchNorm1d |> relu |> Dropout(0.2) |> Linear(1)
}

train on rows {
  minimize mse(Net(x), y) with Adam(lr: 0.01)
  batch 16, shuffle, epochs 40, seed 5
  checkpoint every 5 epochs
}
`

function project(): string {
  const folder = temporaryFolder()
  const rows = Array.from({ length: 100 }, (_, i) => {
    const [a, b, c] = [Math.sin(i), Math.cos(1.7 * i), Math.sin(0.3 * i * i)]
    return [a, b, c, a * b - c].map((value) => value.toFixed(4)).join(",")
  })
  writeFileSync(join(folder, "rows.csv"), `a,b,c,y\n${rows.join("\n")}\n`)
  writeFileSync(join(folder, "net.nn"), PROGRAM)
  return folder
}

/** The tensors of a checkpoint; its metadata is left out. */
function tensors(path: string): { readonly names: string[]; readonly bytes: Buffer } {
  const file = readFileSync(path)
  const length = Number(file.readBigUInt64LE(0))
  const { __metadata__: _, ...header } = JSON.parse(file.toString("utf8", 8, 8 + length)) as Record<
    string,
    unknown
  >
  return { names: Object.keys(header), bytes: file.subarray(8 + length) }
}

describe("a run of 40 epochs", () => {
  const cwd = project()
  it("is the same when it was stopped after 20 and resumed", () => {
    expect(nnc(["train", "net.nn", "--out", "whole"], { cwd })).toMatchObject({ exit: 0 })
    expect(nnc(["train", "net.nn", "--out", "parts", "--epochs", "20"], { cwd })).toMatchObject({ exit: 0 })
    expect(nnc(["train", "net.nn", "--resume", "parts", "--epochs", "40"], { cwd })).toMatchObject({
      exit: 0,
    })
    expect(tensors(join(cwd, "parts", LAST))).toEqual(tensors(join(cwd, "whole", LAST)))
  })

  it.each([
    ["webgpu", ["--device", "webgpu"]],
    ["one thread", ["--device", "wasm", "--threads", "1"]],
    ["two threads", ["--device", "wasm", "--threads", "2"]],
  ])("is the same when it was killed and resumed, on %s", async (name, device) => {
    const [killed, compare] = [`killed on ${name}`, `whole on ${name}`]
    const last = join(cwd, killed, LAST)
    const child = startNnc(
      ["train", "net.nn", "--out", killed, "--epochs", "100000", "--json", ...device],
      cwd,
    )
    let said = ""
    child.stderr?.on("data", (text) => (said += String(text)))
    const exit = once(child, "exit")
    const saved = new Promise<void>((resolve) => {
      child.stdout?.on("data", () => {
        if (existsSync(last)) resolve()
      })
    })
    await Promise.race([saved, exit])
    skipWithoutAdapter(said)
    child.kill("SIGKILL")
    await exit
    const stopped = stepOf(last)
    const until = String(Math.max(40, Math.ceil(stopped / 6) + 5))
    expect(nnc(["train", "net.nn", "--resume", killed, "--epochs", until, ...device], { cwd })).toMatchObject(
      {
        exit: 0,
      },
    )
    expect(nnc(["train", "net.nn", "--out", compare, "--epochs", until, ...device], { cwd })).toMatchObject({
      exit: 0,
    })
    expect(tensors(last)).toEqual(tensors(join(cwd, compare, LAST)))
  })

  it("saves and says how to resume when it is interrupted", async () => {
    const child = startNnc(["train", "net.nn", "--out", "interrupted", "--epochs", "100000", "--json"], cwd)
    let said = ""
    child.stderr?.on("data", (text) => (said += String(text)))
    await once(child.stdout!, "data")
    child.kill("SIGINT")
    const [exit] = (await once(child, "exit")) as [number]
    expect({ exit, said }).toMatchObject({ exit: 130, said: expect.stringContaining("--resume interrupted") })
    expect(existsSync(join(cwd, "interrupted", LAST))).toBe(true)
  })

  it("says which step the values of an interrupted run are from", async () => {
    const child = startNnc(["train", "net.nn", "--out", "stopped", "--epochs", "100000"], cwd)
    let [out, err] = ["", ""]
    child.stdout?.on("data", (text) => (out += String(text)))
    child.stderr?.on("data", (text) => (err += String(text)))
    await new Promise<void>((resolve) => {
      child.stderr?.on("data", () => {
        if (/^step \d/m.test(err)) resolve()
      })
    })
    child.kill("SIGINT")
    await once(child, "close")
    const reported = [...err.matchAll(/^step (\d+)/gm)].at(-1)?.[1]
    const [, stopped, from] =
      /^interrupted at step (\d+) {2}(?:last report, at step (\d+): )?loss/m.exec(out) ?? []
    expect(from ?? stopped).toBe(reported)
    expect(from === undefined).toBe(stopped === reported)
  })
})

describe("a checkpoint of another train section", () => {
  it("is refused by name, and its run is kept; its parameters alone are taken", () => {
    const cwd = temporaryFolder()
    writeFileSync(
      join(cwd, "two.nn"),
      `data d = array(x: [1, 2, 3], y: [2, 4, 6]) { x: f32 = column("x")  y: f32 = column("y") }
model M(x: f32[B]) -> f32[B] { param w: f32 = zeros  x * w }
train pre on d { minimize mse(M(x), y) with SGD(lr: 0.01)  steps 50 }
train fine on d { minimize mse(M(x), y * 2) with SGD(lr: 0.05)  steps 5 }
`,
    )
    const train = (...args: string[]): ReturnType<typeof nnc> => nnc(["train", "two.nn", ...args], { cwd })
    expect(train("--train", "pre", "--out", "pre").exit).toBe(0)
    const files = (): string[] =>
      [LAST, "log.jsonl"].map((name) => readFileSync(join(cwd, "pre", name), "latin1"))
    const before = files()
    const { exit, err } = train("--train", "fine", "--resume", "pre")
    expect(exit).toBe(1)
    expect(err).toContain(
      `error[checkpoint-section]: pre/${LAST} is of the train section "pre", and this run is of "fine"`,
    )
    expect(files()).toEqual(before)
    expect(nnc(["export", "two.nn", "--checkpoint", "pre", "-o", "w.safetensors"], { cwd }).exit).toBe(0)
    expect(train("--train", "fine", "--resume", "w.safetensors", "--out", "fine").exit).toBe(0)
  })
})

function stepOf(path: string): number {
  const file = readFileSync(path)
  const length = Number(file.readBigUInt64LE(0))
  const { __metadata__: metadata } = JSON.parse(file.toString("utf8", 8, 8 + length)) as {
    __metadata__: { step: string }
  }
  return Number(metadata.step)
}
