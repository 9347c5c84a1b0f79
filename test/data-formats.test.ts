// Binary data files, byte by byte: every kind of number and order, and damaged files.

import { deflateSync, gzipSync, zipSync } from "fflate"
import { describe, expect, it } from "vitest"
import { crc32 } from "../runtime/data/crc32.js"
import { inMemory } from "../runtime/data/file.js"
import { MOST_UNPACKED } from "../runtime/data/unpacked.js"
import { parseParts, parseSource } from "../runtime/data/load.js"
import { EVERY_USE, type Table, type Use } from "../runtime/data/table.js"
import { RunError } from "../runtime/error.js"
import { toHalf } from "../runtime/bundle/half.js"
import { failure } from "./support/failure.js"

type Bytes = Uint8Array | string
const bytesOf = (content: Bytes): Uint8Array => (typeof content === "string" ? Buffer.from(content) : content)
const joined = (...parts: readonly Bytes[]): Uint8Array => new Uint8Array(Buffer.concat(parts.map(bytesOf)))

const raw = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

function npy(descr: string, shape: string, data: ArrayBufferView, fortran = "False"): Uint8Array {
  const type = descr.startsWith("[") ? descr : `'${descr}'`
  const header = `{'descr': ${type}, 'fortran_order': ${fortran}, 'shape': ${shape}, }`.padEnd(117) + "\n"
  return joined(Uint8Array.of(0x93), "NUMPY", Uint8Array.of(1, 0, 118, 0), header, raw(data))
}
const floats = (...values: number[]): Float32Array => Float32Array.from(values)

const readNpy = (bytes: Uint8Array): Table =>
  parseSource("d", { kind: "npy", files: [{ column: "x", path: "x.npy" }] }, () => inMemory(bytes))
const readIdx = (bytes: Uint8Array): Table =>
  parseSource("d", { kind: "idx", files: [{ column: "x", path: "x.gz" }] }, () => inMemory(bytes))
const readNpz = (bytes: Uint8Array, uses?: (name: string) => Use): Table =>
  parseSource("d", { kind: "npz", path: "d.npz" }, () => inMemory(bytes), uses)

const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const out = bytes.slice()
  out[at]! ^= 4
  return out
}

/** The bytes of every element turned around. */
function turned(data: ArrayBufferView, size: number): Uint8Array {
  const out = raw(data).slice()
  for (let at = 0; at < out.length; at += size) out.subarray(at, at + size).reverse()
  return out
}

