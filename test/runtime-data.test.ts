/** Data files -> tables -> fields, and every message about them. */
import { zipSync } from "fflate"
import { describe, expect, test } from "vitest"
import type { DataSpec, FieldSpec, SourceSpec } from "../runtime/bundle/format.js"
import { applyField } from "../runtime/data/apply.js"
import { checkBounds } from "../runtime/data/bounds.js"
import { parseCsv as readCsv } from "../runtime/data/csv.js"
import { inMemory, type DataFile } from "../runtime/data/file.js"
import { fitFields, type UnfittedField } from "../runtime/data/fit.js"
import { parseIdx as readIdx } from "../runtime/data/idx.js"
import { loadTable, loadTables } from "../runtime/data/load.js"
import { joinTables } from "../runtime/data/join-tables.js"
import { parseJsonLines as readJsonLines } from "../runtime/data/json-lines.js"
import { parseNpy as readNpy } from "../runtime/data/npy.js"
import { parseNpz as readNpz } from "../runtime/data/npz.js"
import { overrideData } from "../runtime/data/override.js"
import { tableOfRecords } from "../runtime/data/records.js"
import { allRows } from "../runtime/data/split.js"
import { ruleOf } from "../runtime/data/stages/index.js"
import { tableOf, type Column, type Table } from "../runtime/data/table.js"
import { parseText as readText } from "../runtime/data/text.js"
import { decodeText, encodeText, vocabularyOf } from "../runtime/data/vocabulary.js"
import { fromHalf, toHalf } from "../runtime/bundle/half.js"
import { failure, rejection } from "./support/failure.js"

const file = (content: string | Uint8Array): DataFile =>
  inMemory(typeof content === "string" ? Buffer.from(content) : content)
const csv = (text: string, delimiter = ","): Table => readCsv("t.csv", file(text), delimiter)
const parseIdx = (...[place, name, bytes]: [string, string, Uint8Array]): Column =>
  readIdx(place, name, file(bytes))
const parseNpy = (...[place, name, bytes]: [string, string, Uint8Array]): Column =>
  readNpy(place, name, file(bytes))
const parseNpz = (place: string, bytes: Uint8Array): Table => readNpz(place, file(bytes))
const parseJsonLines = (place: string, text: string): Table => readJsonLines(place, file(text))
const parseText = (place: string, text: string, window: { window: number; stride: number }): Table =>
  readText(place, file(text), window)
const column = (table: Table, name: string): number[] => [...table.column(name).values]
const floats = (bytes: Uint8Array): number[] => [...new Float32Array(bytes.buffer)]

describe("csv", () => {
  test("reads quotes, CRLF, a byte order mark, blank lines and spaces", () => {
    const table = csv('\uFEFFa,"b ""x"""\r\n1, 2 \r\n\r\n"3",4e1')
    expect(table.names).toEqual(["a", 'b "x"'])
    expect(column(table, "a")).toEqual([1, 3])
    expect(column(table, 'b "x"')).toEqual([2, 40])
    expect(column(csv("a\tb\n1\t2\n", "\t"), "b")).toEqual([2])
  })
  test("keeps text columns out of the way until they are asked for", () => {
    expect(failure(() => csv("name,x\nAda,1\nBob,2").column("name")).slice(0, 2)).toEqual([
      "data-not-a-number",
      't.csv: row 1 (line 2), column "name" is "Ada", which is not a number',
    ])
    expect(failure(() => csv('x\n1\n\n \n2\n""').column("x")).slice(0, 2)).toEqual([
      "data-not-a-number",
      't.csv: row 3 (line 6), column "x" is empty',
    ])
  })
  test("names rows that do not fit the header, and columns that are not there", () => {
    expect(failure(() => csv("a,b\n1,2\n3")).slice(0, 2)).toEqual([
      "data-ragged",
      "t.csv: line 3 has 1 cell, the header has 2 columns",
    ])
    expect(failure(() => csv("radius,texture\n1,2").column("radios"))).toEqual([
      "data-missing-column",
      't.csv has no column "radios"',
      'did you mean "radius"?',
    ])
    expect(failure(() => csv(""))[0]).toBe("data-empty")
    expect(failure(() => csv("a,b\n")).slice(0, 2)).toEqual(["data-empty", "t.csv has a header and no rows"])
    expect(failure(() => csv('a\n"1')).slice(0, 2)).toEqual([
      "data-format",
      "t.csv: the quote opened in line 2 is never closed",
    ])
    expect(failure(() => csv("a,a\n1,2")).slice(0, 2)).toEqual([
      "data-format",
      't.csv: the header names the column "a" twice',
    ])
  })
})

