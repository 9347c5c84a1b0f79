// Validation along the way: its reports, when `patience` ends a run, and that a run which was stopped or killed around that point
// comes to the same bits.
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import {
  openBundle,
  type EndEvent,
  type ReportEvent,
  type TrainEvent,
  type Trainer,
} from "../runtime/node.js"
import { compileText } from "./reference/compile-text.js"
import { jsonLines, nnc, temporaryFolder } from "./support/nnc.js"

const opened: Trainer[] = []
afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.close()
})

/** Noise is learned by heart, so the loss over other rows gets worse after a while. */
const rows = Array.from({ length: 40 }, (_, i) => [Math.sin(i), Math.cos(1.7 * i)])
const noisy = rows.map(([a, b], i) => a! * b! + ((i * 7) % 5) / 2)
const program = (settings: string, split = "split train: 0.5, val: 0.25, test: 0.25, seed: 2"): string =>
  `data d = array(x: ${JSON.stringify(rows)}, y: ${JSON.stringify(noisy)}) {
  x: f32[2] = column("x")
  y: f32[1] = column("y")
  ${split}
}
model Net(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(16) |> tanh |> Linear(1) }
train on d {
  let y_hat = Net(x)
  minimize mse(y_hat, y) with Adam(lr: 0.05)
  report close = accuracy(y_hat, y)
  report error = l1(y_hat, y)
  batch 6, shuffle, seed 4
  ${settings}
}
`

type Device = "webgpu" | "wasm"
async function open(text: string, device: Device = "wasm"): Promise<Trainer> {
  const { bundle } = compileText({ path: "run.nn", text })
  const trainer = await openBundle(bundle, ".", { device })
  opened.push(trainer)
  return trainer
}
async function slots(trainer: Trainer): Promise<unknown> {
  return [...(await trainer.parameters(true))].map(([name, { values }]) => [name, [...values]])
}

interface Run {
  readonly end: EndEvent
  readonly reports: readonly ReportEvent[]
}
async function run(trainer: Trainer, options: Parameters<Trainer["train"]>[0] = {}): Promise<Run> {
  const events: TrainEvent[] = []
  await trainer.train({ ...options, onEvent: (event) => void events.push(event) })
  const end = events.find((event) => event.event === "end")!
  return { end, reports: events.filter((event) => event.event === "report") }
}
const metric = ({ metrics }: ReportEvent, name: string): number => Number(metrics[name])

describe("what is reported", () => {
  /** The loss of every step, before its update; rows of a step: 6, 6, 6 and 2. */
  const each = async (): Promise<number[]> =>
    (await run(await open(program("epochs 3, report every 1 steps")))).reports.map((r) => metric(r, "loss"))
  const ROWS = [6, 6, 6, 2]
  const mean = (losses: readonly number[], from: number, to: number): number => {
    const weights = Array.from({ length: to - from }, (_, i) => ROWS[(from + i) % 4]!)
    const sum = weights.reduce((all, weight, i) => all + weight * losses[from + i]!, 0)
    return sum / weights.reduce((a, b) => a + b)
  }

  test("of training are means over whole epochs, weighted by rows", async () => {
    const losses = await each()
    const { reports } = await run(await open(program("epochs 3")))
    expect(reports.map(({ step }) => step)).toEqual([0, 4, 8, 12])
    expect(metric(reports[0]!, "loss")).toBeCloseTo(losses[0]!, 6)
    reports
      .slice(1)
      .forEach((r, i) => expect(metric(r, "loss")).toBeCloseTo(mean(losses, 4 * i, 4 * i + 4), 6))
  })
  test("of training are means over the steps since the last report, where reports count steps", async () => {
    const losses = await each()
    const { reports } = await run(await open(program("epochs 3, report every 5 steps")))
    expect(reports.map(({ step }) => step)).toEqual([0, 5, 10, 12])
    expect(metric(reports[1]!, "loss")).toBeCloseTo(mean(losses, 1, 6), 6)
    expect(metric(reports[3]!, "loss")).toBeCloseTo(mean(losses, 11, 13), 6)
  })
  test("of held-back rows is over those for validation, and over those for the test where there are no others", async () => {
    const names = async (split?: string): Promise<string[]> =>
      Object.keys((await run(await open(program("epochs 1", split)))).reports[1]!.metrics)
    const own = ["loss", "close", "error"]
    expect(await names()).toEqual([...own, ...own.map((name) => `val_${name}`)])
    expect(await names("split train: 0.5, test: 0.5")).toEqual([...own, ...own.map((name) => `test_${name}`)])
    expect(await names("split folds: 4, test: 0.2, seed: 1")).toContain("val_loss")
  })
})

/** The step at which a run ends that waits for so many epochs. */
function stopOf(reports: readonly ReportEvent[], name: string, epochs: number, sign = 1): number {
  let best = { value: Infinity, step: 0 }
  for (const report of reports.slice(1)) {
    const value = sign * metric(report, name)
    if (value < best.value) best = { value, step: report.step }
    if (report.step - best.step >= 4 * epochs) return report.step
  }
  throw new Error("it would not end")
}

