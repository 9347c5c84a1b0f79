/** runtime/data: the row at each place of an epoch, as programs on a device find it: the operation `batch_rows` (compiler/ops/rows.ts,
 *  which gives the reasons for its definition), for the host that brings rows to the device. */

const ROUNDS = 6
const GOLDEN = 0x9e3779b1
const MURMUR = [0x85ebca6b, 0xc2b2ae35] as const
const LOWBIAS = 0x2c1b3c6d

export interface Shuffle {
  /** How many there are, from 1 on. */
  readonly rows: number
  readonly seed: number
  readonly epoch: number
}

/** A permutation of the numbers below `rows`. */
export function shuffledOrder({ rows, seed, epoch }: Shuffle): (place: number) => number {
  const block = 2 ** (31 - Math.clz32(rows))
  const rounds = keysOf(seed, epoch).map((key, round) => ({
    rotation: round % 2 === 1 ? block : Number((BigInt(key) * BigInt(rows)) >> 32n),
    factor: key | 1,
    plus: key >>> 7,
  }))
  const mask = block - 1
  return (place) => {
    let x = place
    for (const { rotation, factor, plus } of rounds) {
      x += rotation
      if (x >= rows) x -= rows
      if (x >= block) continue
      const low = (Math.imul(x, factor) + plus) & mask
      x = low ^ (low >>> 1) ^ (low >>> 3) ^ (low >>> 8)
    }
    return x
  }
}

/** The keys of each round. */
function keysOf(seed: number, epoch: number): number[] {
  let key = (seed ^ Math.imul(epoch + 1, GOLDEN)) >>> 0
  key = Math.imul(key ^ (key >>> 16), MURMUR[0]) >>> 0
  key = Math.imul(key ^ (key >>> 13), MURMUR[1]) >>> 0
  key = (key ^ (key >>> 16)) >>> 0
  return Array.from({ length: ROUNDS }, () => {
    const own = key
    key = (Math.imul(key ^ (key >>> 15), LOWBIAS) + GOLDEN) >>> 0
    return own
  })
}
