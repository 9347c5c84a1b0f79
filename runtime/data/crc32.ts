/** runtime/data: the checksum of gzip and ZIP (CRC-32, reflected polynomial 0xEDB88320), four bytes at a time. */

/** The checksum of `bytes`; `before`: that of the bytes before them. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  let at = 0
  for (const whole = bytes.length - 3; at < whole; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      TABLE[768 + (crc & 255)]! ^
      TABLE[512 + ((crc >>> 8) & 255)]! ^
      TABLE[256 + ((crc >>> 16) & 255)]! ^
      TABLE[crc >>> 24]!
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]!) & 255]!
  return ~crc >>> 0
}

/** At 256 * n + byte: the effect of the byte on the checksum when n more bytes follow it. */
const TABLE = tables()

function tables(): Int32Array {
  const out = new Int32Array(1024)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    out[byte] = crc
  }
  for (let i = 256; i < 1024; i++) out[i] = (out[i - 256]! >>> 8) ^ out[out[i - 256]! & 255]!
  return out
}
