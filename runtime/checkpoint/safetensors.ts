/** runtime/checkpoint: the safetensors format, bytes <-> named arrays.
 *  8 bytes of header length, a JSON header { name: { dtype, shape, data_offsets }, __metadata__ }, then the data.
 *  Guarantees: a file that was written here and changed since, in whatever bit, is refused, naming the tensor: the metadata holds
 *              CRC-32s of every tensor and of the header. Files of other tools have none; for all files every byte of the data
 *              belongs to one tensor. */
import type { BundleDType } from "../bundle/format.js"
import { crc32 } from "../data/crc32.js"
import { reasonOf, RunError } from "../error.js"
import { product } from "../exec/size.js"

export interface StoredTensor {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly metadata: Readonly<Record<string, string>>
}

/** The names of our types there, and bytes of an element. */
export const STORED_TYPES: Readonly<Record<BundleDType, string>> = {
  f32: "F32",
  f16: "F16",
  i32: "I32",
  u32: "U32",
  bool: "BOOL",
}
// prettier-ignore
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1, U8: 1, I8: 1, F8_E5M2: 1, F8_E4M3: 1, I16: 2, U16: 2, F16: 2, BF16: 2,
  I32: 4, U32: 4, F32: 4, F64: 8, I64: 8, U64: 8,
}

/** Before the header. */
export const LENGTH_BYTES = 8

/** Far above any real header; a damaged length is found here rather than by running out of memory. */
const LONGEST_HEADER = 100_000_000

/** Keys of the metadata: of the header, in which these eight digits are zeros; of tensors, as JSON. */
const HEADER_CRC = "crc32"
const TENSOR_CRCS = "tensor_crc32"
const NO_CRC = "00000000"

const digits = (crc: number): string => crc.toString(16).padStart(8, "0")

export function encodeTensors({ tensors, metadata }: TensorFile): Uint8Array<ArrayBuffer> {
  const crcs = [...tensors].map(([name, { bytes }]) => [name, digits(crc32(bytes))])
  const about = { ...metadata, [HEADER_CRC]: NO_CRC, [TENSOR_CRCS]: JSON.stringify(Object.fromEntries(crcs)) }
  let at = 0
  const entries = [...tensors].map(([name, { dtype, shape, bytes }]) => {
    const from = at
    at += bytes.byteLength
    return [name, { dtype, shape, data_offsets: [from, at] }]
  })
  const header = { __metadata__: about, ...Object.fromEntries(entries) }
  const json = headerBytes(JSON.stringify(header))
  const file = new Uint8Array(8 + json.byteLength + at)
  new DataView(file.buffer).setBigUint64(0, BigInt(json.byteLength), true)
  file.set(headerBytes(withCrc(json, NO_CRC, digits(crc32(json)))), 8)
  let to = 8 + json.byteLength
  for (const { bytes } of tensors.values()) {
    file.set(bytes, to)
    to += bytes.byteLength
  }
  return file
}

/** Spaces up to a multiple of 8 keep the data aligned. */
function headerBytes(text: string): Uint8Array {
  const json = new TextEncoder().encode(text)
  const bytes = new Uint8Array(Math.ceil(json.byteLength / 8) * 8).fill(0x20)
  bytes.set(json)
  return bytes
}

/** The metadata stand first, and quotes within texts are escaped, so the first such member is the one. */
function withCrc(header: Uint8Array, from: string, to: string): string {
  const member = (crc: string): string => `"${HEADER_CRC}":"${crc}"`
  return decodeUtf8(header).replace(member(from), member(to))
}

const decodeUtf8 = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)

/** `place` names the file in messages. */
export function decodeTensors(place: string, file: Uint8Array): TensorFile {
  const length = headerLength(place, file)
  if (8 + length > file.byteLength)
    corrupt(place, `it is cut off: the header alone is ${length} bytes, the file ${file.byteLength}`)
  const bytes = file.subarray(8, 8 + length)
  const { __metadata__: about = {}, ...entries } = parseHeader(place, bytes)
  const metadata = metadataOf(place, about)
  const tensors = tensorsOf(place, entries, file.subarray(8 + length))
  checkCrcs(place, bytes, { tensors, metadata })
  const { [HEADER_CRC]: _, [TENSOR_CRCS]: __, ...rest } = metadata
  return { tensors, metadata: rest }
}

/** The length of the header, from the first `LENGTH_BYTES` of a file. */
export function headerLength(place: string, start: Uint8Array): number {
  if (start.byteLength < LENGTH_BYTES) corrupt(place, `it has ${start.byteLength} bytes, not even a header`)
  const length = Number(new DataView(start.buffer, start.byteOffset, LENGTH_BYTES).getBigUint64(0, true))
  if (length > LONGEST_HEADER) corrupt(place, "it does not start with a safetensors header")
  return length
}

