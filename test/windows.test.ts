/** Windows over time: which rows they are made of, that parts share nothing, and what is refused. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, describe, expect, test } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { applyField } from "../runtime/data/apply.js"
import { parseCsv } from "../runtime/data/csv.js"
import { inMemory } from "../runtime/data/file.js"
import { fitFields, type UnfittedField } from "../runtime/data/fit.js"
import { RowGather } from "../runtime/data/gather.js"
import { allRows, splitRows } from "../runtime/data/split.js"
import type { Table } from "../runtime/data/table.js"
import { windowed } from "../runtime/data/windows.js"
import { failure } from "./support/failure.js"

const csv = (text: string): Table => parseCsv("t.csv", inMemory(Buffer.from(text)), ",")
const floats = (bytes: Uint8Array): number[] => [...new Float32Array(new Uint8Array(bytes).buffer)]
const field = (over: Partial<UnfittedField>): UnfittedField => ({
  name: "x",
  type: { dtype: "f32", shape: [2, 2] },
  columns: { kind: "only", names: ["a", "b"] },
  stages: [],
  window: { from: 0, to: 2 },
  ...over,
})

/** Two series, out of order. */
const two = csv("day,shop,a,b\n2,k,20,2\n1,k,10,1\n1,m,100,10\n3,k,30,3\n2,m,200,20\n3,m,300,30\n")
const spec = { length: 2, stride: 1, order: "day", group: "shop" }

describe("windows", () => {
  test("are rows of one series in order of time, one row after another", () => {
    const table = windowed(two, spec)
    expect(table.rows).toBe(4)
    const [whole, last] = fitFields(table, allRows(4), [
      field({}),
      field({
        name: "y",
        type: { dtype: "f32", shape: [] },
        columns: { kind: "only", names: ["a"] },
        window: { from: 1, to: 2 },
      }),
    ])
    expect(floats(applyField(whole!, table, allRows(4)).bytes)).toEqual([
      10, 1, 20, 2, 20, 2, 30, 3, 100, 10, 200, 20, 200, 20, 300, 30,
    ])
    expect(floats(applyField(last!, table, Uint32Array.of(3, 0)).bytes)).toEqual([300, 20])
    expect(table.where(0, "a")).toContain("row 2 (line 3)")
    expect(windowed(two, { ...spec, stride: 2 }).rows).toBe(2)
  })
  test("are the same where their rows are gathered as they are needed", async () => {
    const table = windowed(two, spec)
    const fields = fitFields(table, allRows(4), [field({ stages: [{ kind: "standardize" }] })])
    const gather = await RowGather.open(fields, { table, rows: Uint32Array.of(1, 3) })
    const { fields: found } = await gather.gather(Uint32Array.of(1, 0))
    expect(floats(found[0]!.bytes)).toEqual(floats(applyField(fields[0]!, table, Uint32Array.of(3, 1)).bytes))
  })
  test("are standardized by column, over the rows of the training windows, each once", () => {
    const table = windowed(two, spec)
    const [fitted] = fitFields(table, Uint32Array.of(0, 1), [field({ stages: [{ kind: "standardize" }] })])
    const [stage] = fitted!.stages
    expect(stage).toMatchObject({ kind: "affine", from: "standardize" })
    expect(stage!.kind === "affine" && stage!.scale.map((by) => 1 / by)).toEqual([
      expect.closeTo(Math.sqrt(200 / 3), 9),
      expect.closeTo(Math.sqrt(2 / 3), 9),
    ])
  })
  test.each([
    [
      { ...spec, group: undefined },
      'data-order: t.csv: row 3 (line 4), column "day" is the same as in row 2',
    ],
    [{ ...spec, length: 4 }, 't.csv: a window takes 4 rows of one "shop", and there are at most 3'],
    [
      { ...spec, order: "shop", group: undefined },
      'data-order: t.csv: row 1 (line 2), column "shop" is "k", and rows are ordered by it',
    ],
    [{ ...spec, order: "hour" }, 't.csv has no column "hour"'],
  ])("%o are refused", (wrong, message) => {
    const { group, ...others } = wrong
    const [code, said] = failure(() => windowed(two, { ...others, ...(group !== undefined && { group }) }))
    expect(`${code}: ${said}`).toContain(message)
  })
  test("follow dates", () => {
    const table = windowed(csv("d,a,b\n2026-02-01,2,2\n2026-01-31,1,1\n"), {
      length: 2,
      stride: 1,
      order: "d",
    })
    const [x] = fitFields(table, allRows(1), [field({})])
    expect(floats(applyField(x!, table, allRows(1)).bytes)).toEqual([1, 1, 2, 2])
  })
  const inOrder = (...times: readonly string[]): number[] => {
    const table = csv(`d,a\n${times.map((time, i) => `${time},${i}\n`).join("")}`)
    return [...windowed(table, { length: times.length, stride: 1, order: "d" }).windows!.places]
  }
  test.each([
    [
      ["2026-02", "2025-12", "2026-01"],
      [1, 2, 0],
    ],
    [
      ["2026-01-31T09:00Z", "2026-01-31T10:30+02:00", "2026-01-31T00:00-10:00"],
      [1, 0, 2],
    ],
    [
      ["2026-01-31 10:00:00.25", "2026-01-31 10:00:00.2", "2026-01-31 09:59"],
      [2, 1, 0],
    ],
    [
      ["2026-01-31T10:00:00.000002+0100", "2026-01-31T10:00:00.000001+01"],
      [1, 0],
    ],
  ])("follow the moments of %j", (times, order) => expect(inOrder(...times)).toEqual(order))
  test.each([
    [["2026-01-31", "2026-99-99"], 'row 2 (line 3), column "d" is "2026-99-99", and rows are ordered by it'],
    [["2026-02-28", "2026-02-29"], 'row 2 (line 3), column "d" is "2026-02-29"'],
    [["2026-01-31", "7"], 'row 2 (line 3), column "d" is "7"'],
    [["2026-01-31T10:00Z", "2026-01-31T10:00"], 'row 2 (line 3), column "d" is "2026-01-31T10:00"'],
  ])("do not follow %j", (times, message) => expect(failure(() => inOrder(...times))[1]).toContain(message))
})

