/** schedule: the cost model of blocks: whether the sums of a contraction are better made by workgroups from slices in workgroup
 *  memory, and of which size.
 *  A GPU is taken to be a middling one, in clocks of one of its units. A unit has 128 lanes, 64 Ki registers and up to 16 workgroups
 *  at once, and 128 bytes a clock from its nearest memory (NVIDIA's tuning guides for Ampere and Ada, compute capability 8.6
 *  and 8.9); an answer takes 30 clocks from there and 200 to 400 from the memory that all units share (Jia et al., "Dissecting the
 *  NVIDIA Volta GPU Architecture via Microbenchmarking", arXiv:1804.06826). AMD's and Apple's units are near enough for a
 *  choice between a few sizes. A kernel takes as long as the busiest part of its units, or as one workgroup waits for memory if
 *  there are too few of them to fill the waits.
 *  Not here:   tiles in registers alone (`cost/model.ts`), the kernel (`templates/block.ts`). */
import type { ContractTile } from "./model.js"

/** Invocations of a workgroup: as many as all other kernels with barriers have, so that they can run side by side. */
export const BLOCK_LANES = 64

export interface Block {
  /** Outputs of a workgroup, and of one of its lanes. */
  readonly rows: number
  readonly columns: number
  readonly tile: { readonly rows: number; readonly columns: number }
  /** Indices of the depth in workgroup memory at once. */
  readonly depth: number
  /** Groups of lanes that have the same tiles and share the indices of a slice. */
  readonly split: number
}

export interface Product {
  readonly rows: number
  readonly columns: number
  readonly batch: number
  readonly depth: number
  /** Operations per output after the sum. */
  readonly epilogue: number
  /** Operations per element of each operand, indices included. */
  readonly rowOperations: number
  readonly columnOperations: number
}

const GPU = {
  units: 32,
  /** Lanes that add, and lanes whose loads are served from the nearest memory, per clock. */
  adds: 128,
  loads: 32,
  /** Bytes per clock from the memory that all units share. */
  bytes: 64,
  registers: 65536,
  /** Workgroups of 64 lanes that a unit holds at once. */
  most: 16,
  far: 300,
  near: 30,
  barrier: 30,
} as const

/** Elements of one operand in workgroup memory: 4 KiB, so that a lane copies four by four numbers and a unit holds many
 *  workgroups. */
const SLICE = 1024
const DEEPEST = 64
/** How much longer one side of a block may be than the other: the number of loads grows with the sum of both. */
const FLATTEST = 4

/** The block that finishes first, if it does before a tile in registers. `mostEpilogue`: operations written out after the sums. */
export function fastestBlock(of: Product, tile: ContractTile, mostEpilogue: number): Block | undefined {
  let best: Block | undefined
  let least = clocksOfTile(of, tile)
  for (const block of blocksOf(of.depth)) {
    const outputs = block.split > 1 ? 4 : block.tile.rows * block.tile.columns
    if (outputs * of.epilogue > mostEpilogue || covered(of, block) >= MOST_COVERED) continue
    const clocks = clocksOfBlock(of, block)
    if (clocks >= least) continue
    least = clocks
    best = block
  }
  return best
}

/** Blocks reach beyond the last row and column: how many outputs they cover for each that there is. */
const covered = (of: Product, { rows, columns }: Block): number =>
  ((Math.ceil(of.rows / rows) * rows) / of.rows) * ((Math.ceil(of.columns / columns) * columns) / of.columns)
/** From there on, blocks compute more than they save to load. */
const MOST_COVERED = 2

/** All blocks that suit a product of this depth. */
export function blocksOf(depth: number): Block[] {
  const out: Block[] = []
  for (const split of [1, 4, 16]) {
    const lanes = BLOCK_LANES / split
    for (let down = 1; down <= lanes; down *= 2) {
      const across = lanes / down
      for (const rows of [4, 8]) {
        for (const columns of [4, 8]) {
          const [height, width] = [down * rows, across * columns]
          const size = Math.max(height, width)
          if (size > FLATTEST * Math.min(height, width)) continue
          const deepest = Math.min(DEEPEST * split, SLICE / size)
          const whole = Math.ceil(depth / 4) * 4
          const even = evenSlices(depth, deepest, Math.max(4, split))
          // Parts of sums lie where a slice was.
          if (split > 1 && (whole < deepest || rows * columns > SLICE / BLOCK_LANES)) continue
          const tile = { rows, columns }
          out.push({
            rows: height,
            columns: width,
            tile,
            depth: even ?? Math.min(deepest, whole),
            split,
          })
        }
      }
    }
  }
  return out
}

