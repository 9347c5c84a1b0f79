/** runtime/data: the elements of binary files (NPY, IDX) -> numbers, each kind in an array of its own type: u8 stays u8.
 *  Not here: headers (npy.ts, idx.ts). */
import { RunError } from "../error.js"
import { fromHalf } from "../bundle/half.js"
import type { NumberArray } from "../exec/values.js"
import { inMemory, type DataFile } from "./file.js"

export type ElementType =
  "bool" | "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "u64" | "i64" | "f16" | "f32" | "f64"

export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  bool: 1,
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  f16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  u64: 8,
  i64: 8,
  f64: 8,
}

export interface Elements {
  readonly type: ElementType
  readonly bigEndian: boolean
  readonly count: number
  /** Byte of the first one. */
  readonly at: number
}

/** `where`: names an element, for messages. f16 is widened to f32, 64-bit integers to f64. Throws a RunError at an integer that f64 does
 *  not hold. The caller knows that the file is long enough. */
export function readElements(
  file: DataFile,
  elements: Elements,
  where: (index: number) => string,
): NumberArray {
  const { type, count } = elements
  if (isPlain(type)) return filled(file, elements, new PLAIN[type](count))
  switch (type) {
    case "bool":
      return converted(file, elements, new Uint8Array(PIECE), new Uint8Array(count), (byte) => (byte ? 1 : 0))
    case "f16":
      return converted(file, elements, new Uint16Array(PIECE), new Float32Array(count), fromHalf)
    case "i64":
    case "u64": {
      const raw = type === "i64" ? new BigInt64Array(PIECE) : new BigUint64Array(PIECE)
      return converted(file, elements, raw, new Float64Array(count), (value: bigint, index) => {
        const number = Number(value)
        if (BigInt(number) === value) return number
        throw new RunError(
          "data-range",
          `${where(index)} holds ${value}, and numbers of more than 53 bits are not read exactly`,
          { help: 'subtract what all have in common, or round them: array.astype("float64")' },
        )
      })
    }
  }
}

const PLAIN = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const

const isPlain = (type: ElementType): type is keyof typeof PLAIN => Object.hasOwn(PLAIN, type)

/** The same of elements that were read already: in place, where they are numbers as they lie there. */
export function elementsIn(
  memory: ArrayBuffer,
  { type, bigEndian, count }: Omit<Elements, "at">,
  where: (index: number) => string,
): NumberArray {
  const bytes = new Uint8Array(memory, 0, count * ELEMENT_BYTES[type])
  if (!isPlain(type)) return readElements(inMemory(bytes), { type, bigEndian, count, at: 0 }, where)
  if (bigEndian) swap(bytes, ELEMENT_BYTES[type])
  return new PLAIN[type](memory, 0, count)
}

/** Elements that are converted at a time. */
const PIECE = 1 << 14

interface Raw<T> {
  readonly buffer: ArrayBufferLike
  readonly length: number
  readonly [index: number]: T
}

function converted<T, Out extends NumberArray>(
  file: DataFile,
  elements: Elements,
  raw: Raw<T>,
  out: Out,
  convert: (value: T, index: number) => number,
): Out {
  const { type, at, count, bigEndian } = elements
  for (let from = 0; from < count; from += PIECE) {
    const piece = Math.min(PIECE, count - from)
    fill(file, at + from * ELEMENT_BYTES[type], raw.buffer, piece * ELEMENT_BYTES[type])
    if (bigEndian) swap(new Uint8Array(raw.buffer), ELEMENT_BYTES[type])
    for (let i = 0; i < piece; i++) out[from + i] = convert(raw[i]!, from + i)
  }
  return out
}

function filled<Out extends NumberArray>(file: DataFile, { type, at, bigEndian }: Elements, out: Out): Out {
  fill(file, at, out.buffer, out.byteLength)
  if (bigEndian) {
    const whole = out.buffer.byteLength
    for (let from = 0; from < whole; from += MOST_VIEW)
      swap(new Uint8Array(out.buffer, from, Math.min(MOST_VIEW, whole - from)), ELEMENT_BYTES[type])
  }
  return out
}

/** Bytes: engines have a limit on the length of one view that is lower than that on buffers. */
const MOST_VIEW = 2 ** 30

function fill(file: DataFile, at: number, into: ArrayBufferLike, bytes: number): void {
  for (let from = 0; from < bytes; from += MOST_VIEW)
    file.read(at + from, new Uint8Array(into, from, Math.min(MOST_VIEW, bytes - from)))
}

/** Turns around the bytes of every element. */
function swap(bytes: Uint8Array, size: number): void {
  if (size === 1) return
  for (let at = 0; at < bytes.length; at += size)
    for (let low = at, high = at + size - 1; low < high; low++, high--) {
      const byte = bytes[low]!
      bytes[low] = bytes[high]!
      bytes[high] = byte
    }
}
