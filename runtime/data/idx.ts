/** runtime/data: IDX files (MNIST's format, raw or gz) -> Column. */
import { gunzipSync } from "fflate"
import { reasonOf, RunError } from "../error.js"
import { product } from "../exec/size.js"
import type { NumberArray } from "../exec/values.js"
import type { Column } from "./table.js"

interface ElementType {
  readonly name: string
  readonly bytes: number
  readonly make: (count: number) => NumberArray
  readonly get: (view: DataView, at: number) => number
}

/** By the third byte of the magic number. Numbers are big-endian. */
const TYPES: Readonly<Record<number, ElementType>> = {
  0x08: { name: "u8", bytes: 1, make: (n) => new Uint8Array(n), get: (view, at) => view.getUint8(at) },
  0x09: { name: "i8", bytes: 1, make: (n) => new Int8Array(n), get: (view, at) => view.getInt8(at) },
  0x0b: { name: "i16", bytes: 2, make: (n) => new Int16Array(n), get: (view, at) => view.getInt16(at) },
  0x0c: { name: "i32", bytes: 4, make: (n) => new Int32Array(n), get: (view, at) => view.getInt32(at) },
  0x0d: { name: "f32", bytes: 4, make: (n) => new Float32Array(n), get: (view, at) => view.getFloat32(at) },
  0x0e: { name: "f64", bytes: 8, make: (n) => new Float64Array(n), get: (view, at) => view.getFloat64(at) },
}

export function parseIdx(place: string, name: string, file: Uint8Array): Column {
  if (file.length === 0) emptyFile(place)
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? unzip(place, file) : file
  const type = TYPES[bytes[2] ?? 0]
  const rank = bytes[3] ?? 0
  if (bytes[0] !== 0 || bytes[1] !== 0 || !type || rank === 0) {
    const magic = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
    throw new RunError("data-format", `${place} is not an IDX file: it starts with ${magic || "nothing"}`, {
      help: "an IDX file starts with 00 00, an element type (08: u8) and the number of axes",
    })
  }
  const header = 4 + 4 * rank
  if (bytes.length < header) truncated(place, header, bytes.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const sizes = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const count = product(sizes)
  if (count > Number.MAX_SAFE_INTEGER)
    throw new RunError(
      "data-format",
      `${place} is damaged: its header says ${sizes.join("x")} ${type.name}`,
      {
        help: "fetch the file again",
      },
    )
  const expected = header + count * type.bytes
  if (bytes.length < expected) truncated(place, expected, bytes.length)
  if (bytes.length > expected)
    throw new RunError(
      "data-format",
      `${place} has ${bytes.length - expected} bytes after its ${sizes.join("x")} ${type.name}`,
    )
  const values = type.make(count)
  if (values instanceof Uint8Array) values.set(bytes.subarray(header))
  else for (let i = 0; i < count; i++) values[i] = type.get(view, header + i * type.bytes)
  return { name, shape: sizes.slice(1), values }
}

function unzip(place: string, file: Uint8Array): Uint8Array {
  // The last four bytes of a gz file are the length of its content.
  const announced =
    file.length >= 4 ? new DataView(file.buffer, file.byteOffset + file.length - 4, 4).getUint32(0, true) : 0
  try {
    const bytes = gunzipSync(file)
    if (bytes.length === announced && crc32(bytes) === crcOf(file)) return bytes
  } catch (caught) {
    throw new RunError(
      "data-truncated",
      `${place} cannot be unpacked (${file.length} bytes of gz): ${reasonOf(caught)}`,
      {
        help: "the file is cut off or damaged: fetch it again",
        cause: caught,
      },
    )
  }
  throw new RunError(
    "data-truncated",
    `${place} is cut off or damaged: its ${file.length} bytes of gz do not unpack whole`,
    {
      help: "fetch it again",
    },
  )
}

export function emptyFile(place: string): never {
  throw new RunError("data-empty", `${place} is empty`, { help: "fetch the file again" })
}

/** The four bytes before the length are the checksum of the content. */
const crcOf = (file: Uint8Array): number =>
  new DataView(file.buffer, file.byteOffset + file.length - 8, 4).getUint32(0, true)

function crc32(bytes: Uint8Array): number {
  let crc = -1
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ CRC[(crc ^ bytes[i]!) & 255]!
  return ~crc >>> 0
}
const CRC = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

export function truncated(place: string, expected: number, found: number): never {
  throw new RunError("data-truncated", `${place} is cut off: ${expected} bytes expected, ${found} found`, {
    help: "fetch the file again",
  })
}
