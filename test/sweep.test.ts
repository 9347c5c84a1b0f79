// `nnc sweep`: which runs there are, what ends them early, what is refused before anything trains, and that a sweep goes on.

import { once } from "node:events"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { drawnFrom, gridOf } from "../compiler/cli/sweep/grid.js"
import { isHopeless, type Reported } from "../compiler/cli/sweep/pruning.js"
import { nnc, startNnc, temporaryFolder } from "./support/nnc.js"

const PROGRAM = `let lr = 1e-2
let width = 4

data d = array(x: [[1, 2], [2, 1], [3, 5], [0, 4]], y: [2, 4, 6, 1]) {
  x: f32[2] = column("x")
  y: f32[1] = column("y")
}
model M(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(width) |> tanh |> Linear(1) }
train on d {
  minimize mse(M(x), y) with SGD(lr: lr)
  batch 2, steps STEPS, seed 1
  report every 100 steps
}
`
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(20)
}
function project(steps = 200): string {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, "p.nn"), PROGRAM.replace("STEPS", String(steps)))
  return cwd
}

describe("the runs of a sweep", () => {
  it("are every combination of the values", () => {
    const settings = new Map([
      ["lr", "1e-3, 1e-2"],
      ["act", '"a,b",relu'],
    ])
    expect(gridOf(settings)).toEqual([
      { lr: "1e-3", act: '"a,b"' },
      { lr: "1e-3", act: "relu" },
      { lr: "1e-2", act: '"a,b"' },
      { lr: "1e-2", act: "relu" },
    ])
  })

  it("are drawn from ranges and lists, each the same however many there are", () => {
    const settings = new Map([
      ["lr", "1e-4..1"],
      ["width", "4..6"],
      ["bias", "true,false"],
    ])
    const whole = new Set(["width"])
    const drawn = drawnFrom(settings, { count: 200, seed: 7, whole })
    expect(drawnFrom(settings, { count: 3, seed: 7, whole })).toEqual(drawn.slice(0, 3))
    expect(drawnFrom(settings, { count: 3, seed: 8, whole })).not.toEqual(drawn.slice(0, 3))
    const rates = drawn.map(({ lr }) => Number(lr))
    expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-4)
    expect(Math.max(...rates)).toBeLessThanOrEqual(1)
    // Evenly on a logarithmic scale: half of them are below the middle of it.
    expect(rates.filter((lr) => lr < 1e-2).length).toBeGreaterThan(70)
    expect(rates.filter((lr) => lr < 1e-2).length).toBeLessThan(130)
    expect(new Set(drawn.map(({ width }) => width))).toEqual(new Set(["4", "5", "6"]))
    expect(new Set(drawn.map(({ bias }) => bias))).toEqual(new Set(["true", "false"]))
  })

  it("are fractions between whole ends where the setting is one", () => {
    const between = new Map([["lr", "1..4"]])
    const drawn = drawnFrom(between, { count: 20, seed: 7, whole: new Set() })
    expect(drawn.filter(({ lr }) => lr!.includes("."))).not.toEqual([])
  })
})

describe("a run falls behind", () => {
  const at = (...values: number[]): Reported[] => values.map((value, i) => ({ step: 10 * i, value }))
  const others = [at(9, 5), at(9, 4), at(9, 3), at(9, 2)]

  it.each([
    ["below the median of four others", at(9, 4), others, true],
    ["not above it", at(9, 3), others, false],
    [
      "not for a bad report after a good one",
      at(9, 2, 8),
      others.map((o) => [...o, { step: 20, value: 1 }]),
      true,
    ],
    ["not before it learned anything", at(99), others, false],
    ["not when fewer others have come as far", at(9, 9), others.slice(1), false],
  ])("%s", (_, own, all, hopeless) => {
    expect(isHopeless("median", { own, others: all, total: 20, better: "lower" })).toBe(hopeless)
  })

  it("by what is better", () => {
    const rising = [at(0, 5), at(0, 4), at(0, 3), at(0, 2)]
    const falls = (...values: number[]) =>
      isHopeless("median", { own: at(...values), others: rising, total: 20, better: "higher" })
    expect(falls(0, 3)).toBe(true)
    expect(falls(0, 4)).toBe(false)
  })

  // Four runs of 40 steps: half of them go on after 10 steps, one after 20.
  it.each([
    ["the better half goes on", at(9, 3), [at(9, 5), at(9, 4), at(9, 2)], false],
    ["the worse half ends", at(9, 4), [at(9, 5), at(9, 3), at(9, 2)], true],
    ["nobody ends before the first halving", at(9), [at(1), at(2), at(3)], false],
    ["who came first ends when others turn out better", at(9, 4, 1), [at(9, 3), at(9, 2), at(9, 5)], true],
    ["one of the two that are left goes on", at(9, 3, 1), [at(9, 5), at(9, 4), at(9, 2, 2)], false],
    ["the other one ends", at(9, 3, 2), [at(9, 5), at(9, 4), at(9, 2, 1)], true],
  ])("by successive halving: %s", (_, own, others, hopeless) => {
    expect(isHopeless("halving", { own, others, total: 40, better: "lower" })).toBe(hopeless)
  })
})

