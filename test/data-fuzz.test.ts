// Data files that were changed anywhere: a reader gives a table whose numbers are those of the file, or an error about it. Never
// another exception, never an endless loop.

import { Buffer } from "node:buffer"
import fc from "fast-check"
import { gzipSync, zipSync } from "fflate"
import { describe, expect, it } from "vitest"
import type { SourceSpec } from "../runtime/bundle/format.js"
import { inMemory } from "../runtime/data/file.js"
import { parseSource } from "../runtime/data/load.js"
import type { Table } from "../runtime/data/table.js"
import { product } from "../runtime/exec/size.js"
import { RunError } from "../runtime/error.js"

const RUNS = 300

/** Undefined when it is refused, as a person is told. */
function read(source: SourceSpec, bytes: Uint8Array): Table | undefined {
  return allowed(() => parseSource("d", source, () => inMemory(bytes)))
}
function allowed<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (caught) {
    if (!(caught instanceof RunError)) throw caught
    expect(caught.message).not.toMatch(/undefined|NaN rows|\[object/)
    return undefined
  }
}

/** Checks the invariants of every table, whatever it was read from. */
function checkTable(table: Table): void {
  expect(table.rows).toBeGreaterThan(0)
  expect(Number.isInteger(table.rows)).toBe(true)
  for (const name of new Set(table.names)) {
    const column = allowed(() => table.column(name))
    if (column && column.stride === undefined)
      expect(column.values.length).toBe(table.rows * product(column.shape))
    const texts = allowed(() => table.texts(name))
    if (texts && column?.stride === undefined)
      expect([texts.codes.length, texts.codes.every((code) => code < texts.distinct.length)]).toEqual([
        table.rows * texts.width,
        true,
      ])
    table.where(table.rows - 1, name)
  }
}

interface Edit {
  readonly at: number
  readonly remove: number
  readonly insert: Uint8Array
}
/** A few places of a file, each with some bytes replaced by others, as damaged and hand-edited files have. */
const edits = (alphabet: readonly string[]): fc.Arbitrary<readonly Edit[]> =>
  fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      remove: fc.oneof(fc.nat(3), fc.nat(40)),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 6 }),
        fc
          .array(fc.constantFrom(...alphabet), { maxLength: 4 })
          .map((parts) => Buffer.from(parts.join(""), "latin1")),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  )
function edited(bytes: Uint8Array, changes: readonly Edit[]): Uint8Array {
  let out = Buffer.from(bytes)
  for (const { at, remove, insert } of changes) {
    const from = Math.floor(at * (out.length + 1))
    out = Buffer.concat([out.subarray(0, from), insert, out.subarray(from + remove)])
  }
  return new Uint8Array(out)
}

const npy = (descr: string, shape: string, data: ArrayBufferView, fortran = "False"): Uint8Array =>
  Buffer.concat([
    Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, 118, 0]),
    Buffer.from(`{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`.padEnd(117) + "\n"),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ])
const idx = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 255)
const x = npy("<f4", "(2, 3)", Float32Array.of(1, 2, 3, 4, 5, 6), "True")
const y = npy(">i8", "(2,)", BigInt64Array.of(0n, 1n))
const csv = 'a,"b ""c""",kind\r\n1,-2.5e3,tea\r\n\r\n" 3 ",.5,"cof\nfee"\r\n7,8,é\r\n'
const jsonl = '{"x": [1, 2.5], "k": "tea", "o": {"a": [1]}}\n\n{"k": "é\\n", "x": [3, -4e1], "o": null}\r\n'

const csvSource = (delimiter: string): SourceSpec => ({ kind: "csv", path: "d.csv", delimiter })
const column = (kind: "idx" | "npy"): SourceSpec => ({ kind, files: [{ column: "x", path: "d" }] })

const formats: readonly (readonly [string, SourceSpec, Uint8Array, readonly string[]])[] = [
  ["csv", csvSource(","), Buffer.from(csv), ["\n", "\r", '"', ",", "1e", "-", "\uFEFF", " ", "0x", "\0"]],
  ["csv by two characters", csvSource("::"), Buffer.from(csv.replaceAll(",", "::")), [":", "::", "\n", '"', "1"]],
  ["jsonl", { kind: "jsonl", path: "d.jsonl" }, Buffer.from(jsonl), ["{", "}", "[", "]", '"x":', ",", "\\", "\n", "1"]],
  ["npy", column("npy"), x, ["(", ",", "-", "9", "<f8", "True", "'"]],
  ["npz, stored", { kind: "npz", path: "d.npz" }, zipSync({ "x.npy": x, "y.npy": y }, { level: 0 }), ["PK", "\x01\x02"]],
  ["npz, deflated", { kind: "npz", path: "d.npz" }, zipSync({ "x.npy": x, "y.npy": y }), ["PK", "\x05\x06"]],
  ["idx", column("idx"), idx, ["\0", "\x08", "\xff"]],
  ["gzip", column("idx"), Buffer.concat([gzipSync(idx.subarray(0, 9)), gzipSync(idx.subarray(9))]), ["\x1f\x8b\x08"]],
  ["text", { kind: "text", path: "d.txt", window: 3, stride: 2 }, Buffer.from("aé€😀\n".repeat(4)), ["\xff", "\uFEFF"]],
] // prettier-ignore

describe("a file changed anywhere is read or refused", () => {
  it.each(formats)("%s", (_, source, bytes, alphabet) => {
    checkTable(read(source, bytes)!)
    fc.assert(
      fc.property(edits(alphabet), (changes) => {
        const table = read(source, edited(bytes, changes))
        if (table) checkTable(table)
      }),
      { numRuns: RUNS },
    )
  })
})

describe("what is written is read", () => {
  const cell = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map((value) => value.toFixed(4)),
    fc.integer().map(String),
    fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
    fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.integer({ min: -340, max: 310 })).map(([m, e]) => `${m}e${e}`),
  ) // prettier-ignore
  it("numbers of a CSV file are those that JavaScript reads", () =>
    fc.assert(
      fc.property(
        fc.array(cell, { minLength: 1, maxLength: 20 }),
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.constantFrom(",", "\t", ";;"),
        (cells, end, delimiter) => {
          const finite = cells.filter((each) => Number.isFinite(Number(each)))
          fc.pre(finite.length > 0)
          const rows = ["a" + delimiter + "b", ...finite.map((each) => `${each}${delimiter}"${each}"`)]
          const table = read(csvSource(delimiter), Buffer.from(rows.join(end)))!
          for (const name of ["a", "b"]) expect([...table.column(name).values]).toEqual(finite.map(Number))
        },
      ),
      { numRuns: RUNS },
    ))
  it("any texts, quoted", () =>
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 8 }), (cells) => {
        const good = cells.filter((each) => !each.includes("\0"))
        fc.pre(good.length > 0)
        const rows = ["k", ...good.map((each) => `"${each.replaceAll('"', '""')}"`)]
        const { distinct, codes } = read(csvSource(","), Buffer.from(rows.join("\n")))!.texts("k")
        expect([...codes].map((code) => distinct[code])).toEqual(good.map((each) => each.trim()))
      }),
      { numRuns: RUNS },
    ))
})
