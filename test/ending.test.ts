// A run that is asked to end saves its state, and one that nobody listens to any more goes on.

import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { constants } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { commandLine } from "./support/command-line.js"
import { jsonLines, nnc, startNnc, temporaryFolder } from "./support/nnc.js"

/** Says nothing of checkpoints. Momentum, a shuffled order and dropout show where a resumed run would differ. */
const PROGRAM = `data d = array(x: [[1, 2], [2, 1], [3, 5], [0, 4], [5, 5]], y: [2, 4, 6, 1, 3]) {
  x: f32[2] = column("x")
  y: f32[1] = column("y")
}
model M(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(4) |> tanh |> Dropout(0.2) |> Linear(1) }
train on d {
  minimize mse(M(x), y) with Adam(lr: 0.01)
  batch 2, shuffle, steps STEPS
  report every 50 steps
}
`
function project(steps: number): string {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, "p.nn"), PROGRAM.replace("STEPS", String(steps)))
  return cwd
}
const LAST = "checkpoints/last.safetensors"
const checkpoint = (...path: string[]): Buffer => readFileSync(join(...path, LAST))

describe("a run with default settings that is ended by", () => {
  const cwd = project(1_000_000_000)

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s goes on to the same bytes", async (signal) => {
    const child = startNnc(["train", "p.nn", "--device", "wasm", "--out", signal, "--json"], cwd)
    let [said, reports] = ["", 0]
    child.stderr?.on("data", (text) => (said += String(text)))
    child.stdout?.on("data", (text) => {
      reports += String(text).split('"report"').length - 1
      if (reports > 2) child.kill(signal)
    })
    const [exit] = (await once(child, "close")) as [number]
    expect({ exit, said }).toEqual({
      exit: 128 + constants.signals[signal],
      said: `Saved. To go on: nnc train p.nn --resume ${signal}\n`,
    })
    const [start] = jsonLines(
      nnc(["train", "p.nn", "--resume", signal, "--steps", "0", "--device", "wasm", "--json"], { cwd }),
    )
    const from = Number(start?.["step"])
    expect(from).toBeGreaterThan(50)
    const steps = ["--device", "wasm", "--steps", String(from + 77)]
    expect(nnc(["train", "p.nn", "--resume", signal, ...steps], { cwd }).exit).toBe(0)
    expect(nnc(["train", "p.nn", "--out", `${signal}-whole`, ...steps], { cwd }).exit).toBe(0)
    expect(checkpoint(cwd, signal).equals(checkpoint(cwd, `${signal}-whole`))).toBe(true)
  })
})

describe("a run whose output is lost", () => {
  it.each([
    ["stdout", ["--json"]],
    ["stderr", []],
  ] as const)("because the reader of its %s went away goes on to its end", async (name, flags) => {
    const cwd = project(5000)
    const child = startNnc(["train", "p.nn", "--device", "wasm", "--out", "run", ...flags], cwd)
    const [closed, other] = name === "stdout" ? [child.stdout, child.stderr] : [child.stderr, child.stdout]
    let said = ""
    other?.on("data", (text) => (said += String(text)))
    closed?.once("data", () => closed.destroy())
    const [exit] = (await once(child, "close")) as [number]
    expect({ exit, said }).toEqual({ exit: 0, said: name === "stdout" ? "" : expect.any(String) })
    expect(
      jsonLines({ exit, err: "", out: readFileSync(join(cwd, "run/log.jsonl"), "utf8") }).at(-1),
    ).toMatchObject({
      event: "end",
      step: 5000,
    })
  })

  const full = existsSync("/dev/full")
  it.skipIf(!full)(
    `because its disk is full goes on, says so and does not end with 0${full ? "" : " (skipped: no /dev/full here)"}`,
    async () => {
      const cwd = project(500)
      const child = spawn(
        process.execPath,
        [commandLine(), "train", "p.nn", "--device", "wasm", "--out", "run", "--json"],
        {
          cwd,
          stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
          env: { ...process.env, NO_COLOR: "1" },
        },
      )
      let said = ""
      child.stderr?.on("data", (text) => (said += String(text)))
      const [exit] = (await once(child, "close")) as [number]
      expect({ exit, said }).toEqual({
        exit: 3,
        said:
          "error[io-system]: stdout cannot be written: the disk is full\n" +
          "  help: what stands in files of a run or a bundle is whole\n",
      })
      expect(existsSync(join(cwd, "run", LAST))).toBe(true)
    },
  )

  it("is no reason for a command to stop halfway", () => {
    const cwd = project(100)
    const shell = `"$0" "$1" inspect p.nn | head -1; "$0" "$1" check p.nn --json | true; echo "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = spawnSync("bash", ["-c", shell, process.execPath, commandLine()], {
      cwd,
      encoding: "utf8",
    })
    expect({ last: stdout.trimEnd().split("\n").at(-1), stderr }).toEqual({ last: "0", stderr: "" })
  })
})

describe("control characters of a stranger's file", () => {
  // oxlint-disable-next-line no-control-regex
  const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/
  const EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r"

  it.each([
    ["a cell", { "d.csv": `x,y\n1,${EVIL}\n` }],
    ["the name of a column", { "d.csv": `x,${EVIL}\n1,2\n` }],
    ["the source text", { "p.nn": `let a = "${EVIL}" + b // ${EVIL}\n` }],
    [
      "the path of a data file",
      { "p.nn": `data d = csv("${EVIL.replace("\r", "")}") { x: f32 = column("x") }\n` },
    ],
  ])("in %s do not reach the terminal", (_, files) => {
    const cwd = temporaryFolder()
    const program = `data d = csv("d.csv") { x: f32 = column("x")  y: f32 = column("y") }
model M(x: f32[B]) -> f32[B] { param w: f32 = ones  x * w }
train on d { minimize mse(M(x), y) with SGD(lr: 0.1)  steps 1 }
`
    for (const [name, text] of Object.entries({ "p.nn": program, ...files }))
      writeFileSync(join(cwd, name), text)
    for (const flags of [[], ["--json"]]) {
      const { exit, out, err } = nnc(["check", "p.nn", ...flags], { cwd })
      expect(exit).toBe(1)
      expect(out + err).not.toMatch(CONTROL)
      if (flags.length > 0) expect(jsonLines({ exit, out, err }).length).toBeGreaterThan(0)
    }
  })
})