describe("nnc sweep", () => {
  it("trains every combination, marks what does not compile, and orders by the metric", () => {
    const cwd = project()
    const args = ["p.nn", "--set", "lr=1e-4,1e-2", "--set", "width=4,0", "--device", "wasm"]
    const { exit, out, err } = nnc(["sweep", ...args], { cwd })
    expect(exit, err).toBe(1)
    expect(err).toContain("2 of 4 runs failed")
    expect(out.replace(/\d+\.\d{3,}/g, "N").replace(/ +/g, " ")).toBe(
      `run lr width loss at step status
sweeps/p-1/3 1e-2 4 N 200 finished
sweeps/p-1/1 1e-4 4 N 200 finished
sweeps/p-1/2 1e-4 0 a size must be at least 1, and this is 0
sweeps/p-1/4 1e-2 0 a size must be at least 1, and this is 0
best: lr=1e-2 width=4
`,
    )
    const alone = nnc(
      ["train", "p.nn", "--set", "lr=1e-4", "--set", "width=4", "--device", "wasm", "--out", "alone"],
      { cwd },
    )
    expect(alone.exit).toBe(0)
    const last = (folder: string): Buffer => readFileSync(join(cwd, folder, "checkpoints/last.safetensors"))
    expect(last("sweeps/p-1/1").equals(last("alone")), "the same bytes as a run alone").toBe(true)
    expect(readFileSync(join(cwd, "sweeps/p-1/sweep.html"), "utf8")).toContain("<td>sweeps/p-1/3<td>finished")
  })

  it("that was ended goes on to the same table", async () => {
    const cwd = project(40_000)
    const args = ["sweep", "p.nn", "--set", "lr=1e-4,1e-3,1e-2", "--device", "wasm", "--jobs", "1"]
    const whole = nnc([...args, "--out", "whole"], { cwd })
    const child = startNnc([...args, "--out", "parts"], cwd)
    const log = join(cwd, "parts/3/log.jsonl")
    const closed = once(child, "close") as Promise<[number]>
    await until(() => existsSync(log) && readFileSync(log, "utf8").includes('"step":5000'))
    child.kill("SIGTERM")
    const [exit] = await closed
    expect(exit).toBe(143)
    const { out } = nnc(["sweep", "p.nn", "--resume", "parts"], { cwd })
    expect(out.replaceAll("parts/", "whole/")).toBe(whole.out)
  })

  it("that was killed goes on: its runs end too, and one without a checkpoint begins anew", async () => {
    const cwd = project(4_000_000)
    const args = ["sweep", "p.nn", "--set", "lr=1e-4", "--device", "wasm", "--out", "s"]
    const child = startNnc(args, cwd)
    const log = join(cwd, "s/1/log.jsonl")
    await until(() => existsSync(log))
    child.kill("SIGKILL")
    await until(() => !existsSync(join(cwd, "s/1/lock")))
    // As when the run itself was killed before its first checkpoint.
    rmSync(join(cwd, "s/1/checkpoints"), { recursive: true })
    const plan = join(cwd, "s/sweep.json")
    const { options, ...rest } = JSON.parse(readFileSync(plan, "utf8")) as { options: object }
    writeFileSync(plan, JSON.stringify({ ...rest, options: { ...options, steps: 100 } }))
    const { out, err } = nnc(["sweep", "p.nn", "--resume", "s"], { cwd })
    expect(out, err).toMatch(/s\/1 .* 100 +finished/)
  })

  it("does not take what a folder holds for its own runs", () => {
    const cwd = project(1)
    const sweep = (lr: string) =>
      nnc(["sweep", "p.nn", "--set", `lr=${lr}`, "--device", "wasm", "--out", "s"], { cwd })
    expect(sweep("1").exit).toBe(0)
    const { exit, err } = sweep("2")
    expect(exit).toBe(1)
    expect(err).toMatch(/sweep-exists.*s holds a sweep already\n.*--resume s/)
    expect(readFileSync(join(cwd, "s/sweep.json"), "utf8")).toContain('"lr": "1"')
  })

  it.each([
    [["--set", "lr=1", "--resume", "."], 2, /--resume.*--set/],
    [["--set", "lr=1", "--out", "."], 1, /sweep-exists.*is not empty/],
    [["--set", "rate=1,2"], 1, /setting-unknown.*`rate`/],
    [["--set", "width=4,wide"], 1, /setting-type.*`width` is a whole number/],
    [["--set", "width=0"], 1, /a size must be at least 1/],
    [["--set", "lr=1,1"], 2, /has 1 twice/],
    [["--set", "lr=0.1,"], 2, /has no value where one should be/],
    [["--set", "lr=1e-3..1"], 2, /is a range.*\n.*--random/],
    [["--set", "lr=2..1", "--random", "2"], 2, /empty range/],
    [["--set", "lr=1,2", "--by", "accuracy"], 2, /no run reports `accuracy`.*\n.*metrics are loss/],
    [["--set", "lr=1,2", "--train", "other"], 2, /no train section "other"/],
    [[], 2, /needs settings to try/],
    [["--resume", "."], 1, /sweep-folder.*is no sweep/],
  ])("refuses %j before anything trains", (args, exit, message) => {
    const result = nnc(["sweep", "p.nn", ...args], { cwd: project() })
    expect(result.err).toMatch(message)
    expect(result.exit).toBe(exit)
  })

  it("refuses to go on with the sweep of another program", () => {
    const cwd = project()
    expect(nnc(["sweep", "p.nn", "--set", "lr=1", "--steps", "1", "--device", "wasm"], { cwd }).exit).toBe(0)
    writeFileSync(join(cwd, "p.nn"), PROGRAM.replace("STEPS", "300"))
    const { exit, err } = nnc(["sweep", "p.nn", "--resume", "sweeps/p-1"], { cwd })
    expect(exit).toBe(1)
    expect(err).toMatch(/sweep-folder.*sweep of another program/)
  })
})