describe("npy", () => {
  it.each([
    ["|b1", Uint8Array.of(0, 1, 1), [0, 1, 1], Uint8Array],
    ["|u1", Uint8Array.of(0, 1, 255), [0, 1, 255], Uint8Array],
    ["|i1", Int8Array.of(-128, 0, 127), [-128, 0, 127], Int8Array],
    ["<u2", Uint16Array.of(0, 1, 65535), [0, 1, 65535], Uint16Array],
    ["<i2", Int16Array.of(-32768, 0, 5), [-32768, 0, 5], Int16Array],
    ["<u4", Uint32Array.of(0, 1, 4294967295), [0, 1, 4294967295], Uint32Array],
    ["<i4", Int32Array.of(-5, 0, 2147483647), [-5, 0, 2147483647], Int32Array],
    ["<u8", BigUint64Array.of(0n, 1n, 2n ** 53n), [0, 1, 2 ** 53], Float64Array],
    ["<i8", BigInt64Array.of(-5n, 0n, 2n ** 62n), [-5, 0, 2 ** 62], Float64Array],
    [
      "<f2",
      Uint16Array.of(toHalf(0.1), toHalf(-2), toHalf(65504)),
      [0.0999755859375, -2, 65504],
      Float32Array,
    ],
    ["<f4", floats(0.5, -1, 3e38), [0.5, -1, Math.fround(3e38)], Float32Array],
    ["<f8", Float64Array.of(0.1, -1, 1e300), [0.1, -1, 1e300], Float64Array],
  ])("%s, in both orders of bytes", (descr, data, values, type) => {
    const size = data.BYTES_PER_ELEMENT
    for (const [code, bytes] of [
      [descr, data],
      [descr.replace("<", ">"), descr.startsWith("<") ? turned(data, size) : data],
    ] as const) {
      const column = readNpy(npy(code, "(3,)", bytes)).column("x")
      expect([...column.values]).toEqual(values)
      expect(column.values).toBeInstanceOf(type)
    }
  })

  it("Fortran order: the first axis changes fastest", () => {
    const data = Float32Array.from({ length: 24 }, (_, i) => i)
    const { shape, values } = readNpy(npy("<f4", "(2, 3, 4)", data, "True")).column("x")
    expect(shape).toEqual([3, 4])
    const at = (i: number, j: number, k: number): number => i + 2 * j + 6 * k
    expect([...values]).toEqual(
      [0, 1].flatMap((i) => [0, 1, 2].flatMap((j) => [0, 1, 2, 3].map((k) => at(i, j, k)))),
    )
  })

  it.each([
    ["a negative size", npy("<f4", "(-2, 1)", floats(1, 2)), "data-format", "says the shape (-2, 1)"],
    ["half a row", npy("<f4", "(2.5, 1)", floats(1, 2)), "data-format", "says the shape (2.5, 1)"],
    ["a size that is no number", npy("<f4", "(two,)", floats(1, 2)), "data-format", "says the shape (two,)"],
    [
      "a size beyond all",
      npy("<f4", "(99999999999999999999, 9)", floats(1)),
      "data-format",
      "the shape (9999",
    ],
    ["a single number", npy("<f4", "()", floats(1)), "data-format", "holds a single number, not rows"],
    ["rows of nothing", npy("<f4", "(2, 0)", floats()), "data-shape", 'a row of "x" is [0]'],
    ["no rows", npy("<f4", "(0, 2)", floats()), "data-empty", "holds no rows"],
    [
      "bytes after the data",
      npy("<f4", "(2,)", floats(1, 2, 3)),
      "data-format",
      "4 bytes follow after the 2 f32",
    ],
    ["too few bytes", npy("<f4", "(2,)", floats(1)), "data-truncated", "136 bytes expected, 132 found"],
    [
      "a cut header",
      npy("<f4", "(2,)", floats(1, 2)).subarray(0, 40),
      "data-truncated",
      "128 bytes expected",
    ],
    [
      "no header",
      joined(Uint8Array.of(0x93), "NUMPY", Uint8Array.of(1, 0, 2, 0), "{}"),
      "data-format",
      "does not say",
    ],
    [
      "version 9",
      joined(Uint8Array.of(0x93), "NUMPY", Uint8Array.of(9, 0, 2, 0), "{}"),
      "data-format",
      "version 9",
    ],
    ["complex numbers", npy("<c8", "(1,)", floats(1, 2)), "data-format", "elements of type <c8"],
    ["texts", npy("<U1", "(1,)", floats(1)), "data-format", "elements of type <U1"],
    ["objects", npy("|O", "(1,)", floats(1, 2)), "data-format", "elements of type |O"],
    [
      "structures",
      npy("[('a', '<f4')]", "(1,)", floats(1)),
      "data-format",
      "elements of type [('a', '<f4')]",
    ],
    [
      "an integer that f64 does not hold",
      npy("<i8", "(2, 1)", BigInt64Array.of(1n, 2n ** 53n + 1n)),
      "data-range",
      'x.npy: row 2, column "x" holds 9007199254740993',
    ],
  ])("refuses %s", (_, bytes, code, message) => {
    const [found, text, help] = failure(() => readNpy(bytes))
    expect([found, text]).toEqual([code, expect.stringContaining(message)])
    expect(help ?? code).toBeTruthy()
  })
})

describe("idx", () => {
  it("bytes after its data are refused", () =>
    expect(failure(() => readIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7, 8))).slice(0, 2)).toEqual([
      "data-format",
      "x.gz is damaged: 1 byte follows after the 1 u8 that its header announces",
    ]))
  it("big-endian numbers", () => {
    const header = Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 2)
    expect([...readIdx(joined(header, turned(floats(0.5, -7), 4))).column("x").values]).toEqual([0.5, -7])
  })
})

