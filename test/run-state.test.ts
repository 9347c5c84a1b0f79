// What a run keeps beside its parameters: averages of them, and schedules that follow a metric. Against their definitions, and the
// same when a run is stopped and resumed.
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { openBundle, type ReportEvent, type TrainEvent, type Trainer } from "../runtime/node.js"
import { compileText } from "./reference/compile-text.js"
import { temporaryFolder } from "./support/nnc.js"

const opened: Trainer[] = []
afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.close()
})

type Device = "webgpu" | "wasm"
async function open(text: string, device: Device = "wasm"): Promise<Trainer> {
  const { bundle } = compileText({ path: "run.nn", text })
  const trainer = await openBundle(bundle, ".", { device })
  opened.push(trainer)
  return trainer
}
async function slots(trainer: Trainer): Promise<Record<string, number[]>> {
  const all = await trainer.parameters(true)
  return Object.fromEntries([...all].map(([name, { values }]) => [name, [...values]]))
}
async function reportsOf(trainer: Trainer): Promise<ReportEvent[]> {
  const events: TrainEvent[] = []
  await trainer.train({ onEvent: (event) => events.push(event) })
  return events.filter((event) => event.event === "report")
}

const rows = Array.from({ length: 24 }, (_, i) => [Math.sin(i), Math.cos(1.7 * i)])
const noisy = rows.map(([a, b], i) => a! * b! + (i % 5) / 4)
const data = (
  split: string,
): string => `data d = array(x: ${JSON.stringify(rows)}, y: ${JSON.stringify(noisy)}) {
  x: f32[2] = column("x")
  y: f32[1] = column("y")
  ${split}
}
model Net(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(3) |> tanh |> Linear(1) }
`
const SPLIT = "split train: 0.5, test: 0.5, seed: 2"

describe("keep average", () => {
  /** The gradient is 1 in every step, so after t updates p is 2 - t / 2. */
  const falling = (average: string): string => `data d = array(x: [[1], [1]]) { x: f32[1] = column("x") }
model M(x: f32[B, 1]) -> f32[B, 1] { param p: f32[1] = uniform(2, 2)  x * p }
train on d {
  minimize mean(M(x)) with SGD(lr: 0.5)
  keep average ${average}
  steps 6, report every 100 steps
}
`
  const after = (next: (average: number, p: number, step: number) => number): number => {
    let average = 2
    for (let t = 0; t < 6; t++) average = next(average, 2 - (t + 1) / 2, t)
    return average
  }
  const averages: Readonly<Record<string, number>> = {
    "ema(decay: 0.75)": after((a, p, t) => (t === 0 ? p : 0.75 * a + 0.25 * p)),
    swa: after((a, p, t) => a + (p - a) / (t + 1)),
    // Updates 1, 2 and 3 give the parameter itself; then it is averaged with that of update 5.
    "swa(start: 2, every: 2)": (0.5 + -0.5) / 2,
  }
  test.each(Object.entries(averages))(
    "%s is what is predicted and evaluated with",
    async (average, wanted) => {
      const trainer = await open(falling(average))
      await trainer.train()
      const { output } = await trainer.predict("M", { x: [1] })
      expect(output!.values[0]).toBeCloseTo(wanted, 6)
      expect((await trainer.evaluate({ part: "train" }))["loss"]).toBeCloseTo(wanted, 6)
      expect((await slots(trainer))["M.p"]).toEqual([-1])
      expect([...(await trainer.parameters()).keys()]).toEqual(["M.p"])
    },
  )
  test("parameters that are given are predicted with", async () => {
    const trainer = await open(falling("ema"))
    trainer.setParameters({ "M.p": [7] })
    expect((await trainer.predict("M", { x: [1] }))["output"]!.values[0]).toBe(7)
  })
  test.each([
    [6, undefined],
    [5, "accumulate 2: the run has 5 batches, and the last 1 of them complete no update"],
    [1, "accumulate 2: the run has 1 batches, and so makes no update at all"],
  ])("says which of %i batches complete no update", async (steps, said) => {
    const trainer = await open(falling("swa").replace("steps 6", `steps ${steps}, accumulate 2`))
    const events: TrainEvent[] = []
    await trainer.train({ onEvent: (event) => events.push(event) })
    expect(events.find((event) => event.event === "note")?.message).toBe(said)
  })
  test.each([2 ** 32, -1, 0.5])(
    "refuses the seed %d, which a step could not be given whole",
    async (seed) => {
      const trainer = await open(falling("swa"))
      await expect(trainer.train({ seed })).rejects.toThrow("seed")
    },
  )
  test("follows the updates, not the batches, where gradients accumulate", async () => {
    const trainer = await open(falling("swa").replace("steps 6", "steps 6, accumulate 2"))
    await trainer.train()
    // Three updates: 1.5, 1 and 0.5.
    expect((await slots(trainer))["M.p/average"]![0]).toBeCloseTo(1, 6)
  })
})

