/** The runtime on a real device, with a bundle written by hand. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { openBundle, type ReportEvent, type TrainEvent, type Trainer } from "../runtime/node.js"
import { tinyBundle, type TinyOptions } from "./support/tiny-bundle.js"

const opened: Trainer[] = []
const folders: string[] = []
afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

async function open(options?: TinyOptions): Promise<Trainer> {
  const trainer = await openBundle(tinyBundle(options), ".")
  opened.push(trainer)
  return trainer
}
function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "nnc-run-"))
  folders.push(folder)
  return folder
}
async function slots(trainer: Trainer): Promise<Record<string, number[]>> {
  return Object.fromEntries(
    [...(await trainer.parameters(true))].map(([name, { values }]) => [name, [...values]]),
  )
}
const reports = (events: readonly TrainEvent[]): ReportEvent[] =>
  events.filter((event) => event.event === "report")

/** The same training in plain doubles. */
function expected(steps: number, rows = 10, seed = 1): { losses: number[]; w: number[] } {
  const x = Array.from({ length: rows }, (_, i) => [Math.sin(i), Math.cos(i * 1.7), 1])
  const y = x.map(([a, b]) => 1.5 * a! - 0.5 * b! + 0.25)
  const w = [0.5 + seed * 0.125, -0.25, 0]
  const v = [0, 0, 0]
  const losses: number[] = []
  const perEpoch = Math.ceil(rows / 4)
  for (let step = 0; step < steps; step++) {
    const epoch = Math.floor(step / perEpoch)
    const start = (step % perEpoch) * 4
    const batch = Math.min(4, rows - start)
    const g = [0, 0, 0]
    let loss = 0
    for (let i = 0; i < batch; i++) {
      const r = ((start + i) * 7 + epoch * 3 + seed) % rows
      const d = x[r]!.reduce((sum, value, j) => sum + value * w[j]!, 0) - y[r]!
      loss += (d * d) / batch
      x[r]!.forEach((value, j) => (g[j]! += (2 * d * value) / batch))
    }
    losses.push(loss)
    g.forEach((each, j) => {
      v[j] = 0.9 * v[j]! + each
      w[j]! -= 0.05 * v[j]!
    })
  }
  return { losses, w }
}

describe("training", () => {
  test("follows the reference, partial batches included, every loss recorded", async () => {
    const trainer = await open()
    const events: TrainEvent[] = []
    const end = await trainer.train({
      reportEvery: { unit: "steps", count: 1 },
      onEvent: (event) => events.push(event),
    })
    const { losses, w } = expected(40)
    const found = reports(events)
    expect(found.map(({ step }) => step)).toEqual(Array.from({ length: 41 }, (_, i) => i))
    losses.forEach((loss, i) => expect(found[i]!.metrics.loss).toBeCloseTo(loss, 5))
    const after = await slots(trainer)
    expect([...after["Line.weight"]!, ...after["Line.bias"]!].map((value) => value.toFixed(5))).toEqual(
      w.map((value) => value.toFixed(5)),
    )
    expect(end).toMatchObject({ event: "end", step: 40, why: "finished" })
    expect(events[0]).toMatchObject({
      event: "start",
      device: "webgpu",
      parameters: 3,
      rows: 10,
      data_bytes: 128,
      steps_per_epoch: 3,
    })
  })

  test("gives the same bits whatever is reported, and leaves the state of the last step", async () => {
    const each = await open()
    await each.train({ reportEvery: { unit: "steps", count: 1 } })
    const rarely = await open()
    await rarely.train({ reportEvery: { unit: "steps", count: 1000 } })
    expect(await slots(rarely)).toEqual(await slots(each))
  })

  test("20 steps and a resume are 40 steps, bit for bit", async () => {
    const whole = await open()
    await whole.train()
    const folder = temporary()
    const half = await open()
    await half.train({ steps: 20, runFolder: folder })
    const resumed = await open()
    const events: TrainEvent[] = []
    await resumed.train({ resume: folder, onEvent: (event) => events.push(event) })
    expect(events[0]).toMatchObject({ event: "start", step: 20 })
    expect(reports(events).map(({ step }) => step)).toEqual([20, 30, 40])
    expect(await slots(resumed)).toEqual(await slots(whole))
  })

  test("saves and says so when it is interrupted; resuming then changes nothing", async () => {
    const folder = temporary()
    const stop = new AbortController()
    const interrupted = await open()
    const onEvent = (event: TrainEvent): void => {
      if (event.event === "report" && event.step === 10) stop.abort()
    }
    const end = await interrupted.train({ runFolder: folder, signal: stop.signal, onEvent })
    expect(end.why).toBe("interrupted")
    expect(end.step).toBeGreaterThan(10)
    expect(end.step).toBeLessThan(40)
    const resumed = await open()
    await resumed.train({ resume: folder })
    const whole = await open()
    await whole.train()
    expect(await slots(resumed)).toEqual(await slots(whole))
    const lines = readFileSync(join(folder, "log.jsonl"), "utf8").trim().split("\n")
    expect(lines.map((line) => JSON.parse(line).event)).toEqual([
      "start",
      "report",
      "report",
      "checkpoint",
      "end",
    ])
  })

  test("reports the test rows, weighted by rows, and keeps the best", async () => {
    const folder = temporary()
    const trainer = await open({
      data: { split: { train: 0.5, test: 0.5, seed: 3 } },
      rows: 18,
      train: {
        duration: { unit: "epochs", count: 4 },
        reportEvery: { unit: "epochs", count: 2 },
        keepBest: { metric: "loss", better: "lower" },
      },
    })
    const events: TrainEvent[] = []
    await trainer.train({ runFolder: folder, onEvent: (event) => events.push(event) })
    const found = reports(events)
    expect(found.map(({ step, epoch }) => [step, epoch])).toEqual([[0, 0], [6, 2], [12, 4]]) // prettier-ignore
    expect(await trainer.evaluate()).toEqual({ loss: found.at(-1)!.metrics["test_loss"] })
    const best = events.findLast((event) => event.event === "checkpoint" && event.kind === "best")
    expect(best).toMatchObject({ step: 6 })
  })

  test("names the step and the kernel that first gave a value that is not finite", async () => {
    // With seed 1, row 7 is in the third batch of epoch 0; its error squares to infinity. The report after step 0 is at 7.
    const trainer = await open({ badRow: 7 })
    await expect(trainer.train({ reportEvery: { unit: "steps", count: 7 } })).rejects.toMatchObject({
      code: "non-finite",
      exit: 1,
      message:
        "the loss is Infinity at step 2 (epoch 0); the first value that is not finite is " +
        'element 0 of "gradient", computed by kernel gradient at tiny.nn:7:12',
    })
  })
})

describe("prediction", () => {
  test("takes any number of rows", async () => {
    const trainer = await open()
    trainer.setParameters({ "Line.weight": [2, 3], "Line.bias": [1] })
    const x = Array.from({ length: 22 }, (_, i) => i)
    const { output } = await trainer.predict("Line", { x })
    expect(output!.shape).toEqual([11, 1])
    expect([...output!.values]).toEqual(
      Array.from({ length: 11 }, (_, r) => 2 * (2 * r) + 3 * (2 * r + 1) + 1),
    )
  })

  test("refuses inputs that are no whole rows", async () => {
    const trainer = await open()
    await expect(trainer.predict("Line", { x: [1, 2, 3] })).rejects.toMatchObject({ code: "input-shape" })
    await expect(trainer.predict("Lime", { x: [1, 2] })).rejects.toMatchObject({
      help: 'did you mean "Line"?',
    })
  })
})
