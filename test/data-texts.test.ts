// CSV, JSON lines and texts: which cells are numbers, encodings, rows that do not fit, files larger than a piece that is read.

import { Buffer } from "node:buffer"
import { describe, expect, it } from "vitest"
import { inMemory, type DataFile } from "../runtime/data/file.js"
import { parseSource } from "../runtime/data/load.js"
import type { Table, Use } from "../runtime/data/table.js"
import { usesOf } from "../runtime/data/uses.js"
import { failure } from "./support/failure.js"

type Content = string | Uint8Array
const file = (content: Content): DataFile =>
  inMemory(typeof content === "string" ? Buffer.from(content) : content)
const numbers = (): Use => ({ numbers: true, texts: false })

const csv = (content: Content, delimiter = ",", uses = numbers as (name: string) => Use): Table =>
  parseSource("d", { kind: "csv", path: "d.csv", delimiter }, () => file(content), uses)
const jsonl = (content: Content, uses = numbers as (name: string) => Use): Table =>
  parseSource("d", { kind: "jsonl", path: "d.jsonl" }, () => file(content), uses)
const json = (content: Content, uses = numbers as (name: string) => Use): Table =>
  parseSource("d", { kind: "json", path: "d.json" }, () => file(content), uses)
const text = (content: Content): Table =>
  parseSource("d", { kind: "text", path: "d.txt", window: 1, stride: 1 }, () => file(content))
const latin1 = (content: string): Uint8Array => Buffer.from(content, "latin1")
const column = (table: Table, name: string): number[] => [...table.column(name).values]

describe("numbers", () => {
  const one = (cell: string): number => column(csv(`x\n${cell}\n`), "x")[0]!
  it.each([
    "0", "-0", "+5", "007", "12.", ".5", "-.5e1", "1e3", "1E-3", "1.5e+3", "3.141592653589793", "0.1",
    "9007199254740993", "123456789012345678901234567890", "1e22", "1e23", "1e-22", "1e-23", "4.9e-324", "1e-400",
    "2.2250738585072011e-308", "1.7976931348623157e308", "0.30000000000000004", "8.41e21", "9.5e-21", "1.0000000000000001",
  ])("%s", (cell) => {
    for (const written of [cell, ` ${cell}\t`, `"${cell}"`]) expect(one(written)).toBe(Number(cell))
  }) // prettier-ignore
  it.each([
    "0x1F", "0b1", "0o7", "1e", "1e+", ".", "-", "+", "e5", "1.2.3", "1_000", "1 000", "1e5.5", "--1", "1f", "5%", "Infinity",
    "-inf", "nan", "NA", "true", "١", "−1",
  ])("%s is none", (cell) => {
    const [code, message, help] = failure(() => one(cell))
    expect([code, message]).toEqual([
      "data-not-a-number",
      `d.csv: row 1 (line 2), column "x" is "${cell}", which is not a number`,
    ])
    expect(help).toBeTruthy()
  }) // prettier-ignore
  it("a decimal comma, where cells are separated otherwise", () =>
    expect(failure(() => csv("x;y\n1,5;2", ";").column("x"))[2]).toBe(
      "a number is written as 12, -0.5 or 1.5e-3",
    ))
  it("what f64 does not hold", () =>
    expect(failure(() => one("-1e400")).slice(0, 2)).toEqual([
      "data-range",
      'd.csv: row 1 (line 2), column "x" is -1e400, which is beyond the numbers of f64',
    ]))
})

