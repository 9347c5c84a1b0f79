/** validate: random values for all inputs and slots of a compilation's programs.
 *  Guarantees: the same values each time; integers that index are within their axis; slots hold first values as `init` gives them, moved a
 *              little, so that a parameter that starts at zero shows what depends on it. */
import { evalGraph } from "../ir/graph/eval.js"
import type { Graph, StateSlot } from "../ir/graph/types.js"
import { feedBounds, fieldBounds, type RowBounds } from "../ir/model/index-bounds.js"
import { nameBeside } from "../ir/model/section-data.js"
import type { Model } from "../ir/model/types.js"
import { type DimValues, evalShape, isFloat, type TensorType } from "../ir/tensor.js"
import type { NdArray } from "../ops/op.js"

/** The run-time scalars of every call, and the numbers of rows. */
export const SCALARS = { step: 3, epoch: 1, seed: 1234567, start: 0 } as const

export interface Values {
  readonly dims: DimValues
  /** By the input's name. */
  readonly inputs: Readonly<Record<string, NdArray>>
  /** By the slot's name. */
  readonly state: Readonly<Record<string, NdArray>>
}

/** Values from 0 (inclusive) to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The bound of codes, which stand in words; indices beyond an axis are clamped to it. */
const ANY_WORD: RowBounds = [{ below: 2 ** 32, or: null, at: "" }]

/** Bounds of the integers that are read as indices, by the name of the input or field. */
export function boundsOf(model: Model): ReadonlyMap<string, RowBounds> {
  return new Map([
    ...model.predicts.flatMap((p) => [...feedBounds(p.section)]),
    ...model.data.flatMap((set) => {
      const bounds = fieldBounds(model, set.name)
      return set.fields.flatMap(({ name, stored }): [string, RowBounds][] => {
        const own = stored ? ANY_WORD : bounds.get(name)
        return own ? [name, nameBeside(set.name, name)].map((each) => [each, own]) : []
      })
    }),
  ])
}

/** `slots`: their values, by name. */
export function valuesFor(
  graph: Graph,
  dims: DimValues,
  slots: ReadonlyMap<string, NdArray>,
  bounds: ReadonlyMap<string, RowBounds>,
  seed: number,
): Values {
  const inputs = graph.inputs.flatMap((i): [string, NdArray][] => {
    if (i.source.kind === "scalar") return []
    const field = i.source.kind === "data" ? i.source.field : i.name
    // The same field has the same rows in every program.
    const next = randomNumbers(seed + hash(field))
    return [[i.name, drawn(i.type, dims, next, bounds.get(field))]]
  })
  const state = graph.state.map((s): [string, NdArray] => {
    const next = randomNumbers(seed + hash(s.name))
    return [s.name, slots.get(s.name) ?? drawn(s.type, dims, next)]
  })
  return { dims, inputs: Object.fromEntries(inputs), state: Object.fromEntries(state) }
}

/** The values of `init`, moved a little. */
export function firstValues(init: Graph | undefined, seed: number): ReadonlyMap<string, NdArray> {
  if (init === undefined) return new Map()
  const dims = { B: 1, R: 1 }
  const { inputs, state } = valuesFor(init, dims, new Map(), new Map(), seed)
  const { updates } = evalGraph(init, { inputs, state, dims, scalars: SCALARS })
  return new Map(
    init.state.map((slot): [string, NdArray] => [slot.name, moved(slot, updates[slot.name]!, seed)]),
  )
}

/** Counters and the state of the run stay what they are; second moments and variances stay positive. */
function moved({ name, type, role }: StateSlot, { shape, data }: NdArray, seed: number): NdArray {
  if (!isFloat(type.dtype) || role === "run") return { shape, data }
  const next = randomNumbers(seed + hash(name))
  const by = role === "param" || role === "average" ? () => next() - 0.5 : next
  return { shape, data: data.map((v) => Math.fround(v + 0.25 * by())) }
}

function drawn(type: TensorType, dims: DimValues, next: () => number, bounds?: RowBounds): NdArray {
  const shape = evalShape(type.shape, dims)
  const size = shape.reduce((n, d) => n * d, 1)
  const draw = (at: number): number => {
    const bound = bounds?.[at % bounds.length]
    if (bound) return Math.floor(next() * bound.below)
    if (isFloat(type.dtype)) return Math.fround(3 * next() - 1)
    return Math.floor(next() * 2)
  }
  return { shape, data: Float64Array.from({ length: size }, (_, i) => draw(i)) }
}

function hash(text: string): number {
  let h = 2166136261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
  return h >>> 0
}
