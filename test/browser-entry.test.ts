// `nnc/browser` as a page imports it: a text is compiled and trains, with rows of its own; here in Node, which has all it needs.
import {
  type Batch,
  compile,
  type Files,
  open,
  type Program,
  renderDiagnostics,
  type TrainEvent,
} from "nnc/browser"
import { describe, expect, it } from "vitest"
import { shuffledOrder } from "../runtime/data/row-order.js"

const XOR = `data points = csv("points.csv") {
  x: f32[2] = columns("x1", "x2")
  y: f32[1] = column("y")
}
model Xor(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(8) |> tanh |> Linear(1) }
train on points {
  let logits = Xor(x)
  minimize bce_with_logits(logits, y) with Adam(lr: 0.05)
  steps 300, seed 1
  report every 100 steps
}
`
const ROWS = [0, 1, 2, 3].map((i) => ({ x1: i & 1, x2: i >> 1, y: (i & 1) ^ (i >> 1) }))
const CSV = `x1,x2,y\n${ROWS.map(({ x1, x2, y }) => `${x1},${x2},${y}\n`).join("")}`

const compiled = (files: Files, text = XOR): Promise<Program> => compile(text, { files, device: "wasm" })
const shown = ({ diagnostics }: Program): string => renderDiagnostics(diagnostics)

describe("a text in a page", () => {
  it("trains: its events one after another, then its end", async () => {
    const trainer = await open(await compiled({ "points.csv": CSV }), { device: "wasm" })
    const [events, reports, looped]: [string[], number[], TrainEvent[]] = [[], [], []]
    const run = trainer.train({
      onEvent: ({ event }) => events.push(event),
      onReport: ({ metrics }) => reports.push(metrics.loss),
    })
    for await (const event of run) looped.push(event)
    expect(events).toEqual(["start", "report", "report", "report", "report", "end"])
    expect(looped.map(({ event }) => event)).toEqual(events)
    expect(await run).toEqual(looped.at(-1))
    expect(reports[3]).toBeLessThan(0.1)
    const { output } = await trainer.predictRows(ROWS.map(({ x1, x2 }) => ({ x1, x2 })))
    expect(output).toMatchObject({ shape: [4, 1] })
    trainer.close()
  })

  it("ends when its loop is left, and goes on from its checkpoint as if nothing had been", async () => {
    const program = await compiled({ "points.csv": CSV })
    const whole = await open(program, { device: "wasm" })
    await whole.train()
    const trainer = await open(program, { device: "wasm" })
    for await (const event of trainer.train()) if (event.event === "report" && event.step === 100) break
    const saved = await trainer.save()
    const other = await open(program, { device: "wasm" })
    await other.resume(saved)
    expect(await other.save()).toEqual(await whole.save())
    const stop = new AbortController()
    const end = await trainer.train({ signal: stop.signal, onReport: () => stop.abort() })
    expect(end.why).toBe("interrupted")
    for (const each of [whole, trainer, other]) each.close()
  })

  it("throws in the loop what the run fails with", async () => {
    const trainer = await open(await compiled({ "points.csv": CSV }), { device: "wasm" })
    const store = { save: () => Promise.reject(new Error("no room")) }
    const read = async (): Promise<void> => {
      for await (const _ of trainer.train({ store }));
    }
    await expect(read()).rejects.toThrow("no room")
    await expect(trainer.train({ steps: -1 })).rejects.toMatchObject({ code: "bad-option" })
    trainer.close()
  })

  it.each<[string, Files, string]>([
    ["rows", { "points.csv": ROWS }, XOR],
    ["a file of the user", { "points.csv": new Blob([CSV]) }, XOR],
    ["bytes", { "points.csv": new TextEncoder().encode(CSV) }, XOR],
    ["rows as JSON", { "points.jsonl": ROWS }, XOR.replace('csv("points.csv")', 'jsonl("points.jsonl")')],
    [
      "arrays of numbers",
      {
        "x.npy": { values: Uint8Array.from(ROWS.flatMap(({ x1, x2 }) => [x1, x2])), shape: [4, 2] },
        "y.npy": { values: Float32Array.from(ROWS, ({ y }) => y), shape: [4] },
      },
      XOR.replace('csv("points.csv")', 'npy(x: "x.npy", y: "y.npy")')
        .replace('columns("x1", "x2")', 'column("x")')
        .replace('column("y")', 'column("y")'),
    ],
  ])("takes %s for a data file", async (_, files, text) => {
    const program = await compiled(files, text)
    expect(shown(program)).toBe("")
    const trainer = await open(program, { device: "wasm" })
    expect((await trainer.train()).step).toBe(300)
    expect((await trainer.evaluate()).loss).toBeLessThan(0.1)
    trainer.close()
  })

  it.each<[string, Files, string, string]>([
    [
      "a mistake, with its place",
      { "points.csv": CSV },
      XOR.replace("tanh", "tahn"),
      "error[name-unknown]: there is no `tahn` here\n  --> program.nn:5:58",
    ],
    ["a file that is not given", {}, XOR, "points.csv cannot be read: it is not among `files`"],
    ["a column that is not there", { "points.csv": "x1,y\n1,2\n" }, XOR, 'no column "x2"'],
    ["an import that is not given", { "points.csv": CSV }, `import { A } from "a.nn"\n${XOR}`, "a.nn"],
  ])("says %s, and is not opened", async (_, files, text, says) => {
    const program = await compiled(files, text)
    expect(shown(program)).toContain(says)
    await expect(open(program)).rejects.toMatchObject({ name: "CompileError", message: shown(program) })
  })

  it.each<[string, Files, string]>([
    ["rows for a file of another kind", { "x.npy": ROWS }, "rows are given for x.npy"],
    [
      "an array that its shape does not fit",
      { "x.npy": { values: Float32Array.of(1), shape: [2] } },
      "1 values",
    ],
    ["lists in a table", { "a.csv": [{ a: [1, 2] }] }, "rows with lists"],
  ])("refuses %s", async (_, files, says) => {
    await expect(compiled(files)).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringContaining(says),
    })
  })

  it("imports other programs, whose paths are relative to their own", async () => {
    const text = XOR.replace("Linear(8) |> tanh", "Hidden()")
    const program = await compiled(
      {
        "points.csv": CSV,
        "parts/hidden.nn": `import { Wide } from "./wide.nn"\nlayer Hidden()(x: f32[B, D]) -> f32[B, 8] { x |> Wide() |> tanh }`,
        "parts/wide.nn": `layer Wide()(x: f32[B, D]) -> f32[B, 8] { x |> Linear(8) }`,
      },
      `import { Hidden } from "parts/hidden.nn"\n${text}`,
    )
    expect(shown(program)).toBe("")
  })
})