describe("idx", () => {
  const bytes = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 255)
  test("reads", () => {
    const { shape, values } = parseIdx("i", "image", bytes)
    expect([shape, values]).toEqual([[1, 2], Uint8Array.of(1, 2, 3, 255)])
  })
  test("says how much is missing", () => {
    expect(failure(() => parseIdx("i", "image", bytes.subarray(0, 18))).slice(0, 2)).toEqual([
      "data-truncated",
      "i is cut off: 20 bytes expected, 18 found",
    ])
    expect(failure(() => parseIdx("i", "image", Uint8Array.of(80, 75, 3, 4))).slice(0, 2)).toEqual([
      "data-format",
      "i is not an IDX file: it starts with 50 4b 03 04",
    ])
  })
})

describe("npy", () => {
  const npy = (header: string, data: ArrayBufferView, version = 1): Uint8Array => {
    const text = header.padEnd(117) + "\n"
    const length = version === 1 ? [118, 0] : [118, 0, 0, 0]
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    return Uint8Array.from([
      0x93,
      ...Buffer.from("NUMPY"),
      version,
      0,
      ...length,
      ...Buffer.from(text),
      ...bytes,
    ])
  }
  const header = (descr: string, shape: string): string =>
    `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`
  test("reads floats and integers of both versions", () => {
    const a = parseNpy("n", "x", npy(header("<f4", "(2, 2)"), Float32Array.of(1, 2, 3, 4.5)))
    expect([a.shape, [...a.values]]).toEqual([[2], [1, 2, 3, 4.5]])
    const b = parseNpy("n", "x", npy(header("<i8", "(2,)"), BigInt64Array.of(-1n, 7n), 2))
    expect([b.shape, [...b.values]]).toEqual([[], [-1, 7]])
  })
  test("refuses what it cannot read", () => {
    const data = Float32Array.of(1, 2)
    expect(failure(() => parseNpy("n", "x", npy(header("<f4", "(3,)"), data)))[0]).toBe("data-truncated")
    expect(failure(() => parseNpy("n", "x", npy(header("<c8", "(1,)"), data)))[1]).toBe(
      "n holds elements of type <c8",
    )
    expect(failure(() => parseNpy("n", "x", Buffer.from("PK nothing")))[0]).toBe("data-format")
  })
})

describe("parts of one table", () => {
  const part = (name: string, text: string): Table => readCsv(name, file(text), ",")
  const a = part("a.csv", "x,kind\n1,tea\n2,milk")
  const b = part("b.csv", "kind,x\nmilk,3")

  test("rows of one come after those of the other, and keep their place", () => {
    const table = joinTables("*.csv", [a, b])
    expect(table.rows).toBe(3)
    expect([...table.column("x").values]).toEqual([1, 2, 3])
    const { distinct, codes } = table.texts("kind")
    expect(Array.from(codes, (code) => distinct[code])).toEqual(["tea", "milk", "milk"])
    expect([table.where(1, "x"), table.where(2, "x")]).toEqual([
      'a.csv: row 2 (line 3), column "x"',
      'b.csv: row 1 (line 2), column "x"',
    ])
  })
  test.each([
    ["x\n3", 'c.csv has no column "kind", and a.csv has'],
    ["x,kind,y\n3,tea,1", 'c.csv has a column "y", and a.csv has none'],
  ])("other columns are refused: %j", (text, message) => {
    const parts = [a, part("c.csv", text)]
    expect(failure(() => joinTables("*.csv", parts)).slice(0, 2)).toEqual(["data-parts-differ", message])
  })
})