describe("gzip", () => {
  const idx = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 6, 1, 2, 3, 4, 5, 6)
  const values = (bytes: Uint8Array): number[] => [...readIdx(bytes).column("x").values]

  it("one member, several, and some that are empty", () => {
    const empty = gzipSync(new Uint8Array())
    const named = gzipSync(idx.subarray(0, 3), { filename: "a.idx" })
    for (const parts of [
      [gzipSync(idx)],
      [named, gzipSync(idx.subarray(3))],
      [empty, named, empty, gzipSync(idx.subarray(3), { level: 0 }), empty],
    ])
      expect(values(joined(...parts))).toEqual([1, 2, 3, 4, 5, 6])
  })
  it("thousands of members", () => {
    const many = [...idx].map((byte) => gzipSync(Uint8Array.of(byte)))
    const empty = Array.from({ length: 5000 }, () => gzipSync(new Uint8Array()))
    expect(values(joined(...many, ...empty))).toEqual([1, 2, 3, 4, 5, 6])
  })
  it("every cut is refused", () => {
    const whole = joined(gzipSync(idx.subarray(0, 5)), gzipSync(idx.subarray(5)))
    for (let size = 2; size < whole.length; size++)
      expect(failure(() => readIdx(whole.subarray(0, size)))[0], `${size} bytes`).toBe("data-truncated")
  })
  it("a changed bit is refused, if it changes anything", () => {
    const whole = gzipSync(idx)
    for (let bit = 80; bit < 8 * whole.length; bit++) {
      const changed = whole.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      const outcome = (): string => {
        try {
          return values(changed).join()
        } catch (caught) {
          return caught instanceof RunError ? "refused" : String(caught)
        }
      }
      expect(["refused", "1,2,3,4,5,6"], `bit ${bit}`).toContain(outcome())
    }
  })
  it("an announced length is not believed", () => {
    const cut = gzipSync(new Uint8Array(100)).slice(0, 18)
    cut.fill(0xee, 14)
    expect(failure(() => readIdx(cut))[0]).toBe("data-truncated")
  })
})

describe("npz", () => {
  const x = npy("<f4", "(2, 2)", floats(1, 2, 3, 4))
  const y = npy("<f4", "(2,)", floats(5, 6))
  const only =
    (...names: readonly string[]) =>
    (name: string): Use => ({ numbers: names.includes(name), texts: false })

  it("arrays that nobody reads do no harm: texts, other rows, damaged ones", () => {
    const archive = zipSync(
      {
        "x.npy": x,
        "names.npy": npy("<U1", "(3,)", Uint32Array.of(65, 66, 67)),
        "scalar.npy": npy("<f4", "()", floats(1)),
        "bad.npy": "no array at all"
          .split("")
          .reduce((out, c, i) => ((out[i] = c.charCodeAt(0)), out), new Uint8Array(15)),
        "notes.txt": new Uint8Array(3),
      },
      { level: 0 },
    )
    const table = readNpz(archive, only("x"))
    expect([table.rows, table.names, [...table.column("x").values]]).toEqual([
      2,
      ["x", "names", "scalar", "bad"],
      [1, 2, 3, 4],
    ])
    expect(failure(() => readNpz(archive, only("x", "names")))[1]).toBe(
      "d.npz: names.npy holds elements of type <U1",
    )
  })
  it.each([0, 6] as const)("a changed bit is refused, at level %i", (level) => {
    const archive = zipSync({ "x.npy": x, "y.npy": y }, { level })
    const at = Buffer.from(archive).indexOf("x.npy") + 5 + (level === 0 ? x.length - 3 : 40)
    const [code, message] = failure(() => readNpz(flipped(archive, at)))
    expect([code, message]).toEqual(["data-truncated", expect.stringMatching(/^d\.npz: x\.npy is damaged: /)])
    expect(readNpz(flipped(archive, at), only("y")).rows).toBe(2)
  })
  it("an array that is there twice", () => {
    const archive = Buffer.from(zipSync({ "x.npy": x, "y.npy": y }, { level: 0 }))
    const twice = Buffer.from(archive.toString("latin1").replaceAll("y.npy", "x.npy"), "latin1")
    expect(failure(() => readNpz(twice)).slice(0, 2)).toEqual([
      "data-format",
      'd.npz holds the array "x" twice',
    ])
  })
  it("ZIP64, as numpy writes it for large arrays", () => {
    const table = readNpz(zip64("x.npy", x))
    expect([...table.column("x").values]).toEqual([1, 2, 3, 4])
  })
  it("a member that says it is far larger than its bytes can be", () => {
    const archive = Buffer.from(zipSync({ "x.npy": x }))
    const entry = archive.indexOf(Buffer.from([0x50, 0x4b, 1, 2]))
    archive.writeUInt32LE(MOST_UNPACKED - 1, entry + 24)
    expect(failure(() => readNpz(archive)).slice(0, 2)).toEqual([
      "data-truncated",
      "d.npz: x.npy is damaged: so few bytes do not unpack to so many",
    ])
  })
  it("a member of more than 2 GiB is to be unpacked before", () => {
    const archive = Buffer.from(zipSync({ "x.npy": new Uint8Array(3_000_000) }, { level: 0 }))
    const entry = archive.lastIndexOf(Buffer.from([0x50, 0x4b, 1, 2]))
    archive.writeUInt16LE(8, entry + 10)
    archive.writeUInt32LE(MOST_UNPACKED + 1, entry + 24)
    expect(failure(() => readNpz(archive)).slice(0, 2)).toEqual([
      "data-too-large",
      "d.npz: x.npy holds more than 2 GiB when unpacked",
    ])
  })
  it("encrypted members, other methods", () => {
    const archive = Buffer.from(zipSync({ "x.npy": x }))
    const entry = archive.indexOf(Buffer.from([0x50, 0x4b, 1, 2]))
    const encrypted = Buffer.from(archive)
    encrypted[entry + 8]! |= 1
    expect(failure(() => readNpz(encrypted))[1]).toBe("d.npz: x.npy is encrypted")
    archive[entry + 10] = 14
    expect(failure(() => readNpz(archive))[1]).toBe("d.npz: x.npy is packed by method 14")
  })
})

