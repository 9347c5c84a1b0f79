// Parquet files -> tables: numbers, truth values, texts, times and lists; a refusal names row and column.

import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parquetWriteBuffer, type ColumnSource } from "hyparquet-writer"
import { describe, expect, it } from "vitest"
import { whenConverted, withTable } from "../compiler/cli/convert/index.js"
import { applyField } from "../runtime/data/apply.js"
import { fitFields } from "../runtime/data/fit.js"
import { parseSource } from "../runtime/data/load.js"
import { allRows } from "../runtime/data/split.js"
import type { Table } from "../runtime/data/table.js"
import { fileOnDisk } from "../runtime/disk.js"
import { failure, rejection } from "./support/failure.js"
import { temporaryFolder } from "./support/nnc.js"

async function tableOf(columnData: ColumnSource[], options: object = {}): Promise<Table> {
  return read(new Uint8Array(parquetWriteBuffer({ columnData, ...options })))
}

async function read(bytes: Uint8Array): Promise<Table> {
  const path = join(temporaryFolder(), "d.parquet")
  writeFileSync(path, bytes)
  const source = await whenConverted(() => withTable({ kind: "parquet", path: "d.parquet" }, path))
  return parseSource("d", source, fileOnDisk)
}

const texts = (table: Table, name: string): string[] => {
  const { distinct, codes } = table.texts(name)
  return Array.from(codes, (code) => distinct[code]!)
}

describe("columns of a parquet file", () => {
  it.each([
    { what: "whole numbers", type: "INT32", data: [1, -2, 70000], is: [1, -2, 70000], array: Int32Array },
    {
      what: "small whole numbers, in few bytes",
      type: "INT32",
      data: [1, 255],
      is: [1, 255],
      array: Uint8Array,
    },
    {
      what: "64-bit whole numbers",
      type: "INT64",
      data: [1n, 2n ** 40n + 1n],
      is: [1, 2 ** 40 + 1],
      array: Float64Array,
    },
    { what: "f32", type: "FLOAT", data: [0.5, 1.25], is: [0.5, 1.25], array: Float32Array },
    { what: "f64", type: "DOUBLE", data: [0.1, 2], is: [0.1, 2], array: Float64Array },
    { what: "truth values", type: "BOOLEAN", data: [true, false], is: [1, 0], array: Uint8Array },
    { what: "what is not there", type: "DOUBLE", data: [null, 2], is: [NaN, 2], array: Float32Array },
    {
      what: "times, as seconds",
      type: "TIMESTAMP",
      data: [new Date(1000), new Date(86_400_000)],
      is: [1, 86_400],
      array: Int32Array,
    },
  ] as const)("$what", async ({ type, data, is, array }) => {
    const table = await tableOf([{ name: "x", data: [...data], type, nullable: true }])
    expect([...table.column("x").values]).toEqual(is)
    expect(table.column("x").values).toBeInstanceOf(array)
  })

  it("texts, an empty one where there is none; times are texts too", async () => {
    const table = await tableOf([
      { name: "name", data: ["b", null, "a", "b"], type: "STRING" },
      { name: "at", data: [0, 1, 2, 3].map((day) => new Date(day * 86_400_000)), type: "TIMESTAMP" },
    ])
    expect(table.rows).toBe(4)
    expect(texts(table, "name")).toEqual(["b", "", "a", "b"])
    expect(texts(table, "at")[1]).toBe("1970-01-02T00:00:00.000Z")
  })

  it("what is not there is filled, and known to be missing", async () => {
    const table = await tableOf([
      { name: "x", data: [null, 2, 6, null], type: "DOUBLE", nullable: true },
      { name: "n", data: [7, null, 3, 2], type: "INT32", nullable: true },
    ])
    const columns = { kind: "only" as const, names: ["x", "n"] }
    const type = { dtype: "f32" as const, shape: [2] }
    const fields = [
      { name: "a", type, columns, stages: [{ kind: "fill" as const, by: "mean" as const }] },
      { name: "b", type, columns, stages: [{ kind: "missing" as const }] },
    ]
    const rows = allRows(table.rows)
    const values = fitFields(table, rows, fields).map((field) => [
      ...new Float32Array(applyField(field, table, rows).bytes.slice().buffer),
    ])
    expect(values).toEqual([
      [4, 7, 2, 4, 6, 3, 4, 2],
      [1, 0, 0, 1, 0, 0, 1, 0],
    ])
  })

  it("lists of numbers of one length, over several row groups", async () => {
    const data = Array.from({ length: 10 }, (_, i) => [i, i / 2])
    const table = await tableOf([{ name: "x", data }], { rowGroupSize: 3 })
    expect(table.column("x").shape).toEqual([2])
    expect([...table.column("x").values]).toEqual(data.flat())
  })

  it.each([
    {
      data: [[1, 2], [3]],
      code: "data-ragged",
      says: 'row 2, column "x" has a list of 1 where others are lists of 2',
    },
    { data: [{ a: 1 }], code: "data-not-a-number", says: 'row 1, column "x" holds an object' },
    {
      data: [2n ** 60n + 1n],
      code: "data-range",
      says: "holds 1152921504606846977, which f64 does not hold exactly",
    },
  ])("a column is refused where it is asked for: $says", async ({ data, code, says }) => {
    const table = await tableOf([
      { name: "x", data },
      { name: "y", data: data.map(() => 1) },
    ])
    expect([...table.column("y").values]).toEqual(data.map(() => 1))
    const [found, message] = failure(() => table.column("x"))
    expect(found).toBe(code)
    expect(message).toContain(says)
  })

  it("a file that is none, or is cut off, is refused by its name", async () => {
    const whole = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "x", data: [1, 2, 3] }] }))
    for (const bytes of [new TextEncoder().encode("a,b\n1,2"), whole.subarray(0, whole.length - 9)]) {
      const [code, message] = await rejection(read(bytes))
      expect(code).toBe("data-format")
      expect(message).toMatch(/^d\.parquet cannot be read as parquet: /)
    }
  })
})