describe("fields", () => {
  const field = (over: Partial<UnfittedField>): UnfittedField => ({
    name: "x",
    type: { dtype: "f32", shape: [2] },
    columns: { kind: "only", names: ["a", "b"] },
    stages: [],
    ...over,
  })
  const table = csv("a,b,label\n1,5,0\n3,5,2\n100,5,1")

  test("standardize looks at the training rows alone; a constant column becomes 0", () => {
    const [spec] = fitFields(table, Uint32Array.of(0, 1), [field({ stages: [{ kind: "standardize" }] })])
    expect(spec!.stages).toEqual([{ kind: "affine", from: "standardize", scale: [1, 1], shift: [-2, -5] }])
    expect(floats(applyField(spec!, table, allRows(3)).bytes)).toEqual([-1, 0, 1, 0, 98, 0])
  })
  test("minmax and scale, one after the other", () => {
    const stages = [{ kind: "scale", by: 0.5 } as const, { kind: "minmax" } as const]
    const [spec] = fitFields(table, Uint32Array.of(0, 1), [
      field({
        columns: { kind: "except", names: ["b", "label"] },
        type: { dtype: "f32", shape: [1] },
        stages,
      }),
    ])
    expect(floats(applyField(spec!, table, allRows(3)).bytes)).toEqual([0, 1, 49.5])
  })
  test("what standardize, minmax and scale made of values leads back to them", () => {
    const stages = [{ kind: "standardize" }, { kind: "minmax" }, { kind: "scale", by: 4 }] as const
    const [spec] = fitFields(table, allRows(3), [field({ stages })])
    let values: Float64Array = Float64Array.from(floats(applyField(spec!, table, allRows(3)).bytes))
    for (const stage of spec!.stages.toReversed()) values = ruleOf(stage).undo!(stage, values, 2)
    expect([...values].map((value) => Math.round(value * 1e4) / 1e4)).toEqual([1, 5, 3, 5, 100, 5])
  })
  test("one_hot and classes name the row of a label that is none", () => {
    const label = { kind: "only", names: ["label"] } as const
    const hot = fitFields(table, allRows(3), [
      field({
        name: "y",
        columns: label,
        type: { dtype: "f32", shape: [3] },
        stages: [{ kind: "one_hot", classes: 3 }],
      }),
      field({
        name: "y",
        columns: label,
        type: { dtype: "i32", shape: [] },
        stages: [{ kind: "classes", count: 2 }],
      }),
    ])
    expect(floats(applyField(hot[0]!, table, allRows(3)).bytes)).toEqual([1, 0, 0, 0, 0, 1, 0, 1, 0])
    expect(failure(() => applyField(hot[1]!, table, allRows(3))).slice(0, 2)).toEqual([
      "data-class",
      't.csv: row 2 (line 3), column "label": the label 2 is not one of 0 to 1',
    ])
  })
  test("integer fields take whole numbers, and shapes are checked", () => {
    const halves: FieldSpec = { name: "n", dtype: "i32", shape: [], columns: ["h"], stages: [] }
    expect(failure(() => applyField(halves, csv("h\n1\n1.5"), allRows(2)))[1]).toContain(
      "1.5 is not a whole number",
    )
    expect(failure(() => applyField(halves, csv("h\n3000000000"), allRows(1)))[0]).toBe("data-not-integer")
    const wide: FieldSpec = { name: "x", dtype: "f32", shape: [3], columns: ["a", "b"], stages: [] }
    expect(failure(() => applyField(wide, table, allRows(3))).slice(0, 2)).toEqual([
      "data-shape",
      't.csv: field "x" is [3], 3 values per row, but its 2 columns give 2',
    ])
  })
  test("halves round to even and come back", () => {
    for (const value of [0, 1, -2.5, 65504, 6e-8, 1e-7, 0.1]) {
      const half = fromHalf(toHalf(value))
      expect(Math.abs(half - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) * 2 ** -11, 2 ** -25))
    }
    expect([fromHalf(toHalf(1e6)), fromHalf(toHalf(NaN)), toHalf(1 + 2 ** -11)]).toEqual([
      Infinity,
      NaN,
      0x3c00,
    ])
  })
})