/** The metadata of a header, without the checksum. */
export function decodeMetadata(place: string, header: Uint8Array): Readonly<Record<string, string>> {
  const { __metadata__: about = {} } = parseHeader(place, header)
  return metadataOf(place, about)
}

/** The tensors in the order of their data, which they cover without gaps or overlaps. */
function tensorsOf(
  place: string,
  entries: Readonly<Record<string, unknown>>,
  data: Uint8Array,
): Map<string, StoredTensor> {
  const all = Object.entries(entries).map(([name, entry]) => ({ name, ...entryOf(place, name, entry) }))
  all.sort((a, b) => a.from - b.from || a.to - b.to)
  const tensors = new Map<string, StoredTensor>()
  let end = 0
  for (const { name, dtype, shape, from, to } of all) {
    if (to > data.byteLength)
      corrupt(place, `it is cut off: "${name}" ends at byte ${to} of the data, there are ${data.byteLength}`)
    if (from !== end)
      corrupt(place, `"${name}" starts at byte ${from} of the data, and the tensors before it end at ${end}`)
    tensors.set(name, { dtype, shape, bytes: data.subarray(from, to) })
    end = to
  }
  if (end !== data.byteLength) corrupt(place, `it has ${data.byteLength - end} bytes after its last tensor`)
  return tensors
}

function checkCrcs(place: string, header: Uint8Array, { tensors, metadata }: TensorFile): void {
  const { [HEADER_CRC]: crc, [TENSOR_CRCS]: list } = metadata
  if (crc === undefined && list === undefined) return
  // Both are written, so that damage to the name of one leaves the other.
  if (
    crc === undefined ||
    list === undefined ||
    digits(crc32(headerBytes(withCrc(header, crc, NO_CRC)))) !== crc
  )
    corrupt(place, `its header is damaged: the checksum (${HEADER_CRC}) is not that of what it holds`)
  const crcs = recordOf(place, list)
  for (const [name, { bytes }] of tensors)
    if (crcs[name] !== digits(crc32(bytes)))
      corrupt(
        place,
        `the data of "${name}" is damaged: its checksum (${TENSOR_CRCS}) is not that of its bytes`,
      )
}

function recordOf(place: string, json: string): Readonly<Record<string, unknown>> {
  const value = parsed(place, json)
  return isRecord(value) ? value : corrupt(place, `${TENSOR_CRCS} is not an object`)
}

function parsed(place: string, json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (caught) {
    return corrupt(place, `its header is not JSON: ${reasonOf(caught)}`)
  }
}

function parseHeader(place: string, bytes: Uint8Array): Record<string, unknown> {
  let text: string
  try {
    text = decodeUtf8(bytes)
  } catch (caught) {
    return corrupt(place, `its header is not JSON: ${reasonOf(caught)}`)
  }
  const json = parsed(place, text)
  return isRecord(json) ? json : corrupt(place, "its header is not a JSON object")
}

function entryOf(
  place: string,
  name: string,
  entry: unknown,
): { dtype: string; shape: number[]; from: number; to: number } {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {}
  const bytes = typeof dtype === "string" ? ELEMENT_BYTES[dtype] : undefined
  if (typeof dtype !== "string" || bytes === undefined) return corrupt(place, `"${name}" has no known dtype`)
  if (!isCounts(shape)) return corrupt(place, `"${name}" has no shape`)
  if (!isCounts(offsets) || offsets.length !== 2) return corrupt(place, `"${name}" has no data_offsets`)
  const [from = 0, to = 0] = offsets
  if (to - from !== product(shape) * bytes)
    corrupt(place, `"${name}" is ${dtype} [${shape.join(", ")}] but has ${to - from} bytes`)
  return { dtype, shape, from, to }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && each >= 0)

function metadataOf(place: string, value: unknown): Record<string, string> {
  if (!isRecord(value)) return corrupt(place, "its metadata is no object")
  const texts = Object.entries(value).map(([key, text]): [string, string] => [
    key,
    typeof text === "string" ? text : corrupt(place, `its metadata "${key}" is not a text`),
  ])
  return Object.fromEntries(texts)
}

function corrupt(place: string, why: string): never {
  throw new RunError("checkpoint-corrupt", `${place} is not a whole checkpoint: ${why}`, {
    help: "an older one may lie beside it, in the folder checkpoints/ of the run",
  })
}
