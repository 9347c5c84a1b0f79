// Files of a page: of an address that answers ranges, and of a user, just the parts that a run takes are asked for.
import { createServer } from "node:http"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { fileAt, fileByRanges, rangesOfBlob } from "../runtime/data/by-ranges.js"
import { gatherFrom, type DataFile } from "../runtime/data/file.js"
import { RowGather } from "../runtime/data/gather.js"
import { loadTables, type OpenFile } from "../runtime/data/load.js"
import { allRows } from "../runtime/data/split.js"
import { npy } from "./support/npy.js"

const WIDTH = 700
const ROWS = 30_000
const values = Uint8Array.from({ length: WIDTH * ROWS }, (_, i) => (i * 7919) >> 5)
const file = new Uint8Array(npy("|u1", `(${ROWS}, ${WIDTH})`, values))
/** Larger than the head that is fetched first. */
const TALL = 40_000
const columns = Uint8Array.from({ length: 2 * TALL }, (_, i) => i >> 3)
const fortran = Buffer.from(npy("|u1", `(${TALL}, 2)`, columns))
  .toString("latin1")
  .replace("False", "True ")
const files: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "/x.npy": file,
  "/fortran.npy": new Uint8Array(Buffer.from(fortran, "latin1")),
  "/t.csv": new TextEncoder().encode("a,b\n1,2\n"),
}

const asked: string[] = []
let ranges = true
const server = createServer(({ url = "", headers }, response) => {
  const content = files[url]
  asked.push(`${url} ${headers.range}`)
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? []
  if (!content) return response.writeHead(404).end()
  if (!ranges || from === undefined) return response.end(content)
  const end = Math.min(content.length, Number(to) + 1)
  response.writeHead(206, { "Content-Range": `bytes ${from}-${end - 1}/${content.length}` })
  return response.end(content.subarray(Number(from), end))
})
let base = ""
beforeAll(async () => {
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

const SMALL = 4
const at = (path: string): Promise<DataFile> => fileAt(new URL(path, base), SMALL)
const OPENERS: Readonly<Record<string, OpenFile>> = {
  "an address": at,
  "a file of the user": (path) => fileByRanges(rangesOfBlob(new Blob([files[path]!])), SMALL),
}

describe.each(Object.entries(OPENERS))("rows of %s", (_, open) => {
  const source = (path: string) => ({
    name: "d",
    source: { kind: "npy", files: [{ column: "x", path }] } as const,
    test: null,
    split: null,
  })
  const field = (width: number) =>
    ({ name: "x", dtype: "f32", shape: [width], columns: ["x"], stages: [] }) as const

  it("are those of the whole file", async () => {
    const { train } = await loadTables(source("/x.npy"), open)
    const rows = await RowGather.open([field(WIDTH)], train, 0)
    const numbers = Uint32Array.of(29_999, 5, 6, 7, 5, 20_000)
    const { fields } = await rows.gather(numbers)
    const expected = [...numbers].flatMap((row) => [...values.subarray(row * WIDTH, (row + 1) * WIDTH)])
    expect([...new Float32Array(new Uint8Array(fields[0]!.bytes).buffer)]).toEqual(expected)
  })

  it("in Fortran order are read whole", async () => {
    const { train } = await loadTables(source("/fortran.npy"), open)
    const found = train.table.column("x").values
    expect([...found]).toEqual(Array.from(found, (_, i) => columns[(i % 2) * TALL + (i >> 1)]))
  })
})

describe("of an address", () => {
  it("the head is asked for, then the parts that are wanted, neighbours together", async () => {
    const found = await at("/x.npy")
    asked.length = 0
    const records = { at: 128, bytes: WIDTH, apart: WIDTH, numbers: Uint32Array.of(20_000, 1000, 1001, 1005) }
    await gatherFrom(found, records, new ArrayBuffer(4 * WIDTH))
    const range = (first: number, last: number): string =>
      `/x.npy bytes=${128 + first * WIDTH}-${128 + last * WIDTH - 1}`
    expect(asked.toSorted()).toEqual([range(1000, 1006), range(20_000, 20_001)].toSorted())
  })
  it("a text is fetched whole", async () =>
    expect(await at("/t.csv")).toMatchObject({ size: files["/t.csv"]!.length }))
  it("a server without ranges gives the whole file", async () => {
    ranges = false
    const found = await at("/x.npy")
    ranges = true
    const into = new Uint8Array(file.length)
    found.read(0, into)
    expect(Buffer.compare(into, file)).toBe(0)
  })
  it("what is not there is an error", () => expect(at("/nothing.npy")).rejects.toThrow("404 Not Found"))
})

it("records of a file in memory need no waiting", async () => {
  const found = await fileByRanges(rangesOfBlob(new Blob([files["/t.csv"]!])))
  const memory = await gatherFrom(
    found,
    { at: 0, bytes: 2, apart: 4, numbers: allRows(2) },
    new ArrayBuffer(4),
  )
  expect(Buffer.from(memory).toString()).toBe("a,1,")
})
