/** schedule: plans of packed panels: which operand lies along the lanes of vectors, and how both sides and the depth are cut. */
import type { PanelsPlan } from "../../ir/groups/types.js"
import { type Dim, divDim, isStatic, numel } from "../../ir/tensor.js"
import type { Contraction } from "../contraction/contraction.js"
import {
  LANES,
  liesTogether,
  type PanelSides,
  panelSides,
  suitsVectors,
  TALL,
  type UncutSide,
} from "../contraction/panels.js"
import { nominal } from "../cost/model.js"
import { type PanelChoice, type PanelSizes, panelChoice, panelChoices } from "../cost/panels.js"
import { tooMuchMemory } from "./planner.js"

/** The way to cut `cx` that is best, if it is large enough to be worth it and of a kind that can be cut. */
export function bestPanels(cx: Contraction): PanelsPlan | undefined {
  const sides = offered(cx)
  if (sides === undefined) return undefined
  const { wide, tall } = sidesIn(sides)
  if (!liesTogether(wide)) return undefined
  const choice = panelChoice(sizesOf(sides, wide, tall))
  return choice && planOf(wide, choice)
}

/** Ways to cut worth measuring, by the cost model. */
const MOST_MEASURED = 24
export function otherPanels(cx: Contraction): PanelsPlan[] {
  const sides = offered(cx)
  if (sides === undefined) return []
  const { wide, tall } = sidesIn(sides)
  if (!liesTogether(wide)) return []
  return [...panelChoices(sizesOf(sides, wide, tall))]
    .sort((a, b) => a.cost - b.cost)
    .slice(0, MOST_MEASURED)
    .map(({ choice }) => planOf(wide, choice))
}

export function panelsProblem(cx: Contraction, plan: PanelsPlan): string | undefined {
  const { target } = cx.b.placed
  const sides = offered(cx)
  if (sides === undefined)
    return target.plans.includes("panels") ? "this product cannot be cut" : `${target.name} has no panels`
  const [wide, tall] = plan.wide === "row" ? [sides.row, sides.column] : [sides.column, sides.row]
  if (!liesTogether(wide)) return "windows move in steps along the wide side"
  const [first, ...inside] = sides.depth.extents as [Dim, ...Dim[]]
  const whole = [...wide.windows, ...tall.windows].some((w) => w.depth === 0)
  const divided = whole || inside.length > 0
  if (divided && (divDim(first, plan.depth) === undefined || (whole && plan.depth !== first)))
    return whole ? "windows slide over the whole depth" : "the depth is cut into equal parts"
  return (
    cutProblem(wide, plan.wideAt, plan.wideChunk, LANES) ??
    cutProblem(tall, plan.tallAt, plan.tallChunk, TALL) ??
    tooMuchMemory(cx.b, bytesOf(sides, plan))
  )
}

function cutProblem(
  { space: { extents }, windows }: UncutSide,
  at: number,
  chunk: number,
  step: number,
): string | undefined {
  const extent = extents[at]
  if (extent === undefined) return `a side of ${extents.length} axes has no axis ${at}`
  if (!extents.slice(at + 1).every(isStatic)) return "an item is of constant size"
  if (windows.length > 0)
    return isStatic(extent) && extent % chunk === 0
      ? undefined
      : "a side with windows is cut into equal parts"
  return chunk % step === 0 ? undefined : `a side is cut into multiples of ${step}`
}

/** The most bytes of an item: its sums, and the parts of both operands that it packs. A tall side that lies direct is read where it is. */
function bytesOf({ row, column, depth }: PanelSides, plan: PanelsPlan): number {
  const [wide, tall] = plan.wide === "row" ? [row, column] : [column, row]
  const size = ({ space }: UncutSide, at: number, chunk: number, step: number): number => {
    const local = [chunk, ...space.extents.slice(at + 1).map(nominal)]
    const last = local.at(-1)!
    return local.slice(0, -1).reduce((n, d) => n * d, 1) * Math.ceil(last / step) * step
  }
  const [columns, rows] = [
    size(wide, plan.wideAt, plan.wideChunk, LANES),
    size(tall, plan.tallAt, plan.tallChunk, TALL),
  ]
  const deep = depth.extents.slice(1).reduce<number>((n, d) => n * nominal(d), plan.depth)
  return 4 * (rows * columns + (columns + (tall.direct ? 0 : rows)) * deep)
}

const offered = (cx: Contraction): PanelSides | undefined =>
  cx.b.placed.target.plans.includes("panels") ? panelSides(cx) : undefined

function sidesIn({ row, column }: PanelSides): { wide: UncutSide; tall: UncutSide } {
  // The taps of a window make poor vectors.
  const swapped = !suitsVectors(column) && (suitsVectors(row) || !liesTogether(column))
  return swapped ? { wide: row, tall: column } : { wide: column, tall: row }
}
function sizesOf({ cx, depth }: PanelSides, wide: UncutSide, tall: UncutSide): PanelSizes {
  return {
    wide: { extents: wide.space.extents, windows: wide.windows, packed: true },
    tall: { extents: tall.space.extents, windows: tall.windows, packed: !tall.direct },
    depth: depth.extents,
    batch: nominal(numel(cx.batch.shape)),
    whole: [...wide.windows, ...tall.windows].some((w) => w.depth === 0),
  }
}
const planOf = ({ which }: UncutSide, { wide, tall, block }: PanelChoice): PanelsPlan => ({
  kind: "panels",
  wide: which,
  wideAt: wide.at,
  wideChunk: wide.chunk,
  tallAt: tall.at,
  tallChunk: tall.chunk,
  depth: block,
})
