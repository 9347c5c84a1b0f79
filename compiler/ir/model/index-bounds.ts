/** ir/model: which integers of a section's inputs stand for places, and how far those go.   Section -> IndexUse[]
 *  An index is followed backwards through operations that only move elements, element by element, so that one column of a field
 *  may index a table of ten rows and the next a table of a thousand.
 *  Guarantees: every bound is static. A computed index (`ids + 1`) is not followed: kernels clamp it.
 *  Not here:   messages about indices out of bounds (check/, runtime/data). */
import { opDef } from "../../ops/index.js"
import type { NdArray } from "../../ops/op.js"
import { evalShape, isStatic, type DimValues, type TensorType } from "../tensor.js"
import { fieldPlace } from "./section-data.js"
import type { OpStmt } from "./statements.js"
import type { Model, ModelInput, ModelStmt, ModelValue, Section } from "./types.js"

/** Whole numbers from 0 to `below` - 1, or `or`; `at` is the place in the source that says so. */
export interface IndexBound {
  readonly below: number
  readonly or: number | null
  readonly at: string
}
/** One place where integers are used as indices. */
export interface IndexUse {
  /** The operation that indexes. */
  readonly value: ModelValue
  readonly bound: IndexBound
  /** The inputs that the indices come from, and which elements of a row of each. */
  readonly inputs: ReadonlyMap<ModelInput, ReadonlySet<number>>
  /** Indices written in the program. */
  readonly constants: readonly number[]
}
/** One bound per element of a row, or a single one for all; null: anything. */
export type RowBounds = readonly (IndexBound | null)[]

export function indexUses(section: Section): IndexUse[] {
  const trace = new Trace(section)
  return trace.operations.flatMap((s) => {
    const argument = opDef(s.op).indexes?.(
      s.args.map((arg) => trace.typeOf(arg)),
      s.attrs,
    )
    const index = argument && s.args[argument.arg]
    if (!argument || index === undefined || !isStatic(argument.count)) return []
    const origins = trace.originsOf(index)
    if (origins.inputs.size === 0 && origins.constants.length === 0) return []
    return [{ value: s.id, bound: { below: argument.count, or: argument.or, at: s.origin.at }, ...origins }]
  })
}

/** The bounds of the fields of a data set, from every section that reads them. */
export function fieldBounds(model: Model, data: string): ReadonlyMap<string, RowBounds> {
  const fields = new Map<ModelInput, string>()
  const sections = model.trains.flatMap(({ data: lead, beside, step, evaluate }) => {
    if (lead === null || ![lead, ...beside].includes(data)) return []
    for (const input of [...step.inputs, ...evaluate.inputs]) {
      const place = input.source.kind === "data" ? fieldPlace(lead, input.source.field) : undefined
      if (place?.data === data) fields.set(input, place.field)
    }
    return [step, evaluate]
  })
  return boundsOf(sections.flatMap(indexUses), (input) => fields.get(input))
}

/** The bounds of the inputs that a caller feeds. */
export const feedBounds = (section: Section): ReadonlyMap<string, RowBounds> =>
  boundsOf(indexUses(section), ({ name, source }) => (source.kind === "feed" ? name : undefined))

export const withinBound = (value: number, { below, or }: Pick<IndexBound, "below" | "or">): boolean =>
  (Number.isInteger(value) && value >= 0 && value < below) || value === or

/** Any number of rows shows which element of a row goes where; more than one keeps rows apart from other axes of size 1. */
const ROWS: DimValues = { B: 2, R: 2 }
/** Elements of one value that are followed one by one. */
const MANY = 200_000
/** Distance of the numbers that stand for the elements of two inputs. Smaller ones are constants of the program. */
const APART = 2 ** 40

class Trace {
  readonly operations: OpStmt[] = []
  private readonly types = new Map<ModelValue, TensorType>()
  private readonly producers = new Map<ModelValue, OpStmt>()
  /** The origin of every element: an offset in an input (APART * its number + the offset), a constant, or NaN. */
  private readonly elements = new Map<ModelValue, NdArray>()

