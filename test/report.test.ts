// report.html of a run folder: what it is made of, that it goes along with the run, and that a browser shows it.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { compileFile } from "../compiler/cli/compile-file.js"
import { historyOf } from "../compiler/cli/report/history.js"
import { reportPage } from "../compiler/cli/report/page.js"
import { LOG_VERSION, type TrainEvent } from "../runtime/node.js"
import { chromiumFile, inPage, launchChromium } from "./support/chromium.js"
import { nnc, temporaryFolder } from "./support/nnc.js"

const start = (step: number): TrainEvent => ({
  event: "start",
  log: LOG_VERSION,
  program: "six-points",
  train: "train",
  device: "wasm",
  adapter: "WebAssembly SIMD, 1 thread",
  vendor: "",
  architecture: "simd128",
  software: false,
  features: [],
  why: "this machine has no GPU",
  parameters: 3,
  rows: 6,
  val_rows: 0,
  test_rows: 2,
  data_bytes: 3072,
  batch: 6,
  seed: 1,
  step,
  steps: 40,
  steps_per_epoch: 1,
  settings: {},
})
const report = (step: number, values: Record<string, number> = {}): TrainEvent => ({
  event: "report",
  step,
  epoch: step,
  metrics: { loss: 1 / (step + 1), ...values },
})
const end = (step: number): TrainEvent => ({
  event: "end",
  step,
  seconds: 75,
  steps_per_second: 12.34,
  why: "finished",
})

describe("the curves", () => {
  it("put a value and the same over the test rows into one chart", () => {
    const { steps, charts } = historyOf([
      start(0),
      report(0, { accuracy: 0.5, test_loss: 2, test_accuracy: 0.4 }),
      report(10, { accuracy: 0.75 }),
    ])
    expect(steps).toEqual([0, 10])
    expect(charts.map(({ title, curves }) => [title, ...curves.map(({ name }) => name)])).toEqual([
      ["loss", "loss", "test_loss"],
      ["accuracy", "accuracy", "test_accuracy"],
    ])
    expect(charts[0]?.curves[1]?.values).toEqual([2, null])
  })

  it("of a run that went back to a checkpoint show each step once, as it came out last", () => {
    const { steps, charts, parts } = historyOf([
      start(0),
      report(0),
      report(10),
      report(20, { loss: 9 }),
      start(15),
      report(20, { loss: 0.5 }),
      report(30),
      report(30, { loss: 0.25 }),
      end(30),
    ])
    expect(steps).toEqual([0, 10, 20, 30])
    expect(charts[0]?.curves[0]?.values.slice(2)).toEqual([0.5, 0.25])
    expect(parts.map((part) => [part.start.step, part.end?.step])).toEqual([
      [0, undefined],
      [15, 30],
    ])
  })

  it("of a long run are thinned, and keep their ends", () => {
    const { steps } = historyOf([start(0), ...Array.from({ length: 10_000 }, (_, step) => report(step))])
    expect(steps.length).toBeLessThan(4002)
    expect([steps[0], steps.at(-1)]).toEqual([0, 9999])
  })
})

