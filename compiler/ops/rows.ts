/** ops: which rows of the data set make up a batch. A pure function of (seed, epoch, position in the epoch): no order is ever stored,
 *  and a run that resumes in the middle of an epoch goes on with the same rows.
 *
 *  Shuffled, position p of an epoch holds row f(p), where f is a permutation of [0, R) keyed by seed and epoch. Every round is a
 *  bijection of [0, R) for any R, so their composition is one, exactly, with nothing to retry:
 *    1. rotate: x <- (x + c) mod R
 *    2. shuffle the first M = (largest power of two <= R) positions among themselves and leave the rest alone:
 *       x <- x * odd + key  (mod M)   a bijection modulo a power of two, because the factor is odd;
 *       x <- x ^ x>>1 ^ x>>3 ^ x>>8   invertible from the top bit down; stays below M.
 *  M is more than half of R. Rounds come in pairs: in the first c is drawn from the key, in the second c = M, which turns all
 *  that the first left alone into the shuffled part. Three pairs passed chi-square tests on positions, on distances between rows
 *  near and far, and on all 720 orders of R = 6. (A cipher on 2^n positions with cycle walking needs an unbounded loop to be exact; a
 *  swap-or-not network needs eight times the work.) */
import {
  BATCH,
  DATA_ROWS,
  evalDim,
  evalShape,
  printType,
  sameType,
  scalarType,
  tensorType,
} from "../ir/tensor.js"
import type { Expr } from "../ir/kernels/types.js"
import { boolAttr } from "./attrs.js"
import { ndarray } from "./ndarray.js"
import { type ExprBuilder, type InferContext, type OpDef, defineOp } from "./op.js"

const ROUNDS = 6
const SHIFTS = [1, 3, 8] as const
/** Constants of the mixers: the golden ratio, murmur3's finaliser, lowbias32's multiplier. */
const GOLDEN = 0x9e3779b1
const MURMUR = [0x85ebca6b, 0xc2b2ae35] as const
const LOWBIAS = 0x2c1b3c6d

export const batchRows: OpDef = defineOp({
  name: "batch_rows",
  params: ["seed", "epoch", "start"],
  attrs: { shuffle: { doc: "a new order of the rows every epoch", kind: "bool" } },
  doc: "i32[B]: the data row at each position start, start + 1, ... of the epoch. The caller keeps start + B <= R.",
  traits: { kind: "source" },
  constraints: { c1: "seed is a u32 scalar", c2: "epoch and start are i32 scalars" },
  infer: ([seed, epoch, start], _attrs, at: InferContext) => {
    at.require("c1", sameType(seed!, scalarType("u32")), () => `seed is ${printType(seed!)}`, { arg: 0 })
    at.require("c2", sameType(epoch!, scalarType("i32")), () => `epoch is ${printType(epoch!)}`, { arg: 1 })
    at.require("c2", sameType(start!, scalarType("i32")), () => `start is ${printType(start!)}`, { arg: 2 })
    return tensorType("i32", [BATCH])
  },
  eval: ([seed, epoch, start], attrs, { type, dims }) => {
    const rows = evalDim(DATA_ROWS, dims)
    return ndarray(evalShape(type.shape, dims), ([b]) => {
      const position = start!.data[0]! + b!
      return boolAttr(attrs, "shuffle")
        ? shuffledRow(position, rows, seed!.data[0]!, epoch!.data[0]!)
        : position
    })
  },
  grad: { none: "the result is a row, an integer" },
  lower: {
    // A fold, not a map: each row is worked out once, never again inside every kernel that reads a batch.
    kind: "fold",
    extents: (_types, attrs) => [boolAttr(attrs, "shuffle") ? ROUNDS : 1],
    init: ({ args, index, attrs, k }) => {
      const position = k.op("to_u32", k.add(args[2]!([]), index[0]!))
      return boolAttr(attrs, "shuffle")
        ? [position, firstKey(k, args[0]!([]), args[1]!([])), lowMask(k)]
        : [position]
    },
    step: ({ attrs, k }, [round], acc) => (boolAttr(attrs, "shuffle") ? nextRound(k, round!, acc) : acc),
    result: ({ k }, [row]) => k.op("to_i32", row!),
  },
  samples: [
    {
      args: [scalarType("u32"), scalarType("i32"), scalarType("i32")],
      attrs: { shuffle: true },
      ranges: [
        [0, 1e9],
        [0, 9],
        [0, 5],
      ],
    },
    {
      args: [scalarType("u32"), scalarType("i32"), scalarType("i32")],
      attrs: { shuffle: false },
      ranges: [
        [0, 9],
        [0, 9],
        [0, 5],
      ],
    },
  ],
})
export const rowOps: readonly OpDef[] = [batchRows]

