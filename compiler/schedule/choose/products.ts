/** schedule: plans of contractions: tiles in registers, blocks in workgroup memory, or packed panels. */
import type { BlockPlan, KernelPlan, TilePlan } from "../../ir/groups/types.js"
import { divDim, isStatic } from "../../ir/tensor.js"
import { type Contraction, contraction, operandSize, sizesOf } from "../contraction/contraction.js"
import { type Block, BLOCK_LANES, blocksOf, fastestBlock } from "../cost/block.js"
import { type ContractTile, contractTile, inFours, MOST_EPILOGUE } from "../cost/model.js"
import { slidingTile } from "../cost/slide.js"
import type { KernelBuild } from "../kernel/kernel-build.js"
import { bestPanels, otherPanels, panelsProblem } from "./panels.js"
import { isPowerOfTwo, type Planner, tooManyLanes, tooMuchMemory } from "./planner.js"

export const products = {
  best(b: KernelBuild): KernelPlan {
    const cx = contraction(b)
    return bestPanels(cx) ?? bestBlock(cx) ?? bestTile(cx)
  },

  others(b: KernelBuild): readonly KernelPlan[] {
    const cx = contraction(b)
    return [...otherPanels(cx), ...blocksOf(sizesOf(cx).depth).map(planOf), ...otherTiles(cx)]
  },

  problem(b: KernelBuild, plan: KernelPlan): string | undefined {
    const cx = contraction(b)
    switch (plan.kind) {
      case "tile":
        return tileProblem(cx, plan)
      case "block":
        return blockProblem(cx, plan)
      case "panels":
        return panelsProblem(cx, plan)
      default:
        return "a contract group has plans of the kinds tile, block and panels"
    }
  },
} satisfies Planner

// ---- tiles

function bestTile(cx: Contraction): TilePlan {
  const { target } = cx.b.placed
  const size = sizesOf(cx)
  const slid =
    cx.slide && slidingTile(size, { ...cx.slide, along: cx.columns.shape, over: cx.extents }, target)
  return slid === undefined ? tileOf(contractTile(size, target), size.vector) : tileOf(slid, false)
}
function tileOf({ rows, columns, taps, lanes, split, staged }: ContractTile, vector: boolean): TilePlan {
  return { kind: "tile", rows, columns, taps, lanes, vector, split, staged }
}

/** Outputs of one tile: more would not stay in registers on any device. */
const MOST_OUTPUTS = 128
const SIDES = [1, 2, 4, 8, 16]

function otherTiles(cx: Contraction): TilePlan[] {
  const { vector } = sizesOf(cx)
  const { taps } = bestTile(cx)
  const how = [
    { lanes: 16, split: false, staged: false },
    { lanes: 64, split: false, staged: false },
    { lanes: 64, split: false, staged: true },
    { lanes: 64, split: true, staged: false },
  ]
  return SIDES.flatMap((rows) =>
    SIDES.flatMap((columns) =>
      how.map((x) => tileOf({ rows, columns, taps, ...x }, vector && columns % 4 === 0 && taps === 1)),
    ),
  )
}

function tileProblem(cx: Contraction, plan: TilePlan): string | undefined {
  const { b } = cx
  const outputs = plan.rows * plan.columns
  if (outputs > MOST_OUTPUTS) return `a tile has at most ${MOST_OUTPUTS} outputs`
  const last = cx.extents.at(-1)
  if (plan.taps > 1 && (last === undefined || !isStatic(last) || last % plan.taps !== 0))
    return `${plan.taps} taps do not divide the last axis of the sum`
  if (plan.split && plan.staged) return "a tile is split or staged, not both"
  if (plan.split && outputs > plan.lanes)
    return `a split tile has at most a lane's worth of outputs: ${plan.lanes}`
  if (plan.vector) {
    if (!inFours(b.placed.target)) return "one workgroup works on single elements"
    const across = cx.columns.shape.at(-1)
    if (plan.columns % 4 !== 0 || across === undefined || divDim(across, 4) === undefined)
      return "columns do not come in fours"
  }
  return tooManyLanes(b, plan.lanes) ?? tooMuchMemory(b, plan.split ? 4 * outputs * plan.lanes : 0)
}

// ---- blocks

/** The block that a GPU is best given; undefined where it does better without, and on other devices. */
function bestBlock(cx: Contraction): BlockPlan | undefined {
  const { target } = cx.b.placed
  if (!target.plans.includes("block") || target.oneWorkgroup !== undefined || !hasBothSides(cx))
    return undefined
  const sizes = sizesOf(cx)
  const operations = { rowOperations: operandSize(cx, "row"), columnOperations: operandSize(cx, "column") }
  const block = fastestBlock({ ...sizes, ...operations }, contractTile(sizes, target), MOST_EPILOGUE)
  return block && planOf(block)
}
const planOf = ({ rows, columns, tile, depth, split }: Block): BlockPlan => {
  return { kind: "block", rows, columns, tileRows: tile.rows, tileColumns: tile.columns, depth, split }
}
/** One row or one column has its operand for itself: nothing is shared. */
const hasBothSides = (cx: Contraction): boolean => cx.rows.shape.length > 0 && cx.columns.shape.length > 0

/** Outputs that the lanes add up at the end, four each. */
const MOST_SPLIT = 4 * BLOCK_LANES

function blockProblem(cx: Contraction, plan: BlockPlan): string | undefined {
  const { rows, columns, tileRows, tileColumns, depth, split } = plan
  const { target } = cx.b.placed
  if (target.anyVectors) return `${target.name} has no memory that a workgroup shares faster than others`
  if (target.oneWorkgroup !== undefined) return "one workgroup has no blocks"
  if (!hasBothSides(cx)) return "one row or one column shares nothing"
  if (![rows, columns].every((n) => isPowerOfTwo(n) && n >= 4 && n <= MOST_SPLIT))
    return `sides of blocks are powers of two from 4 to ${MOST_SPLIT}`
  if (tileRows % 4 !== 0 || tileColumns % 4 !== 0 || rows % tileRows !== 0 || columns % tileColumns !== 0)
    return "tiles are multiples of 4 on either side and divide the block"
  if (depth % 4 !== 0) return "slices are multiples of 4 deep"
  const lanes = (rows / tileRows) * (columns / tileColumns) * split
  if (lanes !== BLOCK_LANES) return `tiles and split make ${lanes} lanes, and a block has ${BLOCK_LANES}`
  if (split > 1 && rows * columns > MOST_SPLIT) return `a split block has at most ${MOST_SPLIT} outputs`
  const parts = split > 1 ? rows * columns * split : 0
  return tooMuchMemory(cx.b, 4 * (Math.max(rows * depth, parts) + columns * depth))
}
