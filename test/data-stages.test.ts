// The values that stages make of cells: against scikit-learn's numbers, and in any order against the same written plainly in float64.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { eachBlock } from "../runtime/data/blocks.js"
import { parseCsv } from "../runtime/data/csv.js"
import { dateReader, partOfDate } from "../runtime/data/date-format.js"
import { inMemory } from "../runtime/data/file.js"
import { fitFields } from "../runtime/data/fit.js"
import { murmur3 } from "../runtime/data/murmur.js"
import { tableOfRecords } from "../runtime/data/records.js"
import { allRows } from "../runtime/data/split.js"
import type { UnfittedStage } from "../runtime/data/stages/stage.js"
import type { Table } from "../runtime/data/table.js"
import { undoOf } from "../runtime/data/undo.js"
import { usesOf } from "../runtime/data/uses.js"

const field = (columns: readonly string[], stages: readonly UnfittedStage[]) => ({
  name: "x",
  type: { dtype: "f32" as const, shape: [columns.length] },
  columns: { kind: "only" as const, names: columns },
  stages,
})

/** All rows as the stages leave them, which are fitted on `train`. */
function staged(
  table: Table,
  columns: readonly string[],
  stages: readonly UnfittedStage[],
  train = allRows(table.rows),
) {
  const [fitted] = fitFields(table, train, [field(columns, stages)])
  const rows: number[][] = []
  eachBlock(
    fitted!,
    table,
    allRows(table.rows),
    () => {},
    ({ values, width }) => {
      for (let at = 0; at < values.length; at += width) rows.push([...values.subarray(at, at + width)])
    },
  )
  return { rows, fitted: fitted! }
}
const csv = (text: string, columns: readonly string[], stages: readonly UnfittedStage[]): Table =>
  parseCsv("d.csv", inMemory(new TextEncoder().encode(text)), ",", usesOf([field(columns, stages)]))
const close = (found: readonly number[][], expected: readonly number[][]): void => {
  expect(found).toHaveLength(expected.length)
  found.flat().forEach((value, i) => expect(value).toBeCloseTo(expected.flat()[i]!, 12))
}

describe("as scikit-learn 1.9.1", () => {
  const TEXT = "a,b\n1.5,200\n,10\n3,NA\n3,40\n8,10\nNaN,20\n"
  const COLUMNS = ["a", "b"]
  const run = (...stages: UnfittedStage[]) => staged(csv(TEXT, COLUMNS, stages), COLUMNS, stages)

  it.each([
    ["mean", [3.875, 56]],
    ["median", [3, 20]],
    ["most_frequent", [3, 10]],
  ] as const)("SimpleImputer(%s)", (by, values) =>
    expect(run({ kind: "fill", by }).fitted.stages).toEqual([{ kind: "fill", values }]),
  )
  it("SimpleImputer, then StandardScaler", () =>
    close(run({ kind: "fill", by: "median" }, { kind: "standardize" }).rows, [
      [-1.0163945352271773, 2.211629342323457],
      [-0.2845904698636097, -0.5897678246195885],
      [-0.2845904698636097, -0.4423258684646914],
      [-0.2845904698636097, -0.14744195615489714],
      [2.1547564146816156, -0.5897678246195885],
      [-0.2845904698636097, -0.4423258684646914],
    ]))
  it("SimpleImputer, then MinMaxScaler", () =>
    expect(run({ kind: "fill", by: "median" }, { kind: "minmax" }).rows.map(([a]) => a)).toEqual(
      [0, 3 / 13, 3 / 13, 3 / 13, 1, 3 / 13].map((value) => expect.closeTo(value, 12) as number),
    ))
  it("MissingIndicator", () =>
    expect(run({ kind: "missing" }).rows).toEqual([
      [0, 0],
      [1, 0],
      [0, 1],
      [0, 0],
      [0, 0],
      [1, 0],
    ]))
  it("KBinsDiscretizer(4), quantiles", () => {
    const stages: UnfittedStage[] = [{ kind: "bins", count: 4 }]
    const { rows, fitted } = staged(
      csv(`v\n${[1, 2, 2.5, 3, 5, 8, 13, 21, 34, 55].join("\n")}\n`, ["v"], stages),
      ["v"],
      stages,
    )
    expect(fitted.stages).toEqual([{ kind: "bins", count: 4, edges: [[2.625, 6.5, 19]] }])
    expect(rows.flat()).toEqual([0, 0, 0, 1, 1, 2, 2, 3, 3, 3])
  })
  it.each([
    ["", 0],
    ["a", 1009084850],
    ["ab", 2613040991],
    ["abc", 3017643002],
    ["abcd", 1139631978],
    ["Århus", 1395604808],
    ["a longer text, of 30 characters", 1895045556],
  ])("murmurhash3_32(%j)", (text, hash) => expect(murmur3(text)).toBe(hash))
})