describe("JSON lines", () => {
  const table = parseJsonLines(
    "t.jsonl",
    '{"x": [1, 2], "ok": true, "kind": "cat"}\r\n\n{"kind": " dog", "ok": false, "x": [3, 4], "more": 1}\n',
  )
  test("keys are columns: numbers, lists, truth values, texts", () => {
    expect([table.rows, table.names, table.where(1)]).toEqual([
      2,
      ["x", "ok", "kind", "more"],
      "t.jsonl: row 2 (line 3)",
    ])
    expect([table.column("x").shape, column(table, "x"), column(table, "ok")]).toEqual([
      [2],
      [1, 2, 3, 4],
      [1, 0],
    ])
    expect(table.texts("kind")).toMatchObject({ distinct: ["cat", "dog"], width: 1 })
    expect(tableOfRecords("rows", ["x"], [{ x: Float32Array.of(1, 2) }]).column("x").shape).toEqual([2])
  })
  test("a key that comes later is a column, where it may be missing", () => {
    const uses = () => ({ numbers: true, texts: false, missing: true })
    const table = readJsonLines("t.jsonl", file('{"y": 1}\n{"y": 2, "x": 5}\n{"x": 6}'), uses)
    expect(table.names).toEqual(["y", "x"])
    expect([...table.column("x").values]).toEqual([NaN, 5, 6])
    expect([...table.column("y").values]).toEqual([1, 2, NaN])
  })
  const broken: readonly [string, string, string][] = [
    ['{"y": 1}\n{"y": 2, "x": 1}', "data-ragged", 't.jsonl: row 1 (line 1) has no "x"'],
    ['{"x": 1}\n{"x": 1', "data-format", "t.jsonl: line 2 is not JSON"],
    ["[1, 2]", "data-format", "t.jsonl: line 1 is not a JSON object"],
    ["\n \n", "data-empty", "t.jsonl is empty"],
    ['{"x": 1}\n{"y": 1}', "data-ragged", 't.jsonl: row 2 (line 2) has no "x"'],
    [
      '{"x": [1]}\n{"x": [1, 2]}',
      "data-ragged",
      't.jsonl: row 2 (line 2), "x" is [2], and in the first row [1]',
    ],
    ['{"x": "one"}', "data-not-a-number", 't.jsonl: row 1 (line 1), "x" holds "one", which is not a number'],
    ['{"x": null}', "data-not-a-number", 't.jsonl: row 1 (line 1), "x" holds null, which is not a number'],
    ['{"z": 1}', "data-missing-column", 't.jsonl has no column "x"'],
  ]
  test.each(broken)("%s", (text, code, message) => {
    expect(failure(() => parseJsonLines("t.jsonl", text).column("x")).slice(0, 2)).toEqual([code, message])
  })
  test.each(["null", '""', '"NA"'])("what %s lacks may be filled", (empty) => {
    const [, , help] = failure(() => parseJsonLines("t.jsonl", `{"x": ${empty}}`).column("x"))
    expect(help).toBe("drop the row, or fill the cell: `|> fill(median)`")
  })
})

