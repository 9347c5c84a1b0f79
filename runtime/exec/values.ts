/** runtime/exec: numbers <-> the bytes of device memory. */
import type { BundleDType } from "../bundle/format.js"
import { bytesOf } from "./size.js"

export type NumberArray =
  Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array
/** The numbers that a caller may hand in. */
export type Numbers = NumberArray | readonly number[]
/** The arrays that device memory is read into. f16 is widened to Float32Array; bool is 0 or 1. */
export type Values = Float32Array | Int32Array | Uint32Array

/** A named array read back. */
export interface Tensor {
  readonly dtype: BundleDType
  readonly shape: readonly number[]
  readonly values: Values
}

/** An array of `elements` elements as device memory holds them, to be filled by `storeInto`. */
export function makeValues(dtype: BundleDType, elements: number): Values | Uint16Array {
  switch (dtype) {
    case "f32":
      return new Float32Array(elements)
    case "f16":
      return new Uint16Array(elements)
    case "i32":
      return new Int32Array(elements)
    case "u32":
    case "bool":
      return new Uint32Array(elements)
  }
}

/** Numbers as bytes; padded to a multiple of 4. */
export function encodeNumbers(dtype: BundleDType, numbers: Numbers): Uint8Array {
  const padded = Math.ceil((numbers.length * bytesOf(dtype)) / 4) * 4
  const out = makeValues(dtype, padded / bytesOf(dtype))
  if (dtype === "f16") for (let i = 0; i < numbers.length; i++) out[i] = toHalf(numbers[i]!)
  else if (dtype === "bool") for (let i = 0; i < numbers.length; i++) out[i] = numbers[i] ? 1 : 0
  else out.set(numbers)
  return new Uint8Array(out.buffer)
}

export function decodeNumbers(
  dtype: BundleDType,
  bytes: ArrayBuffer,
  offset: number,
  elements: number,
): Values {
  switch (dtype) {
    case "f32":
      return new Float32Array(bytes, offset, elements)
    case "f16":
      return Float32Array.from(new Uint16Array(bytes, offset, elements), fromHalf)
    case "i32":
      return new Int32Array(bytes, offset, elements)
    case "u32":
    case "bool":
      return new Uint32Array(bytes, offset, elements)
  }
}

/** Index of the first NaN or infinity, or -1. By bit pattern, as the device would. */
export function firstNonFinite(dtype: BundleDType, bytes: ArrayBuffer, elements: number): number {
  if (dtype === "f32") {
    const words = new Uint32Array(bytes, 0, elements)
    return words.findIndex((word) => (word & 0x7f800000) === 0x7f800000)
  }
  if (dtype === "f16")
    return new Uint16Array(bytes, 0, elements).findIndex((half) => (half & 0x7c00) === 0x7c00)
  return -1
}

const float = new Float32Array(1)
const floatBits = new Uint32Array(float.buffer)

/** To the nearest half, ties to even. */
export function toHalf(value: number): number {
  float[0] = value
  const bits = floatBits[0]!
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00)
  if (magnitude >= 0x38800000) {
    // In the middle between two halves, the part of the value that f32 rounded away decides.
    const rest = (magnitude & 0x1fff) === 0x1000 ? Math.sign(Math.abs(value) - Math.abs(float[0])) : 0
    const rebased = magnitude - 0x38000000 + rest
    return sign | Math.min(0x7c00, (rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13)
  }
  // Below the smallest normal half: a multiple of 2^-24.
  const scaled = Math.abs(value) * 2 ** 24
  const floor = Math.floor(scaled)
  const rest = scaled - floor
  return sign | (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor)
}

export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
