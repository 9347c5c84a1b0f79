// `where`: rows that take part are those of the same file without the others.
import { describe, expect, it } from "vitest"
import { fitFields } from "../runtime/data/fit.js"
import { inMemory } from "../runtime/data/file.js"
import { parseSource, partsOf, type Loaded, type Sources } from "../runtime/data/load.js"
import { usesOf } from "../runtime/data/uses.js"
import { checkText } from "./support/checked.js"
import { failure } from "./support/failure.js"

const ROWS = [
  ["id", "age", "income", "country", "day"],
  ["1", "30", "10", "KR", "2026-01-31"],
  ["2", "17", "", "FR", "2026-02-01"],
  ["3", "45", "12", "FR", "2025-12-24"],
  ["4", "", "7", "KR", "2026-02-03"],
  ["5", "18", "-3", "", "2026-02-03"],
  ["6", "61", "NA", "JP", "2027-05-01"],
]
const declared = (lines: string): string => `data d = csv("d.csv") {
  x: f32 = column("id")
  ${lines}
}
train on d { minimize mse(Linear(1)(unsqueeze(x, 1)), unsqueeze(x, 1)) with SGD(lr: 1.0)  steps 4 }
`

function conditionOf(lines: string) {
  const { model, diagnostics } = checkText(declared(lines))
  expect(diagnostics.all).toEqual([])
  return model!.data[0]!.where!
}

const FIELD = {
  name: "x",
  type: { dtype: "f32" as const, shape: [] },
  columns: { kind: "only" as const, names: ["id"] },
  stages: [{ kind: "standardize" as const }],
}

function loaded(rows: readonly (readonly string[])[], more: Partial<Sources>): Loaded {
  const text = rows.map((row) => row.join(",")).join("\n")
  const source = { kind: "csv" as const, path: "d.csv", delimiter: "," }
  const table = parseSource(
    "d",
    source,
    () => inMemory(new TextEncoder().encode(text)),
    usesOf([FIELD], more),
  )
  return partsOf(table, { val: null, test: null }, { split: null, ...more })
}
const idsOf = ({ train: { table, rows } }: Loaded): number[] =>
  Array.from(rows, (row) => Number(table.column("id").values[row]))

describe("rows by a condition", () => {
  it.each([
    ['where column("country") == "KR"', [1, 4]],
    ['where column("country") != "KR"', [2, 3, 5, 6]],
    ['where column("age") >= 18', [1, 3, 5, 6]],
    ['where column("age") != 17', [1, 3, 4, 5, 6]],
    ['where column("income") > -4 && column("income") < 12', [1, 4, 5]],
    ['where column("income") == missing', [2, 6]],
    ['where column("income") != missing', [1, 3, 4, 5]],
    ['where column("country") < "JQ"', [2, 3, 6]],
    ['where column("day") >= "2026-02-01"', [2, 4, 5, 6]],
    ['where column("age") < 20 || column("country") == "JP" && column("age") > 60', [2, 5, 6]],
    ['where column("age") > 17\n  where column("country") != "FR"', [1, 5, 6]],
    ['where column("age") > 3 * 10', [3, 6]],
  ])("%s", (lines, ids) => {
    const all = loaded(ROWS, { where: conditionOf(lines) })
    expect(idsOf(all)).toEqual(ids)
    expect(all.leftOut).toBe(6 - ids.length)
  })

  it("before a split, windows and what is fitted, as if the others were not in the file", () => {
    const where = conditionOf('where column("country") != "FR"')
    const kept = ROWS.filter((row) => row[3] !== "FR")
    const split = { train: 0.5, test: 0.5, seed: 3 }
    const windows = { length: 2, stride: 1, order: "id" }
    for (const more of [
      { split },
      { split: { ...split, stratify: "country" } },
      { split: { ...split, group: "day" } },
      { windows },
    ]) {
      const attempt = (rows: typeof ROWS, how: object): unknown => {
        try {
          const parts = loaded(rows, { ...more, ...how })
          const { table, rows: train } = parts.train
          const starts = table.windows && Array.from(table.windows.starts, (at) => table.windows!.places[at]!)
          return {
            ids: Array.from(starts ?? train, (row) => Number(table.column("id").values[row])),
            fitted: starts ? [] : fitFields(table, train, [FIELD])[0]!.stages,
          }
        } catch (caught) {
          return String(caught).replace(/row \d+ \(line \d+\)/, "row")
        }
      }
      expect(attempt(ROWS, { where })).toEqual(attempt(kept, {}))
    }
  })

  it("refuses one that no row fulfils, and names what is near", () => {
    const where = conditionOf('where column("country") == "Kr"')
    expect(failure(() => loaded(ROWS, { where }))).toEqual([
      "data-empty",
      "d.csv: of 6 rows none takes part",
      'in the column "country" did you mean "KR", "FR", "JP"?',
    ])
    expect(failure(() => loaded(ROWS, { where: conditionOf('where column("day") > 3') }))[1]).toContain(
      'row 1 (line 2), column "day" is "2026-01-31", which is not a number',
    )
  })

  it.each([
    ["where age >= 18", "a condition begins with the column that it is about"],
    ['where column("age")', "a condition compares a column with a value"],
    ['where column("age") < missing', "a cell is missing or it is not"],
    ['where column("age") == true', "a column is compared with a number, a text or `missing`"],
    ['where column("age") == years', "there is no `years` here"],
    ['where 18 < column("age")', "a condition begins with the column that it is about"],
  ])("refuses %s", (lines, message) =>
    expect(checkText(declared(lines)).diagnostics.all.map((each) => each.message)[0]).toContain(message),
  )
})