describe("patience", () => {
  test.each([
    ["patience 3 epochs", "val_loss", 3, 1],
    ["patience 12 steps", "val_loss", 3, 1],
    ["patience 4 epochs on error", "val_error", 4, 1],
    ["patience 5 epochs on val_close", "val_close", 5, -1],
  ])("`%s` ends the run, which is the same up to there", async (setting, name, epochs, sign) => {
    const whole = await run(await open(program("epochs 60")))
    const stopped = await run(await open(program(`epochs 60, ${setting}`)))
    const step = stopOf(whole.reports, name, epochs, sign)
    expect(stopped.end).toMatchObject({ why: "stopped", step })
    expect(step).toBeLessThan(240)
    expect(stopped.reports).toEqual(whole.reports.filter((report) => report.step <= step))
  })
  test("follows the loss of training where that is said", async () => {
    const none = "split train: 1"
    const whole = await run(await open(program("epochs 200", none)))
    const stopped = await run(await open(program("epochs 200, patience 2 epochs on loss", none)))
    expect(stopped.end).toMatchObject({ why: "stopped" })
    expect(stopped.reports).toEqual(whole.reports.slice(0, stopped.reports.length))
  })
  test("the best is kept by what is waited for, and the end says what it was", async () => {
    const { end, reports } = await run(await open(program("epochs 60, patience 3 epochs")))
    const least = Math.min(...reports.slice(1).map((r) => metric(r, "val_loss")))
    expect(end.best).toEqual({
      metric: "val_loss",
      value: least,
      step: reports.find((r) => metric(r, "val_loss") === least)!.step,
    })
    const { bundle } = compileText({
      path: "run.nn",
      text: program("epochs 60, patience 3 epochs on val_close"),
    })
    expect(bundle.manifest.trains[0]!.keepBest).toEqual({ metric: "close", better: "higher" })
  })

  describe.each(["wasm", "webgpu"] as const)("on %s", (device) => {
    test.each([
      ["by epochs", "patience 3 epochs", ""],
      ["of the training loss, by steps", "patience 3 steps on loss", "split train: 1"],
    ])("a run %s that is killed before it ends is the same when it goes on", async (_, setting, split) => {
      const text = program(`epochs 100, ${setting}, checkpoint every 3 steps`, split || undefined)
      const whole = await open(text, device)
      const { end, reports } = await run(whole, { runFolder: join(temporaryFolder(), "whole") })
      expect(end.why).toBe("stopped")
      for (const steps of [end.step - 5, end.step - 1]) {
        const folder = join(temporaryFolder(), "run")
        // A process that is killed leaves its last checkpoint and nothing else.
        await (await open(text, device)).train({ steps: steps - (steps % 3), runFolder: folder })
        rmSync(join(folder, "log.jsonl"))
        const resumed = await open(text, device)
        const again = await run(resumed, { resume: folder })
        expect(again.end).toMatchObject({ why: "stopped", step: end.step, best: end.best })
        expect(again.reports.at(-1)).toEqual(reports.at(-1))
        expect(await slots(resumed)).toEqual(await slots(whole))
      }
    })
  })

  test("a run that has ended early ends at once when it is resumed, and changes nothing", async () => {
    const text = program("epochs 60, patience 3 epochs")
    const folder = join(temporaryFolder(), "run")
    const first = await open(text)
    const { end, reports } = await run(first, { runFolder: folder })
    const files = (): string[] =>
      ["best", "last"].map((kind) => readFileSync(join(folder, `checkpoints/${kind}.safetensors`), "latin1"))
    const before = files()
    const again = await run(await open(text), { resume: folder, runFolder: folder })
    expect(again.end).toMatchObject({ why: "stopped", step: end.step, best: end.best })
    expect(again.reports).toEqual([reports.at(-1)])
    expect(files()).toEqual(before)
  })
})

test("`evaluate` and `export` take the best checkpoint of a run, and say which", () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, "run.nn"), program("epochs 60, patience 3 epochs"))
  const at = { cwd, env: { XDG_CACHE_HOME: join(cwd, "cache") } }
  const trained = nnc(["train", "run.nn", "--device", "wasm"], at)
  expect(trained.err).toContain("20 rows, 10 for validation, 10 for the test")
  expect(trained.out).toMatch(/^stopped early at step \d+ .*; best val_loss [\d.]+ at step \d+$/m)
  const loss = (...options: string[]): number => {
    const result = nnc(["evaluate", "run.nn", "--device", "wasm", "--json", ...options], at)
    const [{ metrics, part }] = jsonLines(result) as [{ metrics: { loss: number }; part: string }]
    expect(part).toBe("val")
    return metrics.loss
  }
  expect(loss("--part", "val")).toBeLessThan(loss("--part", "val", "--from", "last"))
  expect(loss("--part", "val", "--checkpoint", "runs/run-1")).toBe(loss("--part", "val", "--from", "best"))
  const said = nnc(["evaluate", "run.nn", "--device", "wasm"], at)
  expect(said.err).toMatch(
    /parameters from runs\/run-1\/checkpoints\/best\.safetensors, step \d+; 10 test rows/,
  )
  expect(nnc(["export", "run.nn", "-o", "w.safetensors"], at).err).toContain("best.safetensors")
  const file = "runs/run-1/checkpoints/last.safetensors"
  expect(nnc(["evaluate", "run.nn", "--from", "best", "--checkpoint", file], at)).toMatchObject({
    exit: 2,
    err: expect.stringContaining("chooses among the checkpoints of a run"),
  })
})
