/** runtime/checkpoint: the safetensors format, bytes <-> named arrays.
 *  8 bytes of header length, a JSON header { name: { dtype, shape, data_offsets }, __metadata__ }, then the data. */
import type { BundleDType } from "../bundle/format.js"
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

/** Far above any real header; a damaged length is found here rather than by running out of memory. */
const LONGEST_HEADER = 100_000_000

export function encodeTensors({ tensors, metadata }: TensorFile): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata }
  let at = 0
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.byteLength] }
    at += bytes.byteLength
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  // Spaces up to a multiple of 8 keep the data aligned.
  const headerBytes = Math.ceil(json.byteLength / 8) * 8
  const file = new Uint8Array(8 + headerBytes + at)
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true)
  file.fill(0x20, 8, 8 + headerBytes)
  file.set(json, 8)
  let to = 8 + headerBytes
  for (const { bytes } of tensors.values()) {
    file.set(bytes, to)
    to += bytes.byteLength
  }
  return file
}

/** `place` names the file in messages. */
export function decodeTensors(place: string, file: Uint8Array): TensorFile {
  if (file.byteLength < 8) corrupt(place, `it has ${file.byteLength} bytes, not even a header`)
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true))
  if (headerBytes > LONGEST_HEADER) corrupt(place, "it does not start with a safetensors header")
  if (8 + headerBytes > file.byteLength)
    corrupt(place, `it is cut off: the header alone is ${headerBytes} bytes, the file ${file.byteLength}`)
  const header = parseHeader(place, file.subarray(8, 8 + headerBytes))
  const data = file.subarray(8 + headerBytes)
  const tensors = new Map<string, StoredTensor>()
  let metadata: Record<string, string> = {}
  let end = 0
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      metadata = stringsOf(entry)
      continue
    }
    const { dtype, shape, from, to } = entryOf(place, name, entry)
    if (to > data.byteLength)
      corrupt(place, `it is cut off: "${name}" ends at byte ${to} of the data, there are ${data.byteLength}`)
    tensors.set(name, { dtype, shape, bytes: data.subarray(from, to) })
    end = Math.max(end, to)
  }
  if (end !== data.byteLength) corrupt(place, `it has ${data.byteLength - end} bytes after its last tensor`)
  return { tensors, metadata }
}

function parseHeader(place: string, bytes: Uint8Array): Record<string, unknown> {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
  } catch (caught) {
    return corrupt(place, `its header is not JSON: ${reasonOf(caught)}`)
  }
  if (!isRecord(json)) return corrupt(place, "its header is not a JSON object")
  return json
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
const stringsOf = (value: unknown): Record<string, string> =>
  isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, String(each)])) : {}

function corrupt(place: string, why: string): never {
  throw new RunError("checkpoint-corrupt", `${place} is not a whole checkpoint: ${why}`, {
    help: "an older one may lie beside it (last.safetensors, best.safetensors)",
  })
}