describe("stages in any order", () => {
  type Cells = readonly (number | null)[]
  const finite = (cells: Cells): number[] => cells.filter((cell) => cell !== null)
  const every = (cells: Cells, what: (value: number) => number): Cells =>
    cells.map((cell) => (cell === null ? null : what(cell)))
  /** The stage as one would write it by hand. Undefined where the stage refuses its cells. */
  const plainly = (stage: UnfittedStage, cells: Cells, train: readonly number[]): Cells | undefined => {
    const own: Cells = train.map((row) => cells[row] ?? null)
    const known = finite(own).toSorted((a, b) => a - b)
    const mean = known.reduce((a, b) => a + b, 0) / known.length
    switch (stage.kind) {
      case "fill": {
        if (typeof stage.by !== "number" && known.length === 0) return undefined
        const counts = known.map((value) => known.filter((each) => each === value).length)
        const by = {
          mean,
          median: (known[Math.floor((known.length - 1) / 2)]! + known[Math.floor(known.length / 2)]!) / 2,
          most_frequent: known[counts.indexOf(Math.max(...counts))]!,
        }
        return cells.map((cell) => cell ?? (typeof stage.by === "number" ? stage.by : by[stage.by]))
      }
      case "missing":
        return cells.map((cell) => (cell === null ? 1 : 0))
      case "clip":
        return every(cells, (value) => Math.min(stage.max, Math.max(stage.min, value)))
      case "scale":
        return every(cells, (value) => value * stage.by)
      case "log1p":
        return finite(cells).some((value) => value <= -1)
          ? undefined
          : every(cells, (value) => Math.log(1 + value))
      case "standardize": {
        if (own.includes(null)) return undefined
        const deviation = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length)
        return every(
          cells,
          (value) => (value - mean) / (deviation > 1e-9 * (1 + Math.abs(mean)) ? deviation : 1),
        )
      }
      case "minmax": {
        if (own.includes(null)) return undefined
        const [low, high] = [known[0]!, known.at(-1)!]
        return every(cells, (value) => (value - low) / (high > low ? high - low : 1))
      }
      default:
        throw new Error(stage.kind)
    }
  }
  const cell = fc.option(
    fc.integer({ min: -40, max: 40 }).map((n) => n / 4),
    { freq: 4 },
  )
  const stage = fc.oneof<fc.Arbitrary<UnfittedStage>[]>(
    fc
      .constantFrom("mean", "median", "most_frequent", 2.5)
      .map((by) => ({ kind: "fill", by }) as UnfittedStage),
    fc.constantFrom("missing", "standardize", "minmax", "log1p").map((kind) => ({ kind }) as UnfittedStage),
    fc
      .tuple(fc.integer({ min: -9, max: 0 }), fc.integer({ min: 1, max: 9 }))
      .map(([min, max]) => ({ kind: "clip", min, max })),
    fc.constantFrom(-2, 0.5).map((by) => ({ kind: "scale", by })),
  )
  it("give what each gives by itself, one after another, fitted on the training rows alone", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cell), { minLength: 4, maxLength: 12 }),
        fc.array(stage, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (cells, stages, asCsv) => {
          const train = cells.flatMap((_, row) => (row % 3 === 2 ? [] : [row]))
          const expected = [0, 1].map((column) =>
            stages.reduce<Cells | undefined>(
              (values, each) => values && plainly(each, values, train),
              cells.map((row) => row[column]!),
            ),
          )
          const columns = ["a", "b"]
          const make = (): number[][] => {
            const table = asCsv
              ? csv(
                  `a,b\n${cells.map((row) => row.map((value) => value ?? "NA").join(",")).join("\n")}\n`,
                  columns,
                  stages,
                )
              : tableOfRecords(
                  "d",
                  columns,
                  cells.map(([a, b]) => ({ a, b })),
                  usesOf([field(columns, stages)]),
                )
            return staged(table, columns, stages, Uint32Array.from(train)).rows
          }
          const isRead =
            stages.some(({ kind }) => kind === "fill" || kind === "missing") ||
            cells.flat().every((value) => value !== null)
          if (!isRead || expected.includes(undefined)) {
            expect(make).toThrow()
            return
          }
          const rows = make()
          rows.forEach((row, i) =>
            row.forEach((value, column) => {
              const wanted = expected[column]![i]
              if (wanted === null) expect(value).toBeNaN()
              else expect(value).toBeCloseTo(wanted!, 9)
            }),
          )
        },
      ),
      { numRuns: 300 },
    )
  })
  it("are undone in the other order", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.integer({ min: 1, max: 400 }).map((n) => n / 4),
          { minLength: 2, maxLength: 9 },
        ),
        fc.constantFrom<readonly UnfittedStage["kind"][]>(
          ["log", "standardize"],
          ["log1p", "minmax"],
          ["standardize"],
          ["minmax", "log1p"],
        ),
        (values, kinds) => {
          const stages = kinds.map((kind) => ({ kind }) as UnfittedStage)
          const table = tableOfRecords(
            "d",
            ["v"],
            values.map((v) => ({ v })),
          )
          const { rows, fitted } = staged(table, ["v"], stages)
          undoOf(fitted)!(Float64Array.from(rows.flat()), 1).forEach((value, i) =>
            expect(value).toBeCloseTo(values[i]!, 8),
          )
        },
      ),
    )
  })
})