/** The deepest slices that are all alike, of which the loop has a constant count and nothing reaches beyond the end; undefined if they
 *  would be much less deep than `deepest`. */
function evenSlices(depth: number, deepest: number, step: number): number | undefined {
  for (let deep = deepest; 2 * deep > deepest; deep -= step) if (depth % deep === 0) return deep
  return undefined
}

/** `busy`: clocks that a workgroup keeps its unit at work; `waits`: clocks until it is done if it is alone. */
interface Workgroup {
  readonly count: number
  readonly registers: number
  readonly busy: number
  readonly waits: number
}
function clocks({ count, registers, busy, waits }: Workgroup): number {
  // Among equals, the one that leaves more of the device to other kernels wins.
  const total = (count * busy) / GPU.units
  const held = Math.min(GPU.most, Math.floor(GPU.registers / (BLOCK_LANES * registers)))
  return (
    0.1 * total +
    Math.max(
      Math.ceil(count / GPU.units) * busy,
      Math.ceil(count / (GPU.units * held)) * Math.max(busy, waits),
    )
  )
}
const registersOf = (rows: number, columns: number): number => rows * columns + 2 * (rows + columns) + 24

function clocksOfBlock(of: Product, block: Block): number {
  const { rows, columns, tile, split } = block
  const count = Math.ceil(of.rows / rows) * Math.ceil(of.columns / columns) * of.batch
  const slices = Math.ceil(of.depth / block.depth)
  const iterations = block.depth / split
  const sums = tile.rows * tile.columns
  const reads = (tile.rows + tile.columns) / 4
  const copied = rows * of.rowOperations + columns * of.columnOperations
  const adds = (block.depth * copied + BLOCK_LANES * iterations * (sums + reads)) / GPU.adds
  // A vector that neighbours share counts half.
  const loads = (2 * BLOCK_LANES * iterations * reads + block.depth * (rows + columns)) / GPU.loads
  const bytes = (4 * block.depth * (rows + columns)) / GPU.bytes
  const alone =
    GPU.far + 2 * GPU.barrier + (block.depth * copied) / BLOCK_LANES + iterations * (sums + 2 * reads)
  const after = split === 1 ? sums * of.epilogue : 4 * of.epilogue + split * GPU.near
  return clocks({
    count,
    registers: registersOf(tile.rows, tile.columns),
    busy: slices * Math.max(adds, loads, bytes) + (rows * columns * of.epilogue) / GPU.adds,
    waits: slices * alone + after,
  })
}

function clocksOfTile(of: Product, tile: ContractTile): number {
  const { rows, columns, split } = tile
  const tiles = Math.ceil(of.rows / rows) * Math.ceil(of.columns / columns) * of.batch
  const count = split ? tiles : Math.ceil(tiles / BLOCK_LANES)
  const iterations = Math.ceil(of.depth / (split ? BLOCK_LANES : 1))
  const sums = rows * columns
  const made = rows * of.rowOperations + columns * of.columnOperations
  const adds = (BLOCK_LANES * (sums + made + rows + columns)) / GPU.adds
  const loads = (BLOCK_LANES * (rows + columns)) / GPU.loads
  const across = Math.min(BLOCK_LANES, Math.ceil(of.columns / columns))
  const different = split
    ? BLOCK_LANES * (rows + columns)
    : across * columns + Math.ceil(BLOCK_LANES / across) * rows
  const bytes = (4 * different) / GPU.bytes
  // Drivers write out some iterations of the loop, whose loads wait together.
  const alone = GPU.far / 4 + sums + made
  return clocks({
    count,
    registers: registersOf(rows, columns),
    busy: iterations * Math.max(adds, loads, bytes) + (BLOCK_LANES * sums * of.epilogue) / GPU.adds,
    waits: iterations * alone + (split ? BLOCK_LANES * GPU.near + of.epilogue : sums * of.epilogue),
  })
}
