// The folder of a run: one writer at a time, nothing written over unasked, several checkpoints where a program says so.

import { spawnSync } from "node:child_process"
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { beforeEach, describe, expect, it } from "vitest"
import { newestRunFolder, newRunFolder, openRunFolder } from "../runtime/train/run-folder.js"
import { takeLock } from "../runtime/train/run-lock.js"
import { killAtRandom } from "./faults/kills.js"
import { commandLine } from "./support/command-line.js"
import { failure } from "./support/failure.js"
import { nnc, temporaryFolder } from "./support/nnc.js"

let folder = ""
beforeEach(() => {
  folder = temporaryFolder()
})

describe("the lock of a run folder", () => {
  const lock = (): string => join(folder, "lock")
  const owner = (): Record<string, unknown> =>
    JSON.parse(readFileSync(lock(), "utf8")) as Record<string, unknown>
  const own = (change: object): string => {
    const release = takeLock(lock())
    const text = JSON.stringify({ ...owner(), ...change })
    release()
    return text
  }

  it("is held by one, named by process, and is gone when released", () => {
    const release = takeLock(lock())
    expect(failure(() => takeLock(lock()))).toEqual([
      "run-in-use",
      `${folder} is in use: process ${process.pid} writes to it`,
      "wait until it is done, or name another folder",
    ])
    release()
    expect(readdirSync(folder)).toEqual([])
    takeLock(lock())()
  })

  const dead = spawnSync(process.execPath, ["-e", ""]).pid
  it.each<[string, object]>([
    ["that has died", { pid: dead }],
    ["whose number another one has now", { started: "1" }],
    ["of a system that was started anew", { boot: "another" }],
  ])("of a process %s is taken over", (_, change) => {
    writeFileSync(lock(), own(change))
    const release = takeLock(lock())
    expect(owner()["pid"]).toBe(process.pid)
    release()
    expect(readdirSync(folder)).toEqual([])
  })

  it("is taken over also where processes died while they took it over", () => {
    const text = own({ pid: dead })
    for (const name of ["lock", "lock.next", "lock.next.next", "lock.11111111-1111-4111-8111-111111111111"])
      writeFileSync(join(folder, name), text)
    takeLock(lock())()
    expect(readdirSync(folder)).toEqual([])
  })

  it("of another machine is kept, and the file to remove is named", () => {
    writeFileSync(lock(), own({ host: "elsewhere pid:[1]" }))
    const [code, message, help] = failure(() => takeLock(lock()))
    expect([code, message]).toEqual([
      "run-in-use",
      `${folder} is in use: process ${process.pid} on elsewhere writes to it`,
    ])
    expect(help).toContain(`remove ${lock()}`)
    expect(hostname()).not.toBe("elsewhere")
  })

  it("is not released by one who no longer has it", () => {
    const other = own({ run: "another" })
    const release = takeLock(lock())
    writeFileSync(lock(), other)
    release()
    expect(readFileSync(lock(), "utf8")).toBe(other)
  })
})