describe("a split", () => {
  test("keeps parts apart in time, in whichever series", () => {
    const series = fc.array(fc.integer({ min: 12, max: 40 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        series,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        (lengths, length, stride) => {
          const lines = lengths.flatMap((count, g) =>
            Array.from({ length: count }, (_, i) => `${g + i},${g}`),
          )
          const table = windowed(csv(`t,g\n${lines.join("\n")}\n`), {
            length,
            stride,
            order: "t",
            group: "g",
          })
          let parts
          try {
            parts = splitRows(table, { train: 0.5, val: 0.25, test: 0.25, seed: 0 })
          } catch {
            return
          }
          const spans = (rows: Uint32Array): (readonly [number, number])[] =>
            [...rows].map((row) => table.span!(row))
          const end = (rows: Uint32Array): number => Math.max(...spans(rows).map(([, to]) => to))
          const begin = (rows: Uint32Array): number => Math.min(...spans(rows).map(([from]) => from))
          expect(begin(parts.val)).toBeGreaterThan(end(parts.train))
          expect(begin(parts.test)).toBeGreaterThan(end(parts.val))
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe("a program", () => {
  const folder = mkdtempSync(join(tmpdir(), "nnc-windows-"))
  afterAll(() => rmSync(folder, { recursive: true }))
  const rows = Array.from({ length: 60 }, (_, i) => `${i},${Math.sin(i)}`)
  writeFileSync(join(folder, "rows.csv"), `t,x\n${rows.join("\n")}\n`)
  const said = (fields: string, lines: string): string => {
    const path = join(folder, "m.nn")
    const text = `data d = csv("rows.csv") {\n  ${fields}\n  ${lines}\n}
train on d {
  minimize mse(Linear(1)(past), unsqueeze(next, 1)) with SGD(lr: 0.1)
  steps 1
}
`
    const { diagnostics } = compile({ path, text }, fileHost(path), {
      target: DEFAULT_TARGET,
      stopAfter: "graph",
    })
    return diagnostics.map(({ code, message }) => `${code}: ${message}`).join("\n")
  }
  const FIELDS =
    'past: f32[4] = column("x") |> window |> standardize\n  next: f32 = column("x") |> window(shift: 4)'
  test.each([
    [FIELDS, 'windows order: "t"\n  split train: 0.6, val: 0.2, test: 0.2', ""],
    [FIELDS, "split folds: 3", ""],
    [FIELDS, "windows stride: 0", "data-windows: a stride is a number of rows, at least 1, not 0"],
    [FIELDS, "windows by: 3", "data-windows: windows have `stride`, `order` and `group`, not `by`"],
    [
      FIELDS,
      "split train: 0.8, seed: 1",
      "data-windows: windows are split in order of time: the last ones are held back",
    ],
    [
      FIELDS.replace("shift: 4", "shift: -1"),
      "",
      "data-windows: a shift is a number of rows forward, not -1",
    ],
    [
      FIELDS.replace(" |> window(shift: 4)", ""),
      "",
      "data-windows: some fields take windows, and this one does not",
    ],
    [
      'past: f32[1] = column("x")\n  next: f32 = column("t")',
      "windows stride: 2",
      "data-windows: no field takes a window",
    ],
    [FIELDS.replace("f32[4]", "f32[99]"), "", "data-empty"],
  ])("%j with %j", (fields, lines, message) => {
    const found = said(fields, lines)
    if (message === "") expect(found).toBe("")
    else expect(found).toContain(message)
  })
})
