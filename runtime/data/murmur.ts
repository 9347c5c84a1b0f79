/** runtime/data: MurmurHash3, the 32-bit variant for x86 (Austin Appleby, public domain), of the bytes of a text in UTF-8, with seed 0.
 *  The same as scikit-learn's `murmurhash3_32`. */
const C1 = 0xcc9e2d51
const C2 = 0x1b873593

const encoder = new TextEncoder()

/** From 0 to 2^32 - 1. */
export function murmur3(text: string): number {
  const bytes = encoder.encode(text)
  const whole = bytes.length & ~3
  let hash = 0
  for (let at = 0; at < whole; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    hash ^= mixed(word)
    hash = (hash << 13) | (hash >>> 19)
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
  }
  let rest = 0
  for (let at = bytes.length - 1; at >= whole; at--) rest = (rest << 8) | bytes[at]!
  if (whole < bytes.length) hash ^= mixed(rest)
  hash ^= bytes.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function mixed(word: number): number {
  const turned = Math.imul(word, C1)
  return Math.imul((turned << 15) | (turned >>> 17), C2)
}