describe("a run folder", () => {
  const start = { event: "note", message: "it begins" } as const
  const run = async (): Promise<string> => {
    const made = newRunFolder(folder, "net")
    made.log(start)
    await made.save("last", Uint8Array.of(1), { step: 5, keep: 1 })
    await made.save("best", Uint8Array.of(2), { step: 3, keep: 1 })
    made.close()
    return made.path
  }

  it("that was not written to is gone when closed", () => {
    newRunFolder(folder, "net").close()
    expect(readdirSync(folder)).toEqual([])
    openRunFolder(folder).close()
    expect(existsSync(folder)).toBe(true)
  })

  it("holds one run, unless that is resumed or to be replaced", async () => {
    const path = await run()
    expect(failure(() => openRunFolder(path)).slice(0, 2)).toEqual([
      "run-exists",
      `${path} holds a run already`,
    ])
    const best = join(path, "checkpoints/best.safetensors")
    expect(failure(() => openRunFolder(path, { resume: best }))[1]).toBe(
      `${path} holds a run already, and ${best} is not its last checkpoint`,
    )
    for (const resume of [path, join(path, "checkpoints/last.safetensors"), `${path}/../net-1`]) {
      openRunFolder(path, { resume }).close()
      expect(existsSync(best)).toBe(true)
    }
    const again = openRunFolder(path, { overwrite: true })
    expect(existsSync(best), "until the new one begins").toBe(true)
    again.log(start)
    again.close()
    expect(existsSync(best)).toBe(false)
    expect(readFileSync(join(path, "log.jsonl"), "utf8").split("\n")).toHaveLength(2)
  })

  it("keeps as many of the newest checkpoints as is said", async () => {
    const made = newRunFolder(folder, "net")
    for (let step = 10; step <= 50; step += 10)
      await made.save("last", Uint8Array.of(step), { step, keep: 3 })
    await made.save("best", Uint8Array.of(1), { step: 50, keep: 3 })
    const files = join(made.path, "checkpoints")
    expect(readdirSync(files).sort()).toEqual([
      "best.safetensors",
      "last.safetensors",
      "step-30.safetensors",
      "step-40.safetensors",
      "step-50.safetensors",
    ])
    expect(readFileSync(join(files, "last.safetensors"))[0]).toBe(50)
    made.close()
  })

  it("is cleared of what a process that died left half written", async () => {
    const path = await run()
    const file = join(path, "checkpoints/last.safetensors")
    linkSync(file, `${file}.11111111-1111-4111-8111-111111111111.tmp`)
    writeFileSync(join(path, "checkpoints/notes.tmp"), "somebody's own")
    openRunFolder(path, { resume: path }).close()
    expect(readdirSync(join(path, "checkpoints")).sort()).toEqual([
      "best.safetensors",
      "last.safetensors",
      "notes.tmp",
    ])
  })

  it.each(["../../outside", "/etc/passwd", "..", "", ".", "a/b\\c\0\x1b", "x".repeat(5000)])(
    "of a program called %j lies in its place",
    async (name) => {
      mkdirSync(join(folder, "runs"))
      const made = newRunFolder(join(folder, "runs"), name)
      await made.save("last", Uint8Array.of(1), { step: 1, keep: 1 })
      made.close()
      expect(readdirSync(folder)).toEqual(["runs"])
      expect(readdirSync(join(folder, "runs"))).toHaveLength(1)
      expect(newestRunFolder(join(folder, "runs"), name)).toBe(made.path)
    },
  )
})

describe("the command line", () => {
  const PROGRAM = `data d = array(x: [1, 2, 3], y: [2, 4, 6]) { x: f32 = column("x")  y: f32 = column("y") }
model M(x: f32[B]) -> f32[B] { param w: f32 = zeros  x * w }
train on d { minimize mse(M(x), y) with SGD(lr: 0.01)  steps 50  report every 10 steps  checkpoint every 10 steps
  keep best loss, keep last 2 }
`
  it("writes over no run unasked, and goes on from the best checkpoint in a new folder", () => {
    const cwd = folder
    writeFileSync(join(cwd, "p.nn"), PROGRAM)
    const train = (...args: string[]): ReturnType<typeof nnc> =>
      nnc(["train", "p.nn", "--device", "wasm", ...args], { cwd })
    expect(train().exit).toBe(0)
    const files = readdirSync(join(cwd, "runs/p-1/checkpoints")).sort()
    expect(files).toEqual(["best", "last", "step-40", "step-50"].map((name) => `${name}.safetensors`))
    const { exit, err } = train("--out", "runs/p-1")
    expect(exit).toBe(1)
    expect(err).toContain("error[run-exists]: runs/p-1 holds a run already")
    expect(err).toContain("`--overwrite` replaces it")
    expect(train("--resume", "runs/p-1/checkpoints/best.safetensors").err).toContain("in runs/p-2/")
    expect(train("--resume", "runs/p-1/checkpoints/step-40.safetensors").err).toContain("in runs/p-3/")
    expect(train("--out", "runs/p-1", "--overwrite", "--steps", "10").exit).toBe(0)
    expect(readdirSync(join(cwd, "runs/p-1/checkpoints")).sort()).toEqual(
      ["best", "last", "step-10"].map((name) => `${name}.safetensors`),
    )
  })

  it("loses and mixes nothing when two runs at once are killed at any time", async () => {
    const { lost, mixed } = await killAtRandom(commandLine(), folder, 10, 1)
    expect({ lost, mixed }).toEqual({ lost: [], mixed: [] })
  })
})