/** Two rows a step, in an order of its own. */
const STREAM = `data points = csv("points.csv") {
  x: f32[2] = columns("x1", "x2")
  y: i32 = column("y") |> categories(2)
}
model Line(x: f32[B, 2]) -> f32[B, 2] { x |> Dropout(0.1) |> Linear(2) }
train on points {
  let logits = Line(x)
  minimize cross_entropy(logits, y) with Adam(lr: cosine(0.1, total: 40))
  report accuracy = accuracy(logits, y)
  batch 2, shuffle, steps 40, seed 1
}
`
const POINTS = [0, 1, 2, 3, 4, 5].map((i) => ({ x1: i / 6, x2: (i * i) % 5, y: i % 2 ? "odd" : "even" }))

describe("a step of its own", () => {
  const opened = async (): ReturnType<typeof open> =>
    open(await compiled({ "points.csv": POINTS }, STREAM), { device: "wasm" })

  it("gives the bits of a run over the same rows, however they are given, and is gone on from", async () => {
    const [whole, stepped, other] = [await opened(), await opened(), await opened()]
    await whole.train({ steps: 3 })
    const at = shuffledOrder({ rows: 6, seed: 1, epoch: 0 })
    const taken = [0, 1, 2, 3, 4, 5].map((place) => POINTS[at(place)]!)
    expect(await stepped.step(taken.slice(0, 2))).toMatchObject({ step: 1, rows: 2 })
    const columns = { x1: Float64Array.of(taken[2]!.x1, taken[3]!.x1), x2: [taken[2]!.x2, taken[3]!.x2] }
    await stepped.step({ ...columns, y: [taken[2]!.y, taken[3]!.y] })
    const { step, metrics } = await stepped.step(taken.slice(4))
    expect([step, Object.keys(metrics)]).toEqual([3, ["loss", "accuracy"]])
    expect(await stepped.parameters()).toEqual(await whole.parameters())
    for await (const event of other.resume(await stepped.save()))
      if (event.event === "start") expect(event.step).toBe(3)
    await stepped.resume(await stepped.save())
    await whole.train()
    expect(await other.parameters()).toEqual(await whole.parameters())
    expect(await stepped.save()).toEqual(await other.save())
    for (const each of [whole, stepped, other]) each.close()
  })

  it.each<[string, Batch, string, string]>([
    ["no rows", [], "data-empty", "holds no rows"],
    ["more rows than a batch", POINTS, "too-many-rows", "6 rows"],
    ["a row without a column", [{ x1: 1, x2: 1 }], "data-ragged", 'no "y"'],
    ["a name that is none of the classes", [{ x1: 1, x2: 1, y: "x" }], "data-category", "row 1"],
    ["a number that is none", { x1: [0, NaN], x2: [0, 0], y: ["odd", "odd"] }, "data-not-a-number", "row 2"],
    ["arrays that do not fit together", { x1: [0, 1], x2: [0], y: ["odd"] }, "data-shape", '"x2" has 1'],
    ["arrays without a column", { x1: [0], x2: [0] }, "data-missing-column", '"y"'],
    [
      "an update that is not finite",
      { x1: [3e38, 3e38], x2: [0, 0], y: ["odd", "even"] },
      "non-finite",
      "not finite",
    ],
  ])("refuses %s, and leaves the state as it was", async (_, batch, code, says) => {
    const trainer = await opened()
    await trainer.step(POINTS.slice(0, 2))
    const before = await trainer.save()
    await expect(trainer.step(batch)).rejects.toMatchObject({ code, message: expect.stringContaining(says) })
    expect(await trainer.save()).toEqual(before)
    trainer.close()
  })

  it("is timed kernel by kernel, and nothing is learned from that", async () => {
    const trainer = await opened()
    await trainer.step(POINTS.slice(0, 2))
    const before = await trainer.save()
    const { batch, ms, kernels } = await trainer.profile()
    expect({ batch, isTimed: ms > 0 && kernels.every((each) => each.ms > 0) }).toEqual({
      batch: 2,
      isTimed: true,
    })
    expect(kernels.flatMap(({ origins }) => origins)).toContainEqual(expect.stringMatching(/^program\.nn:8:/))
    expect(await trainer.save()).toEqual(before)
    trainer.close()
  })

  it("takes arrays of many values for a row that is stored as bytes", async () => {
    const images = { values: Uint8Array.from({ length: 8 * 16 }, (_, i) => (i * 37) % 256), shape: [8, 4, 4] }
    const text = `data digits = npy(image: "x.npy", label: "y.npy") {
  x: f32[16] = column("image")
  y: i32 = column("label")
}
model Net(x: f32[B, 16]) -> f32[B, 2] { x |> Linear(2) }
train on digits { minimize cross_entropy(Net(x), y) with SGD(lr: 0.1) batch 4, steps 4, seed 1 }
`
    const labels = { values: Uint8Array.of(0, 1, 0, 1, 1, 0, 1, 0), shape: [8] }
    const program = await compiled({ "x.npy": images, "y.npy": labels }, text)
    expect(shown(program)).toBe("")
    const [whole, stepped] = [await open(program), await open(program)]
    await whole.train({ steps: 2 })
    await stepped.step({ image: images.values.subarray(0, 64), label: [0, 1, 0, 1] })
    const rows = [4, 5, 6, 7].map((i) => ({
      image: images.values.subarray(16 * i, 16 * i + 16),
      label: labels.values[i],
    }))
    await stepped.step(rows)
    expect(await stepped.parameters()).toEqual(await whole.parameters())
    await expect(stepped.step([{ image: new Float32Array(16).fill(0.5), label: 1 }])).rejects.toMatchObject({
      code: "data-stored",
    })
    for (const each of [whole, stepped]) each.close()
  })
})