describe("npz", () => {
  const npy = (shape: string, ...values: number[]): Uint8Array => {
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }\n`
    const magic = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length, 0])
    return Buffer.concat([magic, Buffer.from(header), new Uint8Array(Float32Array.from(values).buffer)])
  }
  test("one column per array, stored or deflated", () => {
    for (const level of [0, 6] as const) {
      const table = parseNpz(
        "t.npz",
        zipSync({ "x.npy": npy("2, 2", 1, 2, 3, 4), "y.npy": npy("2,", 5, 6) }, { level }),
      )
      expect([table.rows, table.names, table.column("x").shape]).toEqual([2, ["x", "y"], [2]])
      expect([column(table, "x"), column(table, "y")]).toEqual([
        [1, 2, 3, 4],
        [5, 6],
      ])
    }
  })
  test("what is no archive, or has no arrays", () => {
    expect(failure(() => parseNpz("t.npz", npy("1,", 1)))[2]).toBe(
      "it is a single array: read it with `npy(x: ...)`",
    )
    expect(failure(() => parseNpz("t.npz", new Uint8Array()))[0]).toBe("data-empty")
    expect(failure(() => parseNpz("t.npz", zipSync({ "a.txt": npy("1,", 1) }))).slice(0, 2)).toEqual([
      "data-format",
      "t.npz is an archive without arrays",
    ])
    const cut = zipSync({ "x.npy": npy("1,", 1) }).subarray(0, 60)
    expect(failure(() => parseNpz("t.npz", cut))[0]).toBe("data-format")
  })
})

describe("categories", () => {
  const unfitted = (count: number): UnfittedField => ({
    name: "y",
    type: { dtype: "i32", shape: [] },
    columns: { kind: "only", names: ["kind"] },
    stages: [{ kind: "categories", count }],
  })
  const table = csv("kind,size\ndog,10\ncat, 9\ndog,100\nowl,9")
  const numbers = (field: FieldSpec, of: Table, rows: readonly number[]): number[] => [
    ...new Int32Array(applyField(field, of, Uint32Array.from(rows)).bytes.buffer),
  ]
  test("are numbered in order, by the training rows alone", () => {
    const [y] = fitFields(table, Uint32Array.of(0, 1, 2), [unfitted(2)])
    expect(y!.stages).toEqual([{ kind: "categories", count: 2, names: ["cat", "dog"] }])
    expect(numbers(y!, table, [0, 1, 2])).toEqual([1, 0, 1])
    expect(failure(() => applyField(y!, table, Uint32Array.of(3))).slice(0, 3)).toEqual([
      "data-category",
      't.csv: row 4 (line 5), column "kind": "owl" is none of the 2 categories of the training rows',
      'there is "cat", "dog"',
    ])
  })
  test("numbers are in the order of numbers; one_hot may follow", () => {
    const sizes: UnfittedField = {
      ...unfitted(3),
      type: { dtype: "f32", shape: [3] },
      columns: { kind: "only", names: ["size"] },
      stages: [
        { kind: "categories", count: 3 },
        { kind: "one_hot", classes: 3 },
      ],
    }
    const [field] = fitFields(table, allRows(4), [sizes])
    expect(floats(applyField(field!, table, Uint32Array.of(2, 1)).bytes)).toEqual([0, 0, 1, 1, 0, 0])
    const counted = tableOf("t", [{ name: "kind", shape: [], values: Float64Array.of(30, 4) }])
    expect(numbers(fitFields(counted, allRows(2), [unfitted(2)])[0]!, counted, [0, 1])).toEqual([1, 0])
  })
  test("too many of them, and an empty cell", () => {
    expect(failure(() => fitFields(table, allRows(4), [unfitted(2)]))).toEqual([
      "data-category",
      't.csv: column "kind" holds 3 different values in its training rows, and categories(2) numbers 2',
      "write categories(3), and 3 where the model counts them",
    ])
    const holed = csv("kind,x\na,1\n,2")
    expect(failure(() => fitFields(holed, allRows(2), [unfitted(2)])).slice(0, 2)).toEqual([
      "data-category",
      't.csv: row 2 (line 3), column "kind" is empty',
    ])
  })
})

describe("text", () => {
  const unfitted = (name: string, from: number, size = 9): UnfittedField => ({
    name,
    type: { dtype: "i32", shape: [3] },
    columns: { kind: "only", names: ["characters"] },
    stages: [
      { kind: "slice", from, to: from + 3 },
      { kind: "vocabulary", size },
    ],
  })
  const integers = (bytes: Uint8Array): number[] => [...new Int32Array(bytes.buffer)]

  test("rows are windows; fields are slices that number characters alike", () => {
    const table = parseText("t.txt", "abcabcZab€!", { window: 4, stride: 3 })
    expect([table.rows, table.overlap, table.where(1)]).toEqual([3, 1, "t.txt: row 2 (from character 4 on)"])
    const [ids, next] = fitFields(table, Uint32Array.of(0, 1), [unfitted("ids", 0), unfitted("next", 1)])
    expect(vocabularyOf({ fields: [next!] } as unknown as DataSpec)).toBe("Zabc")
    expect(integers(applyField(ids!, table, Uint32Array.of(0, 1)).bytes)).toEqual([1, 2, 3, 1, 2, 3])
    expect(integers(applyField(next!, table, Uint32Array.of(0, 1)).bytes)).toEqual([2, 3, 1, 2, 3, 0])
    expect(failure(() => applyField(next!, table, Uint32Array.of(2))).slice(0, 2)).toEqual([
      "data-vocabulary",
      't.txt: row 3 (from character 7 on): the character "€" (U+20AC) is not in the vocabulary',
    ])
  })
  test("code points, not halves of them; there and back", () => {
    expect(parseText("t", "a😀b", { window: 3, stride: 1 }).rows).toBe(1)
    expect([...encodeText("ab😀", "😀a")]).toEqual([2, 0])
    expect(decodeText("ab😀", [2, 0, 7])).toBe("😀a\uFFFD")
  })
  test("too many characters, too few", () => {
    const table = parseText("t.txt", "abcd", { window: 4, stride: 3 })
    expect(failure(() => fitFields(table, allRows(1), [unfitted("ids", 0, 3)]))).toEqual([
      "data-vocabulary",
      "t.txt has 4 different characters in its training rows, and vocabulary(3) numbers 3",
      "write vocabulary(4), and 4 where the model counts them",
    ])
    expect(failure(() => parseText("t.txt", "ab", { window: 4, stride: 3 })).slice(0, 2)).toEqual([
      "data-empty",
      "t.txt has 2 characters, and a row takes 4",
    ])
  })
})

describe("data sets", () => {
  const spec: DataSpec = {
    name: "d",
    source: { kind: "csv", path: "d.csv", delimiter: "," },
    test: null,
    split: { train: 0.5, test: 0.5, seed: 1 },
    fields: [{ name: "x", dtype: "f32", shape: [1], columns: ["a"], stages: [] }],
  }
  const files =
    (texts: Record<string, string>) =>
    async (path: string): Promise<DataFile> => {
      if (texts[path] === undefined) throw new Error("no such file")
      return file(texts[path])
    }
  test("split, and separate test sources", async () => {
    const split = await loadTables(spec, files({ "d.csv": "a\n1\n2\n3\n4" }))
    expect([split.train.rows.length, split.test?.rows.length]).toEqual([2, 2])
    const apart = { ...spec, split: null, test: { kind: "csv", path: "t.csv", delimiter: "," } as SourceSpec }
    const loaded = await loadTables(apart, files({ "d.csv": "a\n1\n2", "t.csv": "a\n9" }))
    expect([loaded.train.rows.length, [...loaded.test!.table.column("a").values]]).toEqual([2, [9]])
  })
  test("a file that is not there", async () => {
    expect(await rejection(loadTables(spec, files({})))).toEqual([
      "data-file",
      'data set "d": d.csv cannot be read: no such file',
      "`--data d=PATH` names another file",
    ])
  })
  test("columns of different lengths", async () => {
    const source: SourceSpec = {
      kind: "array",
      columns: [
        { column: "x", shape: [2], values: [1, 2, 3, 4] },
        { column: "y", shape: [], values: [1] },
      ],
    }
    expect(await rejection(loadTable("d", source, files({})))).toEqual([
      "data-rows-differ",
      'data set "d": column "y" has 1 rows, "x" has 2',
      "columns belong together row by row: are these files of one set?",
    ])
    expect(tableOf("t", []).rows).toBe(0)
  })
  test("--data replaces files and is checked", () => {
    const images: DataSpec = {
      ...spec,
      name: "m",
      source: { kind: "idx", files: [{ column: "image", path: "a" }, { column: "label", path: "b" }] }, // prettier-ignore
    }
    const [d, m] = overrideData([spec, images], new Map([["d", "e.csv"], ["m.label", "c"]])) // prettier-ignore
    expect(d!.source).toMatchObject({ path: "e.csv" })
    expect(m!.source).toMatchObject({ files: [{ path: "a" }, { column: "label", path: "c" }] })
    expect(failure(() => overrideData([spec, images], new Map([["m.labels", "x"]])))).toEqual([
      "data-override",
      "--data m.labels=... names nothing that is read from a file",
      'did you mean "m.label"?',
    ])
  })
})

describe("indices", () => {
  const bounds = [{ below: 3, or: -100, at: "net.nn:9:12" }]
  const spec: FieldSpec = { name: "y", dtype: "i32", shape: [], columns: ["y"], stages: [], bounds }
  test("what indexes is refused outside of what it indexes, by field, row and line", () => {
    expect(failure(() => applyField(spec, csv("y\n0\n-100\n\n3"), allRows(3)))).toEqual([
      "data-index",
      't.csv: row 3 (line 5), column "y": 3 is not one of 0 to 2 or -100',
      "net.nn:9:12 uses it to pick one of 3; here they go from 0 to 3: make room for 4",
    ])
    expect(failure(() => applyField(spec, csv("y\n-1"), allRows(1)))[0]).toBe("data-index")
  })
  test("each element of a row has a bound of its own", () => {
    const row: FieldSpec = {
      ...spec,
      shape: [2],
      columns: ["a", "b"],
      bounds: [null, { below: 2, or: null, at: "net.nn:1:1" }],
    }
    expect(applyField(row, csv("a,b\n50,1"), allRows(1)).bytes.length).toBe(8)
    expect(failure(() => applyField(row, csv("a,b\n50,2"), allRows(1)))[1]).toContain(
      "2 is not one of 0 to 1",
    )
  })
  test("values that a caller gives are named by input and row", () =>
    expect(
      failure(() =>
        checkBounds(Int32Array.of(0, 1, 2, 9), 2, bounds, (i) => `input "ids", value ${i + 1}`),
      ).slice(0, 2),
    ).toEqual(["data-index", 'input "ids", value 4: 9 is not one of 0 to 2 or -100']))
})
