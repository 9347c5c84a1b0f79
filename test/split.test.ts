/** Rows are shared out: every row at most once, deterministic, by classes and groups, and in order where rows overlap. */
import { createHash } from "node:crypto"
import fc from "fast-check"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { fileHost, type FileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import type { SplitSpec } from "../runtime/bundle/format.js"
import { allRows, splitRows, type SplitRows } from "../runtime/data/split.js"
import { tableOf, type Table } from "../runtime/data/table.js"
import { failure } from "./support/failure.js"

/** `rows` rows; `overlap`: with how many rows after it each shares values. */
const rowsOf = (rows: number, overlap?: number): Table => ({
  ...tableOf("t.csv", [{ name: "x", shape: [], values: new Float64Array(rows) }]),
  ...(overlap !== undefined && { overlap }),
})
const keyed = (columns: Readonly<Record<string, readonly number[]>>): Table =>
  tableOf(
    "t.csv",
    Object.entries(columns).map(([name, values]) => ({ name, shape: [], values: Float64Array.from(values) })),
  )
const share = (train: number, val: number, rest: number, more: Partial<SplitSpec> = {}): SplitSpec => ({
  train,
  ...(val > 0 && { val }),
  test: rest,
  seed: 7,
  ...more,
})
const sizes = ({ train, val, test: rest }: SplitRows): number[] => [train.length, val.length, rest.length]
const all = ({ train, val, test: rest }: SplitRows): number[] =>
  [...train, ...val, ...rest].sort((a, b) => a - b)
const refusal = (table: Table, split: SplitSpec): (string | undefined)[] =>
  failure(() => splitRows(table, split))

describe("shares", () => {
  test("are an exact complement, depend on the seed alone, keep the file's order", () => {
    const { train, test: rest } = splitRows(rowsOf(569), share(0.8, 0, 0.2))
    expect([train.length, rest.length]).toEqual([455, 114])
    expect([...train, ...rest].sort((a, b) => a - b)).toEqual([...allRows(569)])
    expect([...train]).toEqual([...train].sort((a, b) => a - b))
    expect(splitRows(rowsOf(569), share(0.8, 0, 0.2)).train).toEqual(train)
    expect(splitRows(rowsOf(569), share(0.8, 0, 0.2, { seed: 8 })).train).not.toEqual(train)
  })
  test("take the same rows in every version of nnc", () => {
    const digest = (split: SplitSpec, rows: number): string =>
      createHash("sha256")
        .update([...splitRows(rowsOf(rows), split).test].join())
        .digest("hex")
        .slice(0, 16)
    expect([digest(share(0.8, 0, 0.2), 569), digest(share(0.5, 0, 0.3, { seed: 1 }), 1001)]).toEqual([
      "e071c8213fa8cc7f",
      "e9ef3d1e16b2f94b",
    ])
  })
  test("of validation stand between the others, which keep theirs", () => {
    const [two, three] = [share(0.7, 0, 0.3), share(0.7, 0.15, 0.15)].map((s) => splitRows(rowsOf(200), s))
    expect(sizes(three!)).toEqual([140, 30, 30])
    expect(three!.train).toEqual(two!.train)
    expect([...three!.val, ...three!.test].sort((a, b) => a - b)).toEqual([...two!.test])
  })
  test("leave no part empty", () => {
    expect(refusal(rowsOf(2), share(0.1, 0, 0.9))).toEqual([
      "data-split",
      "a split of 2 rows into train 0.1, test 0.9 leaves no training rows (train: 0, test: 2)",
      "give that part a larger share, or leave it out",
    ])
    expect(refusal(rowsOf(4), share(0.7, 0.05, 0.25))[1]).toBe(
      "a split of 4 rows into train 0.7, val 0.05, test 0.25 leaves no validation rows (train: 3, val: 0, test: 1)",
    )
  })
})

describe("folds", () => {
  const folds = (k: number, fold: number, more: Partial<SplitSpec> = {}): SplitSpec =>
    share(1 - (more.test ?? 0), 0, more.test ?? 0, { folds: k, fold, ...more })

  test("are equal parts, each of which validates once; test rows are never among them", () => {
    const each = [1, 2, 3, 4, 5].map((fold) => splitRows(rowsOf(103), folds(5, fold, { test: 0.2 })))
    expect(each.map(sizes)).toEqual([
      [66, 16, 21],
      [65, 17, 21],
      [66, 16, 21],
      [65, 17, 21],
      [66, 16, 21],
    ])
    for (const parts of each) {
      expect(all(parts)).toEqual([...allRows(103)])
      expect(parts.test).toEqual(each[0]!.test)
    }
    const validated = each.flatMap(({ val }) => [...val])
    expect(new Set(validated).size).toBe(validated.length)
  })
  test("are refused where one is empty", () => {
    expect(refusal(rowsOf(3), folds(5, 1))).toEqual([
      "data-split",
      "a split of 3 rows into 5 folds leaves fold 2 empty (fold 1: 1, fold 2: 0, fold 3: 1, fold 4: 0, fold 5: 1)",
      "use fewer folds",
    ])
  })
})

describe("classes", () => {
  const labels = (counts: readonly number[]): number[] =>
    counts.flatMap((count, label) => Array.from({ length: count }, () => label))

  test("each have their share in every part, within one row, and so do all rows together", () => {
    const classCounts = fc.array(fc.integer({ min: 2, max: 60 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(classCounts, fc.nat(1000), fc.constantFrom(0, 0.1, 0.25), (counts, seed, rest) => {
        const y = labels(counts)
        if (y.length < 40) return
        const split = share(0.6, 0.4 - rest, rest, { seed, stratify: "y" })
        const parts = splitRows(keyed({ y }), split)
        expect(all(parts)).toEqual([...allRows(y.length)])
        for (const [part, of] of [
          [parts.train, 0.6],
          [parts.val, 0.4 - rest],
          [parts.test, rest],
        ] as const) {
          expect(Math.abs(part.length - of * y.length)).toBeLessThan(2)
          counts.forEach((count, label) =>
            expect(Math.abs([...part].filter((row) => y[row] === label).length - of * count)).toBeLessThan(1),
          )
        }
      }),
      { numRuns: 100 },
    )
  })
  test("are the same in every fold", () => {
    const y = labels([50, 25])
    for (const fold of [1, 2, 3, 4, 5]) {
      const { val } = splitRows(keyed({ y }), share(1, 0, 0, { folds: 5, fold, stratify: "y" }))
      expect([0, 1].map((label) => [...val].filter((row) => y[row] === label).length)).toEqual([10, 5])
    }
  })
  test("of one row are refused, and so is a column of other than classes", () => {
    const y = [...labels([5, 5]), 9]
    expect(refusal(keyed({ y }), share(0.8, 0, 0.2, { stratify: "y" }))).toEqual([
      "data-split",
      'the class "9" of "y" has 1 row, which cannot be in several parts',
      "drop such rows, or split without `stratify`",
    ])
    const x = Array.from({ length: 10 }, (_, i) => i / 10)
    expect(refusal(keyed({ x }), share(0.8, 0, 0.2, { stratify: "x" }))).toEqual([
      "data-split",
      'the class "0" of "x" has 1 row, which cannot be in several parts; 10 of 10 classes are so',
      "`stratify` takes a column of few different values, such as the label",
    ])
    expect(refusal(keyed({ x }), share(0.8, 0, 0.2, { stratify: "y" }))[0]).toBe("data-missing-column")
  })
})

describe("groups", () => {
  test("are never parted, and parts come near to their shares", () => {
    const groupSizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 12, maxLength: 40 })
    fc.assert(
      fc.property(groupSizes, fc.nat(1000), fc.boolean(), (sizesOf, seed, byClass) => {
        const id = sizesOf.flatMap((count, group) => Array.from({ length: count }, () => group))
        const y = id.map((group) => group % 2)
        const split = share(0.6, 0.2, 0.2, { seed, group: "id", ...(byClass && { stratify: "y" }) })
        const parts = splitRows(keyed({ id, y }), split)
        expect(all(parts)).toEqual([...allRows(id.length)])
        const groups = [parts.train, parts.val, parts.test].map(
          (part) => new Set([...part].map((row) => id[row])),
        )
        expect(groups.reduce((sum, { size }) => sum + size, 0)).toBe(sizesOf.length)
        expect(Math.abs(parts.train.length - 0.6 * id.length)).toBeLessThan(20)
      }),
      { numRuns: 100 },
    )
  })
  test("are as many as parts at least", () => {
    const id = [1, 1, 2, 2, 3, 3]
    expect(sizes(splitRows(keyed({ id }), share(0.8, 0.1, 0.1, { group: "id" })))).toEqual([2, 2, 2])
    expect(refusal(keyed({ id: [1, 1, 2] }), share(0.8, 0.1, 0.1, { group: "id" }))).toEqual([
      "data-split",
      'a split of 3 rows in 2 groups of "id" into train 0.8, val 0.1, test 0.1 leaves no test rows (train: 1, val: 2, test: 0)',
      "give that part a larger share, or leave it out",
    ])
  })
})

describe("rows that overlap", () => {
  test("are split in order, and parts share nothing", () => {
    const { train, test: rest } = splitRows(rowsOf(10, 2), share(0.6, 0, 0.4))
    expect([[...train], [...rest]]).toEqual([
      [0, 1, 2, 3, 4, 5],
      [8, 9],
    ])
    const three = splitRows(rowsOf(20, 1), share(0.5, 0.25, 0.25))
    expect([three.train.at(-1), [...three.val], [...three.test]]).toEqual([
      9,
      [11, 12, 13, 14],
      [16, 17, 18, 19],
    ])
    expect([...splitRows(rowsOf(10, 1), share(0.6, 0, 0.1)).test]).toEqual([7])
    expect(splitRows(rowsOf(10, 1), share(1, 0, 0)).train.length).toBe(10)
  })
  test("have a gap on both sides of the fold that validates", () => {
    const { train, val } = splitRows(rowsOf(12, 1), share(1, 0, 0, { folds: 3, fold: 2 }))
    expect([[...train], [...val]]).toEqual([
      [0, 1, 2, 3, 9, 10, 11],
      [5, 6, 7],
    ])
  })
})

describe("a program", () => {
  const folder = mkdtempSync(join(tmpdir(), "nnc-split-"))
  afterAll(() => rmSync(folder, { recursive: true }))
  const rows = Array.from({ length: 40 }, (_, i) => `${i},${i % 2},${i >> 2}`)
  writeFileSync(join(folder, "rows.csv"), `x,y,id\n${rows.join("\n")}\n`)
  writeFileSync(join(folder, "other.csv"), `x,y,id\n100,1,0\n200,0,1\n`)

  const said = (held: string, asked: { readonly fold?: number } = {}): string | FileHost => {
    const text = `data d = csv("rows.csv") {
  x: f32 = column("x") |> standardize
  ${held}
}
train on d {
  minimize mean(Linear(1)(unsqueeze(x, 1))) with SGD(lr: 0.1)
  steps 1
}
`
    const host = fileHost(join(folder, "m.nn"), asked)
    const { diagnostics } = compile({ path: join(folder, "m.nn"), text }, host, {
      target: DEFAULT_TARGET,
      stopAfter: "graph",
    })
    return (
      diagnostics
        .map(({ code, message, help }) => `${code}: ${message}${help ? ` | ${help}` : ""}`)
        .join("\n") || host
    )
  }

  test.each([
    ['split train: 0.9, val: 0.1\n  test = csv("other.csv")'],
    ['val = csv("other.csv")\n  test = csv("other.csv")'],
    ['split train: 0.8, test: 0.2\n  val = csv("other.csv")'],
    ['split folds: 5, test: 0.2, seed: 1, stratify: "y", group: "id"'],
    ["split train: 0.8"],
  ])("%j is accepted", (held) => expect(typeof said(held)).toBe("object"))

  test.each([
    ['split train: 0.8\n  test = csv("other.csv")', "rows are held back twice: by `split` and by `test`"],
    [
      'split train: 0.8, val: 0.2\n  val = csv("other.csv")',
      "rows are held back twice: by `split` and by `val`",
    ],
    ['split folds: 3\n  val = csv("other.csv")', "rows are held back twice: by `split` and by `val`"],
    ["split folds: 3, train: 0.5", "folds are equal parts of the rows, so nothing else says how many train"],
    ["split folds: 1", "`folds` is a number of parts from 2 to 1000, not 1"],
    ["split folds: 3, test: 1", "a test share of 1 leaves nothing for the folds"],
    [
      "split train: 0.8, vol: 0.1",
      "a split has `train`, `val`, `test`, `seed`, `folds`, `stratify` and `group`, not `vol` | it is written `val`",
    ],
    [
      "split train: 0.8, val: 0.3",
      "0.8 for training, 0.3 for validation and 0 for testing do not share out the rows",
    ],
    ['split train: 0.8, stratify: "z"', 'rows.csv has no column "z"'],
    ['split train: 0.8, stratify: "x"', 'the class "0" of "x" has 1 row'],
    ["split folds: 41", "leaves fold 21 empty"],
    ['val = csv("rows.csv")', "the validation rows are the training rows: both come from the same file"],
  ])("%j is refused", (held, message) => expect(said(held)).toContain(message))

  test("is fitted on the fold that is asked for", () => {
    const shift = (fold?: number): unknown => {
      const host = said("split folds: 4, seed: 1", fold === undefined ? {} : { fold })
      return typeof host === "object" && host.checkAsked()
    }
    expect(shift(4)).toBeUndefined()
    expect(failure(() => shift(5))).toEqual([
      "data-fold",
      "`--fold 5`: `d` has 4 folds",
      "folds count from 1 to 4",
    ])
    const host = said("split train: 0.8", { fold: 2 })
    expect(failure(() => typeof host === "object" && host.checkAsked())).toEqual([
      "data-fold",
      "`--fold 2`: no data set of the program has folds",
      "write `split folds: 5, seed: 1` in its `data`",
    ])
  })
})