describe("a model that follows another", () => {
  const following = (
    by: string,
    more = "",
  ): string => `data d = array(x: [[1], [1]]) { x: f32[1] = column("x") }
model M(x: f32[B, 1]) -> f32[B, 1] {
  param p: f32[1] = uniform(2, 2)
  state seen: f32[1] = zeros
  state count: i32 = 0
  if training { seen <- seen + p  count <- count + 1 }
  x * p
}
model F follows M by ${by}
model G follows F by copy(every: 2)
train on d {
  minimize mean(M(x) + stop_gradient(F(x))) with SGD(lr: 0.5)
  steps 6, report every 100 steps${more}
}
train again on d { minimize mean(M(x)) with SGD(lr: 0.5)  steps 2 }
`
  /** p after update t is 2 - t / 2. */
  const after = (steps: number, next: (own: number, p: number, step: number) => number): number => {
    let own = 2
    for (let t = 1; t <= steps; t++) own = next(own, 2 - t / 2, t)
    return own
  }
  const ema = (own: number, p: number): number => 0.75 * own + 0.25 * p
  test.each([
    ["ema(decay: 0.75)", "", after(6, ema)],
    ["copy", "", -1],
    ["copy(every: 4)", "", 0],
    // Three updates: 1.5, 1 and 0.5.
    ["ema(decay: 0.75)", ", accumulate 2", after(3, ema)],
  ])("by %s%s", async (by, more, wanted) => {
    const trainer = await open(following(by, more))
    await trainer.train({ train: "train" })
    expect((await trainer.predict("F", { x: [1] }))["output"]!.values[0]).toBeCloseTo(wanted, 6)
    const all = await slots(trainer)
    expect(all["M.count"]).toEqual([6])
    expect(all["F.count"]).toEqual([6])
  })
  test("states go along, and one that follows it in turn", async () => {
    const trainer = await open(following("ema(decay: 0.75)"))
    await trainer.train({ train: "train" })
    const all = await slots(trainer)
    let [seen, own, copied] = [0, 0, 0]
    for (let t = 1; t <= 6; t++) {
      seen += 2 - (t - 1) / 2
      own = ema(own, seen)
      if (t % 2 === 0) copied = own
    }
    expect(all["F.seen"]![0]).toBeCloseTo(own, 5)
    expect(all["G.seen"]![0]).toBeCloseTo(copied, 5)
  })
  test("starts as what is given, and goes on from section to section", async () => {
    const trainer = await open(following("ema(decay: 0.75)"))
    await trainer.train({ train: "again" })
    expect((await slots(trainer))["F.p"]![0]).toBeCloseTo(after(2, ema), 6)
    await trainer.train({ train: "again", keepParameters: true })
    expect((await slots(trainer))["F.p"]![0]).toBeCloseTo(after(4, ema), 6)
  })
  test("is the same when a run was stopped and resumed", async () => {
    const whole = await open(following("ema(decay: 0.75)"))
    await whole.train({ train: "train" })
    const folder = join(temporaryFolder(), "run")
    const half = await open(following("ema(decay: 0.75)"))
    await half.train({ train: "train", steps: 3, runFolder: folder })
    const resumed = await open(following("ema(decay: 0.75)"))
    await resumed.train({ train: "train", resume: folder })
    expect(await slots(resumed)).toEqual(await slots(whole))
  })
})