describe("the page", () => {
  const { manifest } = compileFile("examples/six-points/six-points.nn").bundle!

  it("has the model with shapes and counts, the device with its reason, the times", () => {
    const page = reportPage(manifest, [start(0), report(0), report(40), end(40)])
    for (const part of [
      "Finished at step 40 of 40.",
      '<td>f32[1, 2]<td class="number">2',
      '<th>all that is learned<th><th class="number">3',
      "wasm: WebAssembly SIMD, 1 thread (this machine has no GPU)",
      '<td class="number">1 min 15 s<td class="number">12.3',
      "6 rows, 2 for the test",
    ])
      expect(page).toContain(part)
    expect(reportPage(manifest, [start(0), report(7)])).toContain(
      "Not finished when this was written, at step 7.",
    )
  })

  it("shades counts of classes, says when the best was, and shows samples: pictures as pictures", () => {
    const best = { metric: "loss", value: 0.1, step: 20 }
    const table: TrainEvent = {
      ...report(40),
      metrics: {
        loss: 0.1,
        counts: [
          [3, 1],
          [0, 4],
        ],
      },
    } as TrainEvent
    const page = reportPage(manifest, [start(0), table, { ...end(40), best } as TrainEvent], {
      part: "val",
      rows: 2,
      model: "Net",
      inputs: [
        { name: "image", shape: [1, 8, 8], values: new Float32Array(128) },
        { name: "size", shape: [2], values: Float32Array.of(1, 2, 3, 4) },
      ],
      outputs: [
        {
          name: "y",
          truth: ["cat", "dog"],
          prediction: {
            shape: [2],
            classes: ["cat", "cat"],
            names: ["cat", "dog"],
            probabilities: { dtype: "f32", shape: [2, 2], values: Float32Array.of(0.9, 0.1, 0.6, 0.4) },
          },
        },
      ],
    })
    expect(page).toContain("Best loss: 0.1 at step 20.")
    expect(page).toContain('background: rgb(74 144 217 / 56%)">3')
    expect(page.match(/<img class="sample" width="8" height="8"/g)).toHaveLength(2)
    expect(page).toContain('<td>1, 2<td>cat<td class="right">cat 90 %')
    expect(page).toContain('<td>3, 4<td>dog<td class="wrong">cat 60 %')
  })

  it("of a run that stopped says with what, and no more once the run was resumed", () => {
    const error: TrainEvent = {
      event: "error",
      code: "non-finite",
      message: "the loss is NaN",
      help: "lower it",
    }
    const events = [start(0), report(0), report(10), error]
    expect(reportPage(manifest, events)).toContain(
      "Stopped after step 10 of 40: the loss is NaN (non-finite; lower it).",
    )
    const resumed = [...events, start(10), report(40), end(40)]
    expect(reportPage(manifest, resumed)).toContain("Finished at step 40 of 40.")
  })

  it("is not broken by names or values: they are text", () => {
    const evil = "</script><script>alert(1)</script>"
    const page = reportPage({ ...manifest, name: evil }, [start(0), report(0, { [evil]: 1 })])
    expect(page).not.toContain("alert(1)</script>")
    expect(page).toContain("&#60;/script&#62;")
  })
})