  constructor(private readonly section: Section) {
    for (const { id, type } of section.inputs) this.types.set(id, type)
    this.collect(section.body)
  }

  typeOf(value: ModelValue): TensorType {
    return this.types.get(value) ?? { dtype: "f32", shape: [] }
  }

  originsOf(index: ModelValue): Pick<IndexUse, "inputs" | "constants"> {
    const inputs = new Map<ModelInput, Set<number>>()
    const constants = new Set<number>()
    for (const element of this.elementsOf(index).data) {
      const input = this.section.inputs[Math.floor(element / APART) - 1]
      if (input) {
        const places = inputs.get(input) ?? new Set()
        inputs.set(input, places.add((element % APART) % rowSize(input.type)))
      } else if (!Number.isNaN(element)) constants.add(element)
    }
    return { inputs, constants: [...constants] }
  }

  private collect(body: readonly ModelStmt[]): void {
    for (const s of body)
      if (s.kind === "op") {
        this.types.set(s.id, s.type)
        this.producers.set(s.id, s)
        this.operations.push(s)
        for (const region of s.regions ?? []) {
          for (const { id, type } of region.params) this.types.set(id, type)
          this.collect(region.body)
        }
      } else if (s.kind === "read") this.types.set(s.id, s.type)
      else if (s.kind === "call") this.collect(s.body)
  }

  private elementsOf(value: ModelValue): NdArray {
    const known = this.elements.get(value)
    if (known) return known
    const elements = this.follow(value)
    this.elements.set(value, elements)
    return elements
  }

  private follow(value: ModelValue): NdArray {
    const type = this.typeOf(value)
    const shape = evalShape(type.shape, ROWS)
    const size = shape.reduce((a, b) => a * b, 1)
    const number = this.section.inputs.findIndex(({ id }) => id === value) + 1
    if (number > 0) return { shape, data: Float64Array.from({ length: size }, (_, i) => APART * number + i) }
    const s = this.producers.get(value)
    const def = s && opDef(s.op)
    const moves = def?.traits.kind === "view" || (def?.traits.kind === "source" && s?.args.length === 0)
    if (!s || !def || !moves || size > MANY) return { shape, data: new Float64Array(size).fill(NaN) }
    return def.eval(
      s.args.map((arg) => this.elementsOf(arg)),
      s.attrs,
      { type, dims: ROWS, scalars: { step: 0, epoch: 0, seed: 0, start: 0, iteration: 0 } },
    )
  }
}

const rowSize = ({ shape }: TensorType): number => evalShape(shape, { B: 1, R: 1 }).reduce((a, b) => a * b, 1)

function boundsOf(
  uses: readonly IndexUse[],
  nameOf: (input: ModelInput) => string | undefined,
): ReadonlyMap<string, RowBounds> {
  const bounds = new Map<string, (IndexBound | null)[]>()
  for (const { inputs, bound } of uses)
    for (const [input, elements] of inputs) {
      const name = nameOf(input)
      if (name === undefined) continue
      const row = bounds.get(name) ?? new Array<IndexBound | null>(rowSize(input.type)).fill(null)
      for (const element of elements) row[element] = tighter(row[element] ?? null, bound)
      bounds.set(name, row)
    }
  return new Map(
    [...bounds].map(([name, row]) => [name, row.every((b) => same(b, row[0]!)) ? [row[0]!] : row]),
  )
}

/** The bound that both allow. */
function tighter(a: IndexBound | null, b: IndexBound): IndexBound {
  if (!a) return b
  const [small, large] = a.below <= b.below ? [a, b] : [b, a]
  const both = (value: number | null): boolean =>
    value !== null && withinBound(value, a) && withinBound(value, b)
  return { ...small, or: both(small.or) ? small.or : both(large.or) ? large.or : null }
}

const same = (a: IndexBound | null, b: IndexBound | null): boolean => a?.below === b?.below && a?.or === b?.or