interface Plateau {
  readonly metric?: "loss" | "close"
  readonly mode?: "min" | "max"
  readonly factor: number
  readonly patience: number
  readonly threshold?: number
  readonly threshold_mode?: "rel" | "abs"
  readonly cooldown?: number
  readonly min_lr?: number
}
const plateaus: readonly Plateau[] = [
  { factor: 0.5, patience: 0 },
  { factor: 0.5, patience: 1, threshold: 0.05, cooldown: 2 },
  { factor: 0.25, patience: 0, threshold: 0.002, threshold_mode: "abs", min_lr: 0.01 },
  { metric: "close", mode: "max", factor: 0.5, patience: 2, threshold: 0.01 },
]
const train = ({ ...p }: Plateau): string => {
  const given = Object.entries(p).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  return `train on d {
  let rate = ReduceOnPlateau(0.4, ${given.join(", ")})()
  let y_hat = Net(x)
  minimize mse(y_hat, y) with SGD(lr: rate, momentum: 0.5)
  report close = mean(f32(abs(y_hat - y) < 0.3))
  report rate = rate
  keep average ema(0.5)
  batch 4, shuffle, seed 4, epochs 24
}
`
}

/** torch.optim.lr_scheduler.ReduceLROnPlateau, as its source has it. */
function rates(p: Plateau, metrics: readonly number[]): number[] {
  const { mode = "min", threshold = 1e-4, threshold_mode = "rel", cooldown = 0, min_lr = 0 } = p
  let [rate, best, bad, waiting] = [0.4, mode === "min" ? Infinity : -Infinity, 0, 0]
  return metrics.map((value) => {
    const sign = mode === "min" ? 1 : -1
    const bound = threshold_mode === "rel" ? best * (1 - sign * threshold) : best - sign * threshold
    if (mode === "min" ? value < bound : value > bound) [best, bad] = [value, 0]
    else bad++
    if (waiting > 0) [waiting, bad] = [waiting - 1, 0]
    if (bad > p.patience) {
      const lower = Math.max(rate * p.factor, min_lr)
      if (rate - lower > 1e-8) rate = lower
      ;[waiting, bad] = [cooldown, 0]
    }
    return rate
  })
}

describe("ReduceOnPlateau", () => {
  test.each(plateaus)("%o follows the test rows", async (p) => {
    const reports = await reportsOf(await open(data(SPLIT) + train(p)))
    // The report of step 0 is of a network that has not learned anything yet.
    const seen = reports.slice(1).map((r) => Number(r.metrics[`test_${p.metric ?? "loss"}`]))
    // A report has the mean over its epoch, which began with the report before.
    const found = reports.slice(2).map((r) => Number(r.metrics["rate"]))
    const wanted = rates(p, seen)
    found.forEach((rate, i) => expect(rate).toBeCloseTo(wanted[i]!, 6))
    expect(new Set(wanted).size).toBeGreaterThan(1)
  })
  test("without test rows follows the reported batch, from the step after it", async () => {
    const p: Plateau = { factor: 0.5, patience: 0 }
    const reports = await reportsOf(await open(data("") + train(p)))
    const wanted = rates(
      p,
      reports.slice(1).map((r) => r.metrics.loss),
    )
    reports.slice(2).forEach((r, i) => expect(Number(r.metrics["rate"])).toBeCloseTo(wanted[i]!, 6))
    expect(new Set(wanted).size).toBeGreaterThan(1)
  })
})

describe.each(["wasm", "webgpu"] as const)("on %s", (device) => {
  test.each([
    ["test rows", SPLIT],
    ["the reported batch", ""],
  ])("a run that follows %s is the same when it was stopped and resumed", async (_, split) => {
    const text = data(split) + train({ factor: 0.5, patience: 0, cooldown: 1 })
    const whole = await open(text, device)
    await whole.train()
    const folder = join(temporaryFolder(), "run")
    const half = await open(text, device)
    await half.train({ epochs: 11, runFolder: folder })
    const resumed = await open(text, device)
    await resumed.train({ resume: folder })
    expect(await slots(resumed)).toEqual(await slots(whole))
  })
})
