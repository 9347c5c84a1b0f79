/** runtime/exec: numbers <-> the bytes of device memory. */
import type { BundleDType } from "../bundle/format.js"
import { fromHalf, toHalf } from "../bundle/half.js"
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