describe("a run", () => {
  const program = resolve("examples/six-points/six-points.nn")

  it("leaves its report, which a resumed run goes on with", () => {
    const cwd = temporaryFolder()
    expect(nnc(["train", program, "--steps", "200"], { cwd }).err).toContain(
      "log and report in runs/six-points-1/",
    )
    const page = (): string => readFileSync(join(cwd, "runs/six-points-1/report.html"), "utf8")
    expect(page()).toContain("Finished at step 200 of 200.")
    expect(nnc(["train", program, "--resume", "--steps", "300"], { cwd })).toMatchObject({ exit: 0 })
    expect(page()).toContain('"steps":[0,100,200,300]')
  })

  /** Ten points of two classes, half of them for the test. */
  const points = (
    train: string,
  ): string => `data d = array(x: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], y: [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]) {
  x: f32[1] = column("x")
  y: i32 = column("y") |> classes(2)
  split train: 0.5, test: 0.5, seed: 1
}
model Net(x: f32[B, 1]) -> f32[B, 2] { x |> Linear(2) }
train on d { ${train} }
`

  it("whose loss overflows leaves its reason in log and report", () => {
    const cwd = temporaryFolder()
    writeFileSync(
      join(cwd, "far.nn"),
      points("minimize mse(Net(x), one_hot(y, 2)) with SGD(lr: 1e9)  epochs 90"),
    )
    expect(nnc(["train", "far.nn", "--out", "out"], { cwd })).toMatchObject({ exit: 1 })
    const last = readFileSync(join(cwd, "out/log.jsonl"), "utf8").trimEnd().split("\n").at(-1)!
    expect(JSON.parse(last)).toMatchObject({ event: "error", code: "non-finite" })
    const page = readFileSync(join(cwd, "out/report.html"), "utf8")
    expect(page).toMatch(/Stopped after step \d+ of \d+: .*\(non-finite/)
  })

  it("with a table among its reports shows numbers on the way, and the table in log and report", () => {
    const cwd = temporaryFolder()
    const train = `minimize cross_entropy(Net(x), y) with SGD(lr: 1e-3)
  report share = mean(f32(y == 0))
  report table = confusion_matrix(Net(x), y)
  epochs 1`
    writeFileSync(join(cwd, "table.nn"), points(train))
    const { exit, err } = nnc(["train", "table.nn", "--out", "out"], { cwd })
    expect({ exit, lines: err.includes("test_share 0.") }).toEqual({ exit: 0, lines: true })
    expect(err).not.toContain("table ")
    const log = readFileSync(join(cwd, "out/log.jsonl"), "utf8").trimEnd().split("\n")
    const reports = log.map((line) => JSON.parse(line)).filter((event) => event.event === "report")
    expect(reports.at(-1).metrics.test_table.flat()).toHaveLength(4)
    expect(readFileSync(join(cwd, "out/report.html"), "utf8")).toMatch(/<th>test_table<td[^>]*><table>/)
  })

  it.each(["event", "step", "epoch", "folder", "metrics", "constructor"])(
    "with a metric called %s has it beside the loss, and a line that is still the report of its step",
    (name) => {
      const cwd = temporaryFolder()
      writeFileSync(
        join(cwd, "named.nn"),
        points(`report ${name} = mean(x)  minimize cross_entropy(Net(x), y) with SGD(lr: 0)  steps 1`),
      )
      const { out } = nnc(["train", "named.nn", "--out", "out", "--json"], { cwd })
      const lines = out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as TrainEvent)
      expect(lines.map(({ event }) => event)).toEqual(["start", "report", "report", "checkpoint", "end"])
      expect(lines[2]).toMatchObject({
        step: 1,
        epoch: 1,
        metrics: { loss: expect.any(Number) as number, [name]: expect.any(Number) as number },
      })
      expect(lines[0]).toMatchObject({ log: LOG_VERSION })
      expect(readFileSync(join(cwd, "out/report.html"), "utf8")).toContain(`<th>${name}<td`)
      const evaluated = JSON.parse(
        nnc(["evaluate", "named.nn", "--checkpoint", "out", "--json"], { cwd }).out,
      )
      expect(evaluated).toMatchObject({ event: "end", metrics: { [name]: expect.any(Number) as number } })
    },
  )

  it("whose log a crash cut off within a line goes on in a line of its own", () => {
    const cwd = temporaryFolder()
    const log = join(cwd, "out/log.jsonl")
    const lines = (): string[] => readFileSync(log, "utf8").trimEnd().split("\n")
    expect(nnc(["train", program, "--out", "out", "--steps", "100"], { cwd }).exit).toBe(0)
    const before = lines()
    writeFileSync(log, `${before.join("\n")}\n{"event":"rep`)
    const { out } = nnc(["train", program, "--resume", "out", "--steps", "200", "--json"], { cwd })
    expect(lines()).toEqual([...before, '{"event":"rep', ...out.trimEnd().split("\n")])
    expect(readFileSync(join(cwd, "out/report.html"), "utf8")).toContain('"steps":[0,100,200]')
  })

  it("whose report cannot be written says so once and goes on", () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, "out/report.html"), { recursive: true })
    writeFileSync(join(cwd, "out/report.html/in-the-way"), "")
    const { exit, err } = nnc(["train", program, "--out", "out"], { cwd })
    expect(exit).toBe(0)
    expect(err.match(/the report is not written: out\/report.html cannot be written/g)).toHaveLength(1)
    expect(existsSync(join(cwd, "out/checkpoints/last.safetensors"))).toBe(true)
  })

  const missing = chromiumFile() === undefined ? " (skipped: no Chromium here)" : ""
  it.skipIf(missing)(`is drawn by a browser from that one file${missing}`, async () => {
    const cwd = temporaryFolder()
    expect(nnc(["train", resolve("examples/cancer/cancer.nn"), "--out", "out"], { cwd }).exit).toBe(0)
    const browser = await launchChromium()
    const page = await browser.newPage()
    const [errors, requests]: [string[], string[]] = [[], []]
    page.on("pageerror", ({ message }) => errors.push(message))
    page.on("request", (request) => requests.push(request.url()))
    await page.goto(`file://${join(cwd, "out/report.html")}`)
    const titles = await page.locator(".u-title").allTextContents()
    expect(titles).toEqual(["loss", "accuracy"])
    const drawn = `return [...document.querySelectorAll("canvas")].map((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
      return data.some((value, i) => i % 4 === 0 && data[i + 3] > 0 && value === 0x4a && data[i + 2] === 0xd9)
    })`
    expect(await inPage(page, drawn)).toEqual([true, true])
    expect({ errors, requests: requests.length }).toEqual({ errors: [], requests: 1 })
    await browser.close()
  })
})
