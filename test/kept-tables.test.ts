// The columns of text files are kept by content, and are the same as when the files are read again.

import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { KeptTables } from "../compiler/cli/kept-tables.js"
import type { SourceSpec } from "../runtime/bundle/format.js"
import { applyField } from "../runtime/data/apply.js"
import type { DataFile } from "../runtime/data/file.js"
import { parseSource } from "../runtime/data/load.js"
import { allRows } from "../runtime/data/split.js"
import type { Table, Uses } from "../runtime/data/table.js"
import { usesOf } from "../runtime/data/uses.js"
import { failure } from "./support/failure.js"
import { temporaryFolder } from "./support/nnc.js"

const ROWS = 60_000
const KINDS = ["tea", "café", "a,b"]
const line = (i: number): string => `${i / 8},"${KINDS[i % 3]}",${i}${i % 1000 === 7 ? "\n" : ""}`
const content = `x,kind,y\n${Array.from({ length: ROWS }, (_, i) => line(i)).join("\n")}`
const jsonl = Array.from(
  { length: ROWS },
  (_, i) => `{"x": [${i}, 0.5], "kind": "${KINDS[i % 3]}", "y": ${i}}`,
).join("\n")

const both = usesOf([
  { columns: ["x", "y"], stages: [] },
  { columns: ["kind"], stages: [{ kind: "categories" }] },
])

/** A file in a folder of its own, the tables kept beside it, and how often it was read. */
function kept(
  text = content,
  name = "d.csv",
  bytes?: number,
): {
  readonly path: string
  readonly folder: string
  read(tables?: KeptTables, uses?: Uses): { readonly table: Table; readonly parsed: boolean }
} {
  const folder = join(temporaryFolder(), "tables")
  const path = join(temporaryFolder(), name)
  writeFileSync(path, text)
  const source: SourceSpec = name.endsWith("csv")
    ? { kind: "csv", path, delimiter: "," }
    : { kind: "jsonl", path }
  return {
    path,
    folder,
    read(tables = new KeptTables(folder, "nnc", bytes), uses = both) {
      let parsed = false
      const open = (place: string): DataFile => {
        const file = tables.open(place)
        return {
          ...file,
          remember: (how, wanted, parse) => file.remember!(how, wanted, () => ((parsed = true), parse())),
        }
      }
      const table = parseSource("d", source, open, uses)
      return { table, parsed }
    },
  }
}

describe("a copy", () => {
  it.each([
    ["d.csv", content],
    ["d.jsonl", jsonl],
  ])("of %s is what the file was read as", (name, text) => {
    const { read } = kept(text, name)
    const [first, second] = [read(), read()]
    expect([first.parsed, second.parsed]).toEqual([true, false])
    const rows = allRows(ROWS).filter((row) => row % 7 !== 3)
    for (const name of ["x", "y"]) {
      expect(second.table.column(name).values).toEqual(first.table.column(name).values)
      const shape = first.table.column(name).shape
      const field = { name, dtype: "f32", shape, columns: [name], stages: [] } as const
      expect(applyField(field, second.table, rows)).toEqual(applyField(field, first.table, rows))
    }
    expect(second.table.texts("kind").distinct).toEqual(KINDS)
    expect(second.table.texts("kind").codes).toEqual(first.table.texts("kind").codes)
    for (const row of [0, 7, 8, 1007, 1008, ROWS - 1])
      expect(second.table.where(row, "x")).toBe(first.table.where(row, "x"))
  })
  it("is not used for another content, other columns, another nnc, another delimiter", () => {
    const { read, path, folder } = kept()
    read(undefined, usesOf([{ columns: ["x"], stages: [] }]))
    expect(read().parsed).toBe(true)
    expect(read().parsed).toBe(false)
    expect(read(new KeptTables(folder, "another nnc")).parsed).toBe(true)
    writeFileSync(path, content.replace("\n0,", "\n5,"))
    const changed = read()
    expect([changed.parsed, changed.table.column("x").values[0]]).toEqual([true, 5])
  })
  it("that is not whole counts as none", () => {
    const { read, folder } = kept()
    read()
    const [copy] = readdirSync(folder)
    const whole = readFileSync(join(folder, copy!))
    for (const size of [5, whole.length - 8]) {
      truncateSync(join(folder, copy!), size)
      expect(read().parsed, `${size} bytes`).toBe(true)
      expect(readFileSync(join(folder, copy!)).equals(whole)).toBe(true)
    }
  })
  it("is not made of small files, nor of what is wrong", () => {
    const small = kept("x,kind,y\n1,tea,2\n")
    small.read()
    expect(existsSync(small.folder)).toBe(false)
    const wrong = kept(`${content}\nred,tea,1`)
    const { table } = wrong.read()
    expect(failure(() => table.column("x"))[1]).toContain('column "x" is "red", which is not a number')
    expect(existsSync(wrong.folder)).toBe(false)
  })
  it("of a large file is found by its size and times, and not used after a change", () => {
    const { read, path, folder } = kept()
    const tables = (): KeptTables => new KeptTables(folder, "nnc", undefined, 1000)
    expect([read(tables()).parsed, read(tables()).parsed]).toEqual([true, false])
    const files = readdirSync(folder)
    expect(files.map((name) => readFileSync(join(folder, name)).length).sort((a, b) => a - b)[0]).toBe(64)
    writeFileSync(path, content.replace("\n0,", "\n5,"))
    const changed = read(tables())
    expect([changed.parsed, changed.table.column("x").values[0]]).toEqual([true, 5])
    for (const name of files) truncateSync(join(folder, name), 5)
    writeFileSync(path, content)
    expect(read(tables()).table.column("x").values[0]).toBe(0)
  })
  it("goes when others take the room", () => {
    const one = kept(content, "d.csv", 100)
    one.read()
    expect(readdirSync(one.folder)).toEqual([])
  })
})

describe("within one command a file is read once", () => {
  it.each([
    ["where nothing is kept", undefined, content],
    ["where nothing can be written", "/proc/nothing", content],
    ["when it is small", undefined, "x,kind,y\n1,tea,2\n"],
  ])("%s", (_, folder, text) => {
    const { read } = kept(text)
    const tables = new KeptTables(folder, "nnc")
    expect([read(tables).parsed, read(tables).parsed]).toEqual([true, false])
  })
})
