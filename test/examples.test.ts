// Every example trains on each device: a few steps, after which its loss is lower. `npm run examples` trains them in full.

import { existsSync, readdirSync } from "node:fs"
import { expect, test } from "vitest"
import { openProgram } from "../compiler/cli/open-program.js"
import type { ReportEvent } from "../runtime/node.js"

/** Enough to tell learning from chance; 20 where nothing is said. */
const STEPS: Readonly<Record<string, number>> = {
  boston: 60,
  "char-lm": 6,
  "gru-text": 8,
  llama: 6,
  mnist: 10,
  reviews: 10,
  "six-points": 400,
  xor: 60,
}
/** Settings that make an example smaller where its kernels take long to compile. */
const SETTINGS: Readonly<Record<string, ReadonlyMap<string, string>>> = {
  llama: new Map([["count", "1"]]),
}
/** The value that falls, where it is not the loss: of two networks against each other, the critic learns first. */
const FALLS: Readonly<Record<string, string>> = { gan: "loss.0" }

const examples = readdirSync("examples").filter((name) => existsSync(`examples/${name}/${name}.nn`))
// Its images are not part of the repository.
const hasData = (name: string): boolean => name !== "mnist" || existsSync("examples/mnist/data")

const DEVICES = ["webgpu", "wasm"] as const

test.each(examples.filter(hasData).flatMap((name) => DEVICES.map((device) => ({ name, device }))))(
  "$name on $device",
  async ({ name, device }) => {
    const path = `examples/${name}/${name}.nn`
    const trainer = await openProgram(path, { device, data: new Map(), set: SETTINGS[name] ?? new Map() })
    try {
      const steps = STEPS[name] ?? 20
      const reports: ReportEvent[] = []
      await trainer.train({
        steps,
        reportEvery: { unit: "steps", count: steps },
        onEvent: (event) => void (event.event === "report" && reports.push(event)),
      })
      const [first, last] = [reports[0], reports.at(-1)].map((report) => fallingValue(name, report!))
      expect(last).toBeLessThan(first!)
    } finally {
      trainer.close()
    }
  },
  300_000,
)

function fallingValue(name: string, report: ReportEvent): number {
  const what = FALLS[name] ?? "loss"
  return Number(report.metrics[`val_${what}`] ?? report.metrics[`test_${what}`] ?? report.metrics[what])
}
