// Metrics over a split that comes in several batches: what is computed from all rows, against double precision.
import { afterEach, describe, expect, test } from "vitest"
import { openBundle, type Metrics, type Trainer } from "../runtime/node.js"
import { compileText } from "./reference/compile-text.js"
import { nnc, temporaryFolder } from "./support/nnc.js"
import { writeFileSync } from "node:fs"
import { join } from "node:path"

const opened: Trainer[] = []
afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.close()
})

const CLASSES = 3
/** More than two evaluation batches of 256, the last one partial; classes are unevenly spread over them. */
const ROWS = 600
const rows = Array.from({ length: ROWS }, (_, i) => {
  const scores = [Math.sin(i), Math.cos(1.3 * i), Math.sin(0.01 * i)]
  const target = i < 300 ? i % 2 : (i >> 2) % CLASSES
  return { scores, target, value: 3 + Math.sin(i * 0.7) + i / 400, positive: i % 7 < 2 ? 1 : 0 }
})

const program = `data d = array(s: ${JSON.stringify(rows.map((r) => r.scores))},
  y: ${JSON.stringify(rows.map((r) => r.target))},
  v: ${JSON.stringify(rows.map((r) => r.value))},
  z: ${JSON.stringify(rows.map((r) => r.positive))}) {
  s: f32[3] = column("s")
  y: i32 = column("y") |> classes(3)
  v: f32 = column("v")
  z: f32 = column("z")
}
model Scale(s: f32[B, 3]) -> f32[B, 3] { param by: f32[3] = ones  s * by }
train on d {
  let scores = Scale(s)
  let guess = scores[:, 0] + 3
  let loss = cross_entropy(scores, y)
  minimize loss with SGD(lr: 0.1)
  report table = confusion_matrix(scores, y)
  report by_class = precision(scores, y, average: "none")
  report precise = precision(scores, y)
  report recalled = recall(scores, y)
  report both = f1(scores, y)
  report micro = f1(scores, y, average: "micro")
  report two = confusion_matrix(scores[:, 0], z)
  report precise_two = precision(scores[:, 0], z)
  report recalled_two = recall(scores[:, 0], z)
  report both_two = f1(scores[:, 0], z)
  report root = rmse(guess, v)
  report explained = r2(guess, v)
  report far = r2(guess + 128, v + 128, near: 131)
  report perplex = perplexity(loss)
  report right = accuracy(scores, y)
  report tied = sum_over_rows(Scale.by)
  batch 64, epochs 1
}
`

/** The same, from the definitions. */
function expected(): Record<string, unknown> {
  const called = rows.map(({ scores }) => scores.indexOf(Math.max(...scores)))
  const table = Array.from({ length: CLASSES }, (_, t) =>
    Array.from(
      { length: CLASSES },
      (_, p) => rows.filter((r, i) => r.target === t && called[i] === p).length,
    ),
  )
  const two = [0, 1].map((t) =>
    [0, 1].map((p) => rows.filter((r) => r.positive === t && (r.scores[0]! > 0 ? 1 : 0) === p).length),
  )
  const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0)
  const mean = (list: readonly number[]): number => sum(list) / list.length
  const column = (p: number): number => sum(table.map((row) => row[p]!))
  const precision = table.map((row, c) => row[c]! / column(c))
  const recall = table.map((row, c) => row[c]! / sum(row))
  const f1 = table.map((row, c) => (2 * row[c]!) / (sum(row) + column(c)))
  const off = rows.map((r) => r.scores[0]! + 3 - r.value)
  const center = mean(rows.map((r) => r.value))
  const losses = rows.map(
    ({ scores, target }) => Math.log(sum(scores.map((z) => Math.exp(z)))) - scores[target]!,
  )
  const [, [missed, hit]] = two as [[number, number], [number, number]]
  const false_ = two[0]![1]!
  return {
    loss: mean(losses),
    table,
    by_class: precision,
    precise: mean(precision),
    recalled: mean(recall),
    both: mean(f1),
    micro: sum(table.map((row, c) => row[c]!)) / ROWS,
    two,
    precise_two: hit / (hit + false_),
    recalled_two: hit / (hit + missed),
    both_two: (2 * hit) / (2 * hit + false_ + missed),
    root: Math.sqrt(mean(off.map((d) => d * d))),
    explained: 1 - sum(off.map((d) => d * d)) / sum(rows.map((r) => (r.value - center) ** 2)),
    far: 1 - sum(off.map((d) => d * d)) / sum(rows.map((r) => (r.value - center) ** 2)),
    perplex: Math.exp(mean(losses)),
    right: mean(rows.map((r, i) => (called[i] === r.target ? 1 : 0))),
    // Three batches, each of which gives the parameter.
    tied: [3, 3, 3],
  }
}

/** To within what f32 keeps; counts are whole numbers and so exact. */
function close(found: unknown, wanted: unknown, name: string): void {
  if (Array.isArray(wanted)) wanted.forEach((w, i) => close((found as unknown[])[i], w, `${name}[${i}]`))
  else if (Number.isInteger(wanted)) expect(found, name).toBe(wanted)
  else expect(Math.abs(Number(found) / Number(wanted) - 1), `${name}: ${String(found)}`).toBeLessThan(1e-5)
}

describe.each(["webgpu", "wasm"] as const)("evaluation on %s", (device) => {
  test("metrics that are no means over rows are exact over all rows", async () => {
    const { bundle } = compileText({ path: "rows.nn", text: program })
    const trainer = await openBundle(bundle, ".", { device })
    opened.push(trainer)
    const found: Metrics = await trainer.evaluate({ part: "train" })
    const wanted = expected()
    expect(Object.keys(found)).toEqual(Object.keys(wanted))
    for (const [name, value] of Object.entries(wanted)) close(found[name], value, name)
  })
})

test("`nnc evaluate` prints a table, and --json the nested numbers", () => {
  const cwd = temporaryFolder()
  writeFileSync(
    join(cwd, "net.nn"),
    `data d = array(x: [[1, 0], [0, 1], [1, 1]], y: [0, 1, 1]) {
  x: f32[2] = column("x")
  y: i32 = column("y") |> classes(2)
}
model Net(x: f32[B, 2]) -> f32[B, 2] { param w: f32[2] = uniform(1, 1)  x * w }
train on d {
  minimize cross_entropy(Net(x), y) with SGD(lr: 1e-6)
  report confusion = confusion_matrix(Net(x), y)
  report each = recall(Net(x), y, average: "none")
  epochs 1
}
`,
  )
  expect(nnc(["train", "net.nn", "--out", "run"], { cwd })).toMatchObject({ exit: 0 })
  const { out } = nnc(["evaluate", "net.nn", "--checkpoint", "run"], { cwd })
  expect(out).toMatch(/^loss [\d.]+\nconfusion\n {5}0 {2}1\n {2}0 {2}1 {2}0\n {2}1 {2}0 {2}2\neach 1 1\n$/)
  const json: unknown = JSON.parse(nnc(["evaluate", "net.nn", "--checkpoint", "run", "--json"], { cwd }).out)
  expect(json).toMatchObject({
    confusion: [
      [1, 0],
      [0, 2],
    ],
    each: [1, 1],
  })
})