describe("dates", () => {
  const parts = (
    format: string,
    text: string,
    ...names: Parameters<typeof partOfDate>[1][]
  ): number[] | undefined => {
    const date = dateReader(format)(text)
    return date && names.map((name) => partOfDate(date, name))
  }
  it.each([
    ["yyyy-MM-dd", "2024-02-29", [2024, 2, 29, 4, 60]],
    ["d.M.yyyy", "1.12.1999", [1999, 12, 1, 3, 335]],
    ["MM/dd/yyyy HH:mm", "12/31/1969 23:59", [1969, 12, 31, 3, 365]],
    ["yyyy-MM-dd'T'HH:mm:ssXXX", "2024-03-31T23:30:00-05:00", [2024, 3, 31, 7, 91]],
    ["yyyy", "0099", [99, 1, 1, 4, 1]],
  ])("%s reads %s", (format, text, expected) =>
    expect(parts(format, text, "year", "month", "day", "weekday", "day_of_year")).toEqual(expected),
  )
  it.each([
    ["yyyy-MM-dd", "2023-02-29"],
    ["yyyy-MM-dd", "2023-13-01"],
    ["yyyy-MM-dd", "2023-1-01"],
    ["yyyy-MM-dd", "2023-01-01 "],
    ["yyyy-MM-dd HH:mm", "2023-01-01 24:00"],
    ["yyyy.MM", "2023-01"],
  ])("%s does not read %s", (format, text) => expect(parts(format, text)).toBeUndefined())
  it("moments count from 1970 in UTC", () =>
    expect(
      parts("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "1970-01-02T02:00:00.250+02:00", "seconds", "hour", "second"),
    ).toEqual([86400.25, 2, 0.25]))
  it("agree with those that JavaScript reads", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }),
        (date) => {
          const [read] = parts("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", date.toISOString(), "seconds")!
          expect(read).toBe(date.getTime() / 1000)
        },
      ),
    )
  })
  it.each([
    ["yyyy-mm-DD", "`DD` is no part of a date"],
    ["yyyy-MM-dd MM", "`MM` is there twice"],
    ["HH:mm", "it has no year"],
  ])("the format %s is refused", (format, said) => expect(() => dateReader(format)).toThrow(said))
})

describe("texts of training rows", () => {
  const TEXT = 'c\nred\nblue\n""\nred\ngreen\n'
  const COLUMNS = ["c"]
  it("with a number for others: 0, also of empty cells", () => {
    const stages: UnfittedStage[] = [{ kind: "categories", count: 4, unknown: true }]
    const { rows, fitted } = staged(
      csv(TEXT, COLUMNS, stages),
      COLUMNS,
      stages,
      Uint32Array.from([0, 1, 2, 3]),
    )
    expect(fitted.stages).toEqual([
      { kind: "categories", count: 4, names: ["(unknown)", "blue", "red"], unknown: true },
    ])
    expect(rows.flat()).toEqual([2, 1, 0, 2, 0])
  })
  it("are refused where they are more than that", () => {
    const stages: UnfittedStage[] = [{ kind: "categories", count: 3, unknown: true }]
    expect(() => staged(csv(TEXT, COLUMNS, stages), COLUMNS, stages)).toThrow("number 0 is for others")
  })
})

describe("what is wrong is said by file, row and column", () => {
  it.each<[string, string, UnfittedStage[], string, string]>([
    [
      "a date that is none",
      "data-date",
      [{ kind: "date", format: "yyyy-MM-dd", parts: ["year"] }],
      "v\n2024-01-01\n2024-31-01\n",
      'd.csv: row 2 (line 3), column "v" is "2024-31-01"',
    ],
    [
      "a cell that is no number",
      "data-not-a-number",
      [{ kind: "fill", by: 0 }],
      "v\n1\n?\n",
      'd.csv: row 2 (line 3), column "v" is "?"',
    ],
    [
      "a logarithm of 0",
      "data-range",
      [{ kind: "log" }],
      "v\n1\n0\n",
      'd.csv: row 2 (line 3), column "v": 0 has no log',
    ],
    [
      "a column without values",
      "data-missing",
      [{ kind: "fill", by: "mean" }],
      'v\nNA\n""\n',
      'd.csv, column "v": no training row has a value',
    ],
    [
      "an empty cell that nothing fills",
      "data-not-a-number",
      [{ kind: "standardize" }],
      'v\n1\n""\n',
      'd.csv: row 2 (line 3), column "v" is empty',
    ],
    [
      "a cell filled too late",
      "data-not-a-number",
      [{ kind: "standardize" }, { kind: "fill", by: 0 }],
      "v\n1\nNA\n",
      'd.csv: row 2 (line 3), column "v": NaN',
    ],
  ])("%s", (_, code, stages, text, said) =>
    expect(() => staged(csv(text, ["v"], stages), ["v"], stages)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(said) as string }),
    ),
  )
})