describe("csv", () => {
  it.each(["", "\n", "\r", '"', "1", ".", "a\nb"])("%j is no delimiter", (delimiter) =>
    expect(failure(() => csv("x\n1", delimiter)).slice(0, 2)).toEqual([
      "bad-option",
      `d.csv: the delimiter ${JSON.stringify(delimiter)} cannot stand between cells`,
    ]),
  )
  it.each([" ", "\t", ";", "::", "€", "||"])("%j is one", (delimiter) => {
    const table = csv(["a", "b", "c"].join(delimiter) + "\n" + ["1", "-2.5", "3"].join(delimiter), delimiter)
    expect(["a", "b", "c"].map((name) => column(table, name)[0])).toEqual([1, -2.5, 3])
  })
  it.each([
    ["a,b\n1,2\n3\n", "data-ragged", "d.csv: line 3 has 1 cell, the header has 2 columns"],
    ["a,b\n1,2,\n", "data-ragged", "d.csv: line 2 has 3 cells, the header has 2 columns"],
    ['a,b\n"1\n\n",2\n3\n', "data-ragged", "d.csv: line 5 has 1 cell, the header has 2 columns"],
    ['a,b\n1,"2', "data-format", "d.csv: the quote opened in line 2 is never closed"],
    ['a,b\n1,"2"3\n', "data-format", "d.csv: line 2 goes on after a closing quote"],
    ["a,b,a\n1,2,3\n", "data-format", 'd.csv: the header names the column "a" twice'],
    ["\uFEFF", "data-empty", "d.csv is empty"],
    [
      Buffer.from("\uFEFFa\n1", "utf16le"),
      "data-encoding",
      "d.csv is in UTF-16: it starts with its byte order mark",
    ],
    [Buffer.from("a\n1", "utf16le"), "data-format", "d.csv is not a text file: it holds zero bytes"],
    [latin1("größe,b\n1,2"), "data-encoding", 'd.csv: line 1 is not UTF-8: there is the byte F6 after "gr"'],
  ])("%j", (content, code, message) => {
    const [found, said, help] = failure(() => csv(content))
    expect([found, said]).toEqual([code, message])
    expect(help).toBeTruthy()
  })
  it("only what is read has to be right: names, encodings, numbers", () => {
    const uses = usesOf([{ columns: ["y"], stages: [] }])
    const table = csv(latin1('a,a,\x80,y\ncaf\xE9,,x,1\n"",1e,\xFF,2\n'.replace("\x80", "b")), ",", uses)
    expect(column(table, "y")).toEqual([1, 2])
  })
  it("a text that is read and is not UTF-8", () =>
    expect(
      failure(() => csv(latin1("kind\ntea\ncaf\xE9\n"), ",", () => ({ numbers: false, texts: true })))[1],
    ).toBe('d.csv: line 3 is not UTF-8: there is the byte E9 after "caf"'))
  it("the same at every place where a piece may end", () => {
    const rows = Array.from({ length: 60_000 }, (_, i) => [
      i,
      i % 7 === 0 ? `"${i}\r\n"` : i / 8,
      `"n ""${i % 5}"""`,
    ])
    const ends = ["\r\n", "\n", "\r"]
    const content = `a,b,kind\r\n${rows.map((row, i) => row.join(",") + ends[i % 3]).join("")}`
    expect(content.length).toBeGreaterThan(2 ** 20)
    for (const padding of [0, 1, 2, 3, 5, 8, 13]) {
      const table = csv("\n".repeat(padding) + content, ",", (name) => ({
        numbers: name !== "kind",
        texts: name === "kind",
      }))
      expect(table.rows).toBe(rows.length)
      const [a, b, { distinct, codes }] = [
        table.column("a").values,
        table.column("b").values,
        table.texts("kind"),
      ]
      const wrong = rows.findIndex(
        (_, i) => a[i] !== i || b[i] !== (i % 7 === 0 ? i : i / 8) || distinct[codes[i]!] !== `n "${i % 5}"`,
      )
      expect(wrong).toBe(-1)
    }
  })
  it("rows are named by line: blank lines and breaks within cells count", () => {
    const table = csv('a\n\n1\n"2\n"\n \n3\nx\n')
    expect([0, 1, 2, 3].map((row) => table.where(row, "a"))).toEqual([
      'd.csv: row 1 (line 3), column "a"',
      'd.csv: row 2 (line 4), column "a"',
      'd.csv: row 3 (line 7), column "a"',
      'd.csv: row 4 (line 8), column "a"',
    ])
  })
  it("a hundred thousand columns", () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `c${i}`)
    const table = csv(`${names.join()}\n${names.map((_, i) => i).join()}\n`)
    expect([table.names.length, column(table, "c99999")]).toEqual([100_000, [99_999]])
  })
})

describe("JSON lines", () => {
  const nested = (depth: number): string => `{"x": ${"[".repeat(depth)}1${"]".repeat(depth)}, "y": 2}`
  it.each([
    [
      '{"x": [[1, 2], [3]]}',
      "data-ragged",
      'row 1 (line 1), "x" has a list of 1 where others are lists of 2',
    ],
    ['{"x": [1, [2]]}', "data-not-a-number", 'row 1 (line 1), "x" holds a list of 1 where others are values'],
    ['{"x": [[1], 2]}', "data-ragged", 'row 1 (line 1), "x" has 2 where others are lists of 1'],
    ['{"x": 1e400}', "data-not-a-number", 'row 1 (line 1), "x" holds Infinity, which is not a finite number'],
    ['{"x": {"a": 1}}', "data-not-a-number", 'row 1 (line 1), "x" holds an object where others are values'],
    [nested(5000), "data-ragged", 'row 1 (line 1), "x" is nested in more than 16 lists'],
    ['{"x": 1}\n{"x": 1, "y": 2, "x": 3}', "data-format", 'line 2 has the key "x" twice'],
    ['{"x": 1, "\\u0078": 3}', "data-format", 'line 1 has the key "x" twice'],
    ['{"x": 1, "other": [{"a": 1}, {"b": "\\"}{", "b": 2}]}', "data-format", 'line 1 has the key "b" twice'],
    ['{"x": 1}\n{"toString": 1}', "data-ragged", 'row 2 (line 2) has no "x"'],
    [
      latin1('{"x": 1}\n{"x": "\xE9"}'),
      "data-encoding",
      'line 2 is not UTF-8: there is the byte E9 after "{\\"x\\": \\""',
    ],
  ])("%j", (content, code, message) => {
    const [found, said, help] = failure(() => jsonl(content).column("x"))
    expect([found, said]).toEqual([code, `d.jsonl: ${message}`])
    expect(help).toBeTruthy()
  })
  it("what nobody reads does no harm", () => {
    const table = jsonl(`${nested(5000)}\n${nested(4)}`, usesOf([{ columns: ["y"], stages: [] }]))
    expect(column(table, "y")).toEqual([2, 2])
  })
  it("a key that objects inherit is no column", () =>
    expect(failure(() => jsonl('{"toString": 1, "x": 2}\n{"x": 3}').column("toString"))[1]).toBe(
      'd.jsonl: row 2 (line 2) has no "toString"',
    ))
  it("the same at every place where a piece may end", () => {
    const rows = Array.from({ length: 40_000 }, (_, i) => `{"x": [${i}, ${i / 3}], "kind": "é${i % 3}"}`)
    for (const end of ["\n", "\r\n", "\r"]) {
      const table = jsonl(rows.join(end), () => ({ numbers: true, texts: true }))
      expect([table.rows, table.texts("kind").distinct]).toEqual([40_000, ["é0", "é1", "é2"]])
      const { values } = table.column("x")
      expect(rows.findIndex((_, i) => values[2 * i] !== i || values[2 * i + 1] !== i / 3)).toBe(-1)
    }
  })
})

