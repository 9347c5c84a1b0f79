/** runtime/data: files of which parts can be asked for, but not without waiting: at an address, or of a page's user.
 *  Guarantees: a small file, and one in a format that is read from end to end, is fetched whole; of a large .npy or IDX file the head, and then
 *              the rows that a run takes. */
import { eachRun, inMemory, NotLoaded, type DataFile, type Records } from "./file.js"

export interface ByteRanges {
  /** Bytes. */
  readonly size: number
  read(at: number, count: number): Promise<ArrayBuffer>
}

/** Bytes up to which a file is fetched whole, and those fetched first of a larger one. */
const SMALL = 1 << 26
const HEAD = 1 << 16

/** Parts that lie so near together are requested at once, and so many requests are on their way. */
const NEAR = 1 << 14
const AT_ONCE = 8

export async function fileByRanges(ranges: ByteRanges, small = SMALL): Promise<DataFile> {
  const whole = async (): Promise<DataFile> => inMemory(new Uint8Array(await ranges.read(0, ranges.size)))
  if (ranges.size <= small) return whole()
  const head = new Uint8Array(await ranges.read(0, Math.min(HEAD, ranges.size)))
  if (!isOfRecords(head)) return whole()
  let known = head
  return {
    size: ranges.size,
    read(at, into) {
      if (at + into.length > known.length) throw new NotLoaded()
      into.set(known.subarray(at, at + into.length))
    },
    gather: (records, memory) => gather(ranges, records, memory),
    load: async () => {
      known = new Uint8Array(await ranges.read(0, ranges.size))
    },
  }
}

/** Whether a file is .npy or IDX, by its first bytes. */
const isOfRecords = ([first, second, ...rest]: Uint8Array): boolean =>
  first === 0x93 || (first === 0 && second === 0 && (rest[0] ?? 0) >= 8)

interface Part {
  readonly at: number
  readonly bytes: number
  /** Where it goes. */
  readonly to: number
}

async function gather(ranges: ByteRanges, records: Records, memory: ArrayBuffer): Promise<ArrayBuffer> {
  const parts: Part[] = []
  eachRun(records, (at, bytes, to) => parts.push({ at, bytes, to }))
  const groups = groupsOf(parts.sort((a, b) => a.at - b.at))
  let next = 0
  const fetchSome = async (): Promise<void> => {
    for (let group = groups[next++]; group; group = groups[next++]) {
      const { at } = group[0]!
      const end = Math.max(...group.map((part) => part.at + part.bytes))
      const bytes = await ranges.read(at, end - at)
      for (const part of group)
        new Uint8Array(memory, part.to, part.bytes).set(new Uint8Array(bytes, part.at - at, part.bytes))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, fetchSome))
  return memory
}

function groupsOf(parts: readonly Part[]): readonly (readonly Part[])[] {
  const groups: Part[][] = []
  let end = -Infinity
  for (const part of parts) {
    if (part.at <= end + NEAR) groups.at(-1)!.push(part)
    else groups.push([part])
    end = Math.max(end, part.at + part.bytes)
  }
  return groups
}

/** The ranges of a file that a user chose. */
export const rangesOfBlob = (blob: Blob): ByteRanges => ({
  size: blob.size,
  read: (at, count) => blob.slice(at, at + count).arrayBuffer(),
})

/** A URL as a file: in memory where its server does not answer ranges. */
export async function fileAt(url: URL, small?: number): Promise<DataFile> {
  const ask = (at: number, count: number): Promise<Response> =>
    fetch(url, { headers: { Range: `bytes=${at}-${at + count - 1}` } })
  const first = await ask(0, HEAD)
  // No byte is the first of an empty file.
  if (first.status === 416) return inMemory(new Uint8Array())
  if (!first.ok) throw new Error(`${first.status} ${first.statusText}`)
  const size = Number(/\/(\d+)$/.exec(first.headers.get("Content-Range") ?? "")?.[1])
  const head = await first.arrayBuffer()
  if (first.status !== 206 || !Number.isSafeInteger(size)) return inMemory(new Uint8Array(head))
  const read = async (at: number, count: number): Promise<ArrayBuffer> => {
    if (at + count <= head.byteLength) return head.slice(at, at + count)
    const response = await ask(at, count)
    const bytes = await response.arrayBuffer()
    if (response.status !== 206 || bytes.byteLength !== count)
      throw new Error(`its server answered ${response.status}, and ${bytes.byteLength} of ${count} bytes`)
    return bytes
  }
  return fileByRanges({ size, read }, small)
}
