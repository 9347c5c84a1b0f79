// `nnc/browser` as a page imports it: a text is compiled and trains, with rows of its own; here in Node, which has all it needs.
import { compile, type Files, open, type Program, renderDiagnostics, type TrainEvent } from "nnc/browser"
import { describe, expect, it } from "vitest"

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