describe("text", () => {
  it("characters take as few bytes as they need", () => {
    for (const [content, type] of [
      ["ab", Uint8Array],
      ["aé€", Uint16Array],
      ["aé€😀b", Uint32Array],
    ] as const) {
      const { values } = text(content).column("characters")
      expect(values).toBeInstanceOf(type)
      expect(String.fromCodePoint(...values)).toBe(content)
    }
  })
  it("the same at every place where a piece may end, without the byte order mark", () => {
    const content = "aé€😀\n".repeat(100_000)
    const { values } = text(`\uFEFFx${content}`).column("characters")
    expect([values.length, values[0]]).toEqual([500_001, 120])
    expect(String.fromCodePoint(...values.subarray(499_996))).toBe("aé€😀\n")
  })
  it("refuses what is not UTF-8, and UTF-16", () => {
    expect(failure(() => text(latin1("tea\ncaf\xE9 au lait"))).slice(0, 2)).toEqual([
      "data-encoding",
      'd.txt: line 2 is not UTF-8: there is the byte E9 after "caf"',
    ])
    expect(failure(() => text(Uint8Array.of(0x61, 0xe2, 0x82)))[0]).toBe("data-encoding")
    expect(failure(() => text(Buffer.from("\uFEFFab", "utf16le")))[0]).toBe("data-encoding")
  })
})

describe("json: a list of rows", () => {
  it("gives their keys as columns: numbers, texts, lists", () => {
    const table = json('\uFEFF[{"x": [1, 2], "kind": "tea"},\n {"kind": "milk", "x": [3, 4.5]}]', () => ({
      numbers: true,
      texts: true,
    }))
    expect([table.names, table.rows, table.column("x").shape]).toEqual([["x", "kind"], 2, [2]])
    expect(column(table, "x")).toEqual([1, 2, 3, 4.5])
    expect(table.texts("kind").distinct).toEqual(["tea", "milk"])
    expect(table.where(1, "x")).toBe('d.json: row 2, column "x"')
  })
  it.each([
    ["[]", "data-empty", "d.json is an empty list"],
    ['{"x": 1}', "data-format", "d.json is no list of rows"],
    ['[{"x": 1}, 2]', "data-format", "d.json: row 2 is not a JSON object"],
    ['[{"x": 1},\n {"x": 2}', "data-format", "d.json: line 2 is not JSON"],
    ['[{"x": 1, "x": 2}]', "data-format", 'd.json: a row has the key "x" twice'],
    ['[{"x": 1}, {"y": 2}]', "data-ragged", 'd.json: row 2 has no "x"'],
    ['[{"x": 1}, {"x": "a"}]', "data-not-a-number", 'd.json: row 2, "x" holds "a", which is not a number'],
  ])("%s is refused", (content, code, message) =>
    expect(failure(() => json(content).column("x")).slice(0, 2)).toEqual([code, message]),
  )
  it("is UTF-8", () => expect(failure(() => json(latin1('[{"é": 1}]')))[0]).toBe("data-encoding"))
})

describe("zstandard", () => {
  // `zstd` of "x\n1\n2\n", of "3\n" with a checksum, and of "x\n" with 500 lines "7\n".
  const packed = (base64: string): Buffer => Buffer.from(base64, "base64")
  const first = packed("KLUv/QRYMQAAeAoxCjIKzQax0Q==")
  const second = packed("KLUv/QRYEQAAMwoWPqa3")
  const many = packed("KLUv/QRoVQAAGHgKNwEA5KvcECyT82c=")

  it("is unpacked, one frame after another", () => {
    expect(column(csv(first), "x")).toEqual([1, 2])
    expect(column(csv(Buffer.concat([first, second])), "x")).toEqual([1, 2, 3])
    expect(column(csv(many), "x")).toEqual(Array.from({ length: 500 }, () => 7))
  })
  it("is refused when it is cut off", () => {
    for (const end of [5, 10, many.length - 6])
      expect(failure(() => csv(many.subarray(0, end)))[0]).toBe("data-truncated")
  })
})
