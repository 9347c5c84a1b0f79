/** runtime/data: ZIP archives: which files are in them, and their contents (APPNOTE.TXT 6.3.10: stored and deflated members, ZIP64).
 *  Guarantees: only the member that is asked for is unpacked; its length and CRC-32 are right, or a RunError names it. */
import { Inflate, inflateSync } from "fflate"
import { reasonOf, RunError } from "../error.js"
import { crc32 } from "./crc32.js"
import { bytesOf, inMemory, partOf, piecesOf, type DataFile } from "./file.js"
import { MOST_RATIO } from "./gzip.js"
import { inPassing } from "./in-passing.js"
import { MOST_UNPACKED, tooLarge } from "./unpacked.js"

export interface ZipMember {
  readonly name: string
  /** `place`: of the member, for messages. `isPassedOnce`: it is read from front to end, and need not be in memory. */
  open(place: string, isPassedOnce: boolean): DataFile
}

interface Entry {
  readonly name: string
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  /** The offset of its local header. */
  readonly at: number
}

/** Throws an Error with the reason when the file is no archive. */
export function zipMembers(file: DataFile): readonly ZipMember[] {
  const { at, size, count } = directoryOf(file)
  const view = viewOf(file, at, size)
  const members: ZipMember[] = []
  let next = 0
  for (let i = 0; i < count; i++) {
    if (next + 46 > view.byteLength || view.getUint32(next, true) !== 0x02014b50)
      throw new Error(`its list of files ends after ${i} of ${count}`)
    const { entry, bytes } = entryAt(view, next)
    members.push({ name: entry.name, open: (place, once) => open(place, file, entry, once) })
    next += bytes
  }
  return members
}

interface Directory {
  readonly at: number
  readonly size: number
  readonly count: number
}

const END = 22
/** A comment may follow the end record. */
const MOST_COMMENT = 65535

function directoryOf(file: DataFile): Directory {
  const from = Math.max(0, file.size - END - MOST_COMMENT)
  const view = viewOf(file, from, file.size - from)
  let end = view.byteLength - END
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--
  if (end < 0) throw new Error("it does not end as an archive does: it is cut off, or something else")
  const short = {
    count: view.getUint16(end + 10, true),
    size: view.getUint32(end + 12, true),
    at: view.getUint32(end + 16, true),
  }
  const large = short.count === 0xffff || short.size === 0xffffffff || short.at === 0xffffffff
  const directory = large ? directory64(file, from + end - 20) : short
  if (directory.at + directory.size > file.size) throw new Error("its list of files lies outside of it")
  return directory
}

/** `at`: where the record is that says where the end record of ZIP64 is. */
function directory64(file: DataFile, at: number): Directory {
  const locator = at < 0 ? undefined : viewOf(file, at, 20)
  if (locator?.getUint32(0, true) !== 0x07064b50) throw new Error("its list of files cannot be found")
  const end = viewOf(file, wide(locator, 8), 56)
  if (end.byteLength < 56 || end.getUint32(0, true) !== 0x06064b50)
    throw new Error("its list of files cannot be found")
  return { count: wide(end, 32), size: wide(end, 40), at: wide(end, 48) }
}

function entryAt(view: DataView, at: number): { readonly entry: Entry; readonly bytes: number } {
  const names = view.getUint16(at + 28, true)
  const extra = view.getUint16(at + 30, true)
  const bytes = 46 + names + extra + view.getUint16(at + 32, true)
  if (at + bytes > view.byteLength) throw new Error("its list of files is cut off")
  const name = new TextDecoder().decode(new Uint8Array(view.buffer, at + 46, names))
  const fields = [24, 20, 42].map((field) => view.getUint32(at + field, true))
  const [size = 0, packed = 0, local = 0] = widened(view, at + 46 + names, extra, fields)
  return {
    entry: {
      name,
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packed,
      size,
      at: local,
    },
    bytes,
  }
}

/** Where a field is all ones, the extra field of ZIP64 has its value. */
function widened(view: DataView, from: number, bytes: number, fields: readonly number[]): readonly number[] {
  for (let at = from; at + 4 <= from + bytes; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue
    let next = at + 4
    const end = Math.min(from + bytes, next + view.getUint16(at + 2, true))
    return fields.map((field) => {
      if (field !== 0xffffffff || next + 8 > end) return field
      next += 8
      return wide(view, next - 8)
    })
  }
  return fields
}

const PIECE = 1 << 20

function open(place: string, file: DataFile, entry: Entry, isPassedOnce: boolean): DataFile {
  const damaged = (why: string): RunError =>
    new RunError("data-truncated", `${place} is damaged: ${why}`, { help: "fetch the archive again" })
  if (entry.flags & 1)
    throw new RunError("data-format", `${place} is encrypted`, {
      help: "save the archive without a password",
    })
  const { size, packed } = entry
  const header = viewOf(file, entry.at, 30)
  if (header.byteLength < 30 || header.getUint32(0, true) !== 0x04034b50)
    throw damaged("it is not where the archive says")
  const from = entry.at + 30 + header.getUint16(26, true) + header.getUint16(28, true)
  if (from + packed > file.size) throw damaged("it goes on after the end of the archive")
  const content = partOf(file, from, packed)
  const member = entry.method === 0 ? content : inflated(place, content, entry, damaged, isPassedOnce)
  if (entry.method === 0 && packed !== size) throw damaged("the archive gives two lengths of it")
  let crc = 0
  for (const { piece } of piecesOf(member, PIECE)) crc = crc32(piece, crc)
  if (crc !== entry.crc) throw damaged("its checksum (CRC-32) is not the one in the archive")
  return member
}

function inflated(
  place: string,
  content: DataFile,
  { method, size, packed }: Entry,
  damaged: (why: string) => RunError,
  isPassedOnce: boolean,
): DataFile {
  if (method !== 8)
    throw new RunError("data-format", `${place} is packed by method ${method}`, {
      help: "members are stored or deflated: write the archive with numpy.savez or numpy.savez_compressed",
    })
  if (size > MOST_RATIO * packed) throw damaged("so few bytes do not unpack to so many")
  if (isPassedOnce) return inPassing(size, () => pieces(content, size, damaged))
  if (size > MOST_UNPACKED) tooLarge(place)
  try {
    const bytes = inflateSync(bytesOf(content), { out: new Uint8Array(size) })
    if (bytes.length === size) return inMemory(bytes)
  } catch (caught) {
    throw damaged(reasonOf(caught))
  }
  throw damaged("its content is shorter than the archive says")
}

const PACKED_PIECE = 1 << 14

function* pieces(
  content: DataFile,
  size: number,
  damaged: (why: string) => RunError,
): Generator<Uint8Array, void> {
  const out: Uint8Array[] = []
  let length = 0
  const stream = new Inflate((piece) => {
    length += piece.length
    out.push(piece)
  })
  for (const { piece, last } of piecesOf(content, PACKED_PIECE)) {
    try {
      stream.push(piece.slice(), last)
    } catch (caught) {
      throw damaged(reasonOf(caught))
    }
    yield* out.splice(0)
  }
  if (length < size) throw damaged("its content is shorter than the archive says")
}

function viewOf(file: DataFile, at: number, count: number): DataView {
  return new DataView(bytesOf(file, at, count).buffer)
}

/** A number of 64 bits; one beyond the safe integers lies outside of every file. */
const wide = (view: DataView, at: number): number =>
  view.byteLength < at + 8 ? Infinity : Number(view.getBigUint64(at, true))