/** The row at `position` of a shuffled epoch over `rows` rows. */
export function shuffledRow(position: number, rows: number, seed: number, epoch: number): number {
  const block = 2 ** (31 - Math.clz32(rows))
  const mod32 = (x: bigint): bigint => BigInt.asUintN(32, x)
  let key = mod32(BigInt(seed)) ^ mod32(BigInt(epoch + 1) * BigInt(GOLDEN))
  key = mod32((key ^ (key >> 16n)) * BigInt(MURMUR[0]))
  key = mod32((key ^ (key >> 13n)) * BigInt(MURMUR[1]))
  key ^= key >> 16n
  let x = BigInt(position)
  for (let round = 0; round < ROUNDS; round++) {
    x += round % 2 === 1 ? BigInt(block) : (key * BigInt(rows)) >> 32n
    if (x >= BigInt(rows)) x -= BigInt(rows)
    if (x < BigInt(block)) {
      const z = mod32(x * (key | 1n) + (key >> 7n)) % BigInt(block)
      x = SHIFTS.reduce((all, shift) => all ^ (z >> BigInt(shift)), z)
    }
    key = mod32((key ^ (key >> 15n)) * BigInt(LOWBIAS) + BigInt(GOLDEN))
  }
  return Number(x)
}

const u32 = (k: ExprBuilder, value: number): Expr => k.constant(value >>> 0, "u32")
const xorShift = (k: ExprBuilder, x: Expr, shift: number): Expr =>
  k.op("bitxor", x, k.op("shr", x, u32(k, shift)))
const dataRows = (k: ExprBuilder): Expr => k.op("to_u32", k.dim(DATA_ROWS))

function firstKey(k: ExprBuilder, seed: Expr, epoch: Expr): Expr {
  const shift = k.op("mul", k.op("add", k.op("to_u32", epoch), u32(k, 1)), u32(k, GOLDEN))
  const once = k.op("mul", xorShift(k, k.op("bitxor", seed, shift), 16), u32(k, MURMUR[0]))
  const twice = k.op("mul", xorShift(k, once, 13), u32(k, MURMUR[1]))
  return xorShift(k, twice, 16)
}

/** M - 1: the bits below the highest bit of R. */
function lowMask(k: ExprBuilder): Expr {
  const smeared = [1, 2, 4, 8, 16].reduce(
    (m, shift) => k.op("bitor", m, k.op("shr", m, u32(k, shift))),
    dataRows(k),
  )
  return k.op("shr", smeared, u32(k, 1))
}

function nextRound(k: ExprBuilder, round: Expr, [x, key, mask]: readonly Expr[]): Expr[] {
  const second = k.op("eq", k.rem(round, k.int(2)), k.int(1))
  const shift = k.select(second, k.op("add", mask!, u32(k, 1)), k.op("mulhi", key!, dataRows(k)))
  const ahead = k.op("add", x!, shift)
  const shifted = k.select(k.op("ge", ahead, dataRows(k)), k.op("sub", ahead, dataRows(k)), ahead)
  const factor = k.op("bitor", key!, u32(k, 1))
  const affine = k.op("add", k.op("mul", shifted, factor), k.op("shr", key!, u32(k, 7)))
  const low = k.op("bitand", affine, mask!)
  const mixed = SHIFTS.reduce((all, shift) => k.op("bitxor", all, k.op("shr", low, u32(k, shift))), low)
  const nextKey = k.op("add", k.op("mul", xorShift(k, key!, 15), u32(k, LOWBIAS)), u32(k, GOLDEN))
  return [k.select(k.op("le", shifted, mask!), mixed, shifted), nextKey, mask!]
}