describe("packed rows that are read once, some at a time", () => {
  const ROWS = 300_000
  const numbers = Float32Array.from({ length: ROWS }, (_, i) => Math.sin(i))
  const csv = `u\n${[...numbers].map((value) => value.toFixed(4)).join("\n")}\n`
  const jsonl = [...numbers].map((value) => `{"u": ${value.toFixed(4)}}\n`).join("")
  const column = npy("<f4", `(${ROWS},)`, numbers)
  // Beyond what is read at once of an array.
  const wide = npy("<f4", `(${ROWS}, 15)`, new Float32Array(15 * ROWS).fill(0.5))
  const columnsOf = (tables: Iterable<Table>): { readonly parts: number; readonly values: number[] } => {
    const all = [...tables]
    return { parts: all.length, values: all.flatMap((table) => [...table.column("u").values]) }
  }
  it.each([
    ["csv.gz", { kind: "csv", delimiter: "," }, gzipSync(Buffer.from(csv))],
    [
      "jsonl.gz",
      { kind: "jsonl" },
      joined(gzipSync(Buffer.from(jsonl.slice(0, 999_990))), gzipSync(Buffer.from(jsonl.slice(999_990)))),
    ],
    ["npz", { kind: "npz" }, zipSync({ "u.npy": column, "w.npy": wide }, { level: 1 })],
  ] as const)("%s", (path, kind, bytes) => {
    const source = { ...kind, path }
    const open = (): ReturnType<typeof inMemory> => inMemory(bytes)
    const whole = parseSource("rows", source, open)
    const found = columnsOf(parseParts("rows", source, open, EVERY_USE))
    expect(found.values).toEqual([...whole.column("u").values])
    expect(found.parts).toBeGreaterThan(1)
  })
  it("refuses a damaged file before its first row", () => {
    const bytes = flipped(gzipSync(Buffer.from(csv)), 300_000)
    const parts = (): unknown =>
      [
        ...parseParts(
          "rows",
          { kind: "csv", path: "d.gz", delimiter: "," },
          () => inMemory(bytes),
          EVERY_USE,
        ),
      ][0]
    expect(failure(parts)[0]).toBe("data-truncated")
  })
})

/** One deflated member, whose sizes and place stand in the ZIP64 fields. */
function zip64(name: string, content: Uint8Array): Uint8Array {
  const packed = deflateSync(content)
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50, 0)
  local.writeUInt16LE(name.length, 26)
  const extra = Buffer.alloc(28)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(24, 2)
  extra.writeBigUInt64LE(BigInt(content.length), 4)
  extra.writeBigUInt64LE(BigInt(packed.length), 12)
  const entry = Buffer.alloc(46)
  entry.writeUInt32LE(0x02014b50, 0)
  entry.writeUInt16LE(8, 10)
  entry.writeUInt32LE(crc32(content), 16)
  entry.writeUInt32LE(0xffffffff, 20)
  entry.writeUInt32LE(0xffffffff, 24)
  entry.writeUInt16LE(name.length, 28)
  entry.writeUInt16LE(extra.length, 30)
  entry.writeUInt32LE(0xffffffff, 42)
  const directory = Buffer.concat([entry, Buffer.from(name), extra])
  const at = local.length + name.length + packed.length
  const end64 = Buffer.alloc(56)
  end64.writeUInt32LE(0x06064b50, 0)
  end64.writeBigUInt64LE(1n, 32)
  end64.writeBigUInt64LE(BigInt(directory.length), 40)
  end64.writeBigUInt64LE(BigInt(at), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(at + directory.length), 8)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(0xffff, 10)
  end.writeUInt32LE(0xffffffff, 12)
  end.writeUInt32LE(0xffffffff, 16)
  return joined(local, name, packed, directory, end64, locator, end)
}
