/** ir/kernels: Philox-4x32-10 of Salmon et al. 2011 ("Parallel random numbers: as easy as 1, 2, 3") on numbers, with BigInt.
 *  Targets have their own: `philox` in codegen/. */

export const PHILOX = {
  /** Each round multiplies words 0 and 2 of the counter by these. */
  multipliers: [0xd2511f53, 0xcd9e8d57],
  /** Each round adds these to the two halves of the key. */
  weyl: [0x9e3779b9, 0xbb67ae85],
  rounds: 10,
} as const

type Four = readonly [number, number, number, number]

export function philox(counter: Four, key: readonly [number, number]): Four {
  const { multipliers, weyl, rounds } = PHILOX
  const word = (x: bigint): bigint => x & 0xffffffffn
  let [c0, c1, c2, c3] = counter.map((c) => word(BigInt(c))) as [bigint, bigint, bigint, bigint]
  for (let round = 0; round < rounds; round++) {
    const k0 = word(BigInt(key[0]) + BigInt(round) * BigInt(weyl[0]))
    const k1 = word(BigInt(key[1]) + BigInt(round) * BigInt(weyl[1]))
    const p0 = BigInt(multipliers[0]) * c0
    const p1 = BigInt(multipliers[1]) * c2
    ;[c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, word(p1), (p0 >> 32n) ^ c3 ^ k1, word(p0)]
  }
  return [Number(c0), Number(c1), Number(c2), Number(c3)]
}
