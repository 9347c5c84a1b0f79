/** bundle: numbers of 16 bits (IEEE 754 binary16), in checkpoints, data and on devices. */

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
