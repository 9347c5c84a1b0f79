// Losses and metrics over a split are those of all its rows in one batch, however many rows an evaluation takes at a time: against
// double precision.
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

/** Rows with class 0 are not to count: at 256 rows at a time, no row of the first batch does. */
const mask = rows.map((_, i) => (i < 290 || i % 3 === 0 ? 0 : 1))
const WEIGHT = [0.01, 2, 5]

const program = (batch: number): string => `data d = array(s: ${JSON.stringify(rows.map((r) => r.scores))},
  y: ${JSON.stringify(rows.map((r) => r.target))},
  v: ${JSON.stringify(rows.map((r) => r.value))},
  z: ${JSON.stringify(rows.map((r) => r.positive))},
  seen: ${JSON.stringify(rows.map((r, i) => (mask[i] === 1 ? r.target : -100)))},
  m: ${JSON.stringify(mask)}) {
  s: f32[3] = column("s")
  y: i32 = column("y") |> classes(3)
  v: f32 = column("v")
  z: f32 = column("z")
  seen: i32 = column("seen")
  m: f32 = column("m")
}
model Scale(s: f32[B, 3]) -> f32[B, 3] { param by: f32[3] = ones  s * by }
train on d {
  let scores = Scale(s)
  let guess = scores[:, 0] + 3
  let loss = cross_entropy(scores, y)
  let weight = where(indices(3) == 0, 0.01, where(indices(3) == 1, 2, 5))
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
  report explained = r2(guess - 3, v - 3)
  report far = r2(guess + 128, v + 128, near: 131)
  report perplex = perplexity(loss)
  report right = accuracy(scores, y)
  report tied = Scale.by
  report ignoring = cross_entropy(scores, seen, ignore_index: -100)
  report ignoring_too = perplexity(nll(log_softmax(scores, 1), seen, ignore_index: -100) + 0 * loss)
  report weighted = cross_entropy(scores, y, weight: weight)
  report both_at_once = cross_entropy(scores, seen, weight: weight, ignore_index: -100, label_smoothing: 0.1)
  report masked = sum((guess - v) ^ 2 * m) / sum(m)
  report total = mse(guess, v, reduction: "sum")
  report per_row = mse(guess, v, reduction: "sum") / B + mean(Scale.by)
  report rows = f32(B) * 2
  report spread = sqrt(mean(v ^ 2) - mean(v) ^ 2)
  report columns = sqrt(mean(scores ^ 2, axis: 0))
  report largest = max(v)
  report range = max(scores, axis: 0) - min(scores, axis: 0)
  report positives = sum(i32(z)) / 2
  batch ${batch}, epochs 1
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
  const ratio = (list: readonly number[], by: readonly number[]): number =>
    sum(list.map((value, i) => value * by[i]!)) / sum(by)
  const weights = rows.map((r) => WEIGHT[r.target]!)
  const seen = weights.map((w, i) => w * mask[i]!)
  // -sum_c w_c ln p_c / C, of the rows that count
  const smooth = rows.map(({ scores }, i) => {
    const z = Math.log(sum(scores.map((s) => Math.exp(s))))
    return (mask[i]! * sum(scores.map((s, c) => WEIGHT[c]! * (z - s)))) / CLASSES
  })
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
    tied: [1, 1, 1],
    ignoring: ratio(losses, mask),
    ignoring_too: Math.exp(ratio(losses, mask)),
    weighted: ratio(losses, weights),
    both_at_once: (0.9 * sum(losses.map((l, i) => l * seen[i]!)) + 0.1 * sum(smooth)) / sum(seen),
    masked: ratio(
      off.map((d) => d * d),
      mask,
    ),
    total: sum(off.map((d) => d * d)),
    per_row: mean(off.map((d) => d * d)) + 1,
    rows: 2 * ROWS,
    spread: Math.sqrt(mean(rows.map((r) => (r.value - center) ** 2))),
    columns: [0, 1, 2].map((c) => Math.sqrt(mean(rows.map((r) => r.scores[c]! ** 2)))),
    largest: Math.max(...rows.map((r) => r.value)),
    range: [0, 1, 2].map((c) => {
      const column_ = rows.map((r) => r.scores[c]!)
      return Math.max(...column_) - Math.min(...column_)
    }),
    positives: sum(rows.map((r) => r.positive)) / 2,
  }
}

/** To within what f32 keeps; counts are whole numbers and so exact. */
function close(found: unknown, wanted: unknown, name: string): void {
  if (Array.isArray(wanted)) wanted.forEach((w, i) => close((found as unknown[])[i], w, `${name}[${i}]`))
  else if (Number.isInteger(wanted)) expect(found, name).toBe(wanted)
  else expect(Math.abs(Number(found) / Number(wanted) - 1), `${name}: ${String(found)}`).toBeLessThan(1e-5)
}

describe.each(["webgpu", "wasm"] as const)("evaluation on %s", (device) => {
  // 600 rows at once, 2 x 300, 256 + 256 + 88
  test.each([ROWS, 300, 64])("gives what one batch of all rows would, at batch %i", async (batch) => {
    const { bundle } = compileText({ path: "rows.nn", text: program(batch) })
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
  expect(out).toMatch(
    /^loss [\d.]+\nconfusion\n {5}0 {2}1\n {2}0 {2}1 {2}0\n {2}1 {2}0 {2}2\neach\n {2}0 {2}1\n {2}1 {2}1\n$/,
  )
  const json: unknown = JSON.parse(nnc(["evaluate", "net.nn", "--checkpoint", "run", "--json"], { cwd }).out)
  expect(json).toMatchObject({
    metrics: {
      confusion: [
        [1, 0],
        [0, 2],
      ],
      each: [1, 1],
    },
  })
})
