// `nnc runs`: what a list of runs says, the page that compares them, and what is removed.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it, test } from "vitest"
import { LOG_VERSION } from "../runtime/node.js"
import { runsBelow } from "../compiler/cli/runs/run-facts.js"
import { chromiumFile, launchChromium } from "./support/chromium.js"
import { jsonLines, nnc, temporaryFolder } from "./support/nnc.js"

const start = {
  event: "start",
  log: LOG_VERSION,
  program: "net",
  train: "train",
  device: "wasm",
  step: 0,
  steps: 40,
}
const report = (step: number, loss: number) => ({
  event: "report",
  step,
  epoch: step,
  metrics: { loss, table: [[1]] },
})
const end = (why: string, step = 40) => ({ event: "end", step, seconds: 1, steps_per_second: 40, why })

/** Logs as runs leave them. */
function runs(logs: Readonly<Record<string, readonly object[]>>): string {
  const cwd = temporaryFolder()
  for (const [name, events] of Object.entries(logs)) {
    const folder = join(cwd, "runs", name)
    mkdirSync(join(folder, "checkpoints"), { recursive: true })
    writeFileSync(join(folder, "log.jsonl"), events.map((event) => `${JSON.stringify(event)}\n`).join(""))
    writeFileSync(join(folder, "checkpoints/last.safetensors"), "")
  }
  return cwd
}
const THREE = {
  "net-1": [{ ...start, settings: { lr: 0.1, width: 4 } }, report(0, 0.7), report(40, 0.25), end("finished")],
  "net-2": [{ ...start, settings: { lr: 0.3, width: 4 } }, report(0, 0.7), report(20, 0.5)],
  "net-3": [
    { ...start, settings: { lr: 0.2, width: 4 } },
    end("interrupted", 3),
    { ...start, step: 3, settings: { lr: 0.2, width: 4 } },
  ],
}

describe("nnc runs", () => {
  it("lists runs with the settings in which they differ and what they reported last", () => {
    const cwd = runs(THREE)
    const { exit, out } = nnc(["runs"], { cwd })
    expect(exit).toBe(0)
    expect(out.replace(/\d{4}-\d\d-\d\d \d\d:\d\d/g, "(date and time)")).toMatchInlineSnapshot(`
      "run         program  when              status        step  of  lr   loss
      runs/net-1  net      (date and time)  finished        40  40  0.1  0.25
      runs/net-2  net      (date and time)  not finished    20  40  0.3   0.5
      runs/net-3  net      (date and time)  not finished     3  40  0.2
      "
    `)
    expect(jsonLines(nnc(["runs", "--json"], { cwd }))).toHaveLength(3)
    expect(nnc(["runs", "--program", "other"], { cwd }).err).toBe("there are no runs in runs/\n")
  })

  it("lists the runs of a sweep, and those of all sweeps in a folder", () => {
    const cwd = runs({ "c-1/1": THREE["net-1"], "c-1/2": THREE["net-2"], "c-2/1": THREE["net-3"] })
    const listed = (folder: string) => nnc(["runs", folder], { cwd }).out.match(/^runs\S+/gm)
    expect(listed("runs/c-1")).toEqual(["runs/c-1/1", "runs/c-1/2"])
    expect(listed("runs")).toEqual(["runs/c-1/1", "runs/c-1/2", "runs/c-2/1"])
  })

  it("refuses a folder that is not there", () => {
    const { exit, err } = nnc(["runs", "nowhere"], { cwd: runs({}) })
    expect(exit).toBe(1)
    expect(err).toMatch(/run-missing.*there is no folder nowhere/)
  })

  it("reads a thousand runs", () => {
    const cwd = runs(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`net-${i}`, THREE["net-1"]])))
    expect(runsBelow(join(cwd, "runs"))).toHaveLength(1000)
  })

  it("takes a log that a crash cut off as far as it goes", () => {
    const cwd = runs(THREE)
    writeFileSync(join(cwd, "runs/net-1/log.jsonl"), `${JSON.stringify(THREE["net-1"][0])}\n{"event":"rep`)
    expect(runsBelow(join(cwd, "runs"))[0]).toMatchObject({ program: "net" })
    expect(runsBelow(join(cwd, "runs")).find(({ folder }) => folder.endsWith("net-1"))).toMatchObject({
      status: "not finished",
      step: 0,
    })
  })

  it("removes a run and keeps what no run wrote", () => {
    const cwd = runs(THREE)
    writeFileSync(join(cwd, "runs/net-2/notes.txt"), "mine")
    const { exit, err } = nnc(["runs", "remove", "runs/net-1", "runs/net-2"], { cwd })
    expect({ exit, err }).toEqual({
      exit: 0,
      err: "removed runs/net-1\nremoved the run in runs/net-2; kept notes.txt\n",
    })
    expect(["net-1", "net-2/notes.txt", "net-3"].map((name) => existsSync(join(cwd, "runs", name)))).toEqual([
      false,
      true,
      true,
    ])
  })

  it("removes nothing when one of the folders is no run", () => {
    const cwd = runs(THREE)
    const { exit, err } = nnc(["runs", "remove", "runs/net-1", "runs"], { cwd })
    expect(exit).toBe(1)
    expect(err).toMatch(/error\[run-missing\]: runs is no run/)
    expect(existsSync(join(cwd, "runs/net-1"))).toBe(true)
  })
})

test.skipIf(chromiumFile() === undefined)(
  "the page of `nnc runs compare` draws a curve for each run, in light and dark",
  async () => {
    const cwd = runs(THREE)
    expect(nnc(["runs", "compare", "runs/net-1", "runs/net-2"], { cwd }).exit).toBe(0)
    const page = readFileSync(join(cwd, "comparison.html"), "utf8")
    expect(page).toMatch(/<td>runs\/net-2<td>not finished<td class="number">20/)
    const browser = await launchChromium()
    for (const colorScheme of ["light", "dark"] as const) {
      const tab = await browser.newPage({ colorScheme })
      const errors: string[] = []
      tab.on("pageerror", ({ message }) => errors.push(message))
      await tab.goto(`file://${join(cwd, "comparison.html")}`)
      expect(await tab.locator(".u-title").allTextContents()).toEqual(["loss"])
      expect(await tab.locator(".u-legend .u-series").count()).toBe(3)
      expect(errors).toEqual([])
    }
    await browser.close()
  },
)
