/** summary: Model and Graphs -> the layers of every model, with the parameters, operations and kept values of each.
 *  Assumes:    a checked Model; graphs after the last pass over graphs.
 *  Guarantees: all figures are of one row (B = 1). A layer of the library counts as a whole.
 *  Not here:   printing (cli/), time (`nnc profile`). */
import type { Graph, Node } from "../ir/graph/types.js"
import type { CallStmt } from "../ir/model/statements.js"
import type { Model, ModelStmt, PredictSection, Section } from "../ir/model/types.js"
import { bytesOf, type Dim, evalDim, numel, printType, type TensorType } from "../ir/tensor.js"
import { opDef } from "../ops/index.js"

export interface LayerSummary {
  /** `Net.block.0.linear.1`, or the name of a function. */
  readonly name: string
  /** `Linear`; of a function its name. */
  readonly declaration: string
  /** The number of layers of the program around it. */
  readonly depth: number
  readonly output: readonly string[]
  /** Numbers that are learned, in the layer and those inside of it; 0 where an instance is called once more. */
  readonly parameters: number
  readonly multiplyAdds: number
  /** Bytes that a step of the train section keeps of it until the gradient has read them. Scheduling may compute some of them again. */
  readonly kept: number
  /** `path:line:column` */
  readonly at: string
}
export interface ModelSummary {
  readonly model: string
  readonly inputs: readonly string[]
  readonly output: readonly string[]
  readonly layers: readonly LayerSummary[]
  readonly parameters: number
  readonly multiplyAdds: number
  readonly kept: number
  readonly at: string
}

export function summarize({ predicts, slots }: Model, step: Graph | undefined): readonly ModelSummary[] {
  const kept = new Kept(step)
  const learned = learnedIn(slots)
  return predicts.map((predict) => summaryOf(predict, kept, learned))
}

/** By path, the numbers that are learned in an instance and those inside of it. */
export function learnedIn(slots: Model["slots"]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { name, role, type } of slots)
    if (role === "param")
      for (let end = name.indexOf("."); end >= 0; end = name.indexOf(".", end + 1)) {
        const path = name.slice(0, end)
        sums.set(path, (sums.get(path) ?? 0) + elements(type))
      }
  return sums
}

function summaryOf(
  { model, section, origin }: PredictSection,
  kept: Kept,
  learned: ReadonlyMap<string, number>,
): ModelSummary {
  const types = typesOf(section)
  const called = new Set<string>()
  const layers: LayerSummary[] = []
  const visit = (call: CallStmt, depth: number): void => {
    const isInstance = call.callee !== call.declaration
    const isFirst = !called.has(call.callee)
    called.add(call.callee)
    // A call within the library stands at the place of the outermost call.
    const inner = callsIn(call.body).filter(({ origin: { at } }) => at !== call.origin.at)
    layers.push({
      name: call.callee,
      declaration: call.declaration,
      depth,
      output: call.results.map((id) => printType(types.get(id)!)),
      parameters: isInstance && isFirst ? (learned.get(call.callee) ?? 0) : 0,
      multiplyAdds: multiplyAdds(call.body, types),
      kept: isInstance ? kept.within(call.callee) : kept.at(call.origin.at, call.origin.in),
      at: call.origin.at,
    })
    for (const each of inner) visit(each, depth + 1)
  }
  const own = callsIn(section.body).find(({ callee }) => callee === model)
  for (const call of callsIn(own?.body ?? section.body)) visit(call, 0)
  return {
    model,
    inputs: section.inputs
      .filter(({ source }) => source.kind === "feed")
      .map((i) => `${i.name}: ${printType(i.type)}`),
    output: section.results.map(({ value }) => printType(types.get(value)!)),
    layers,
    parameters: learned.get(model) ?? 0,
    multiplyAdds: multiplyAdds(section.body, types),
    kept: kept.within(model),
    at: origin.at,
  }
}

const callsIn = (body: readonly ModelStmt[]): readonly CallStmt[] =>
  body.flatMap((s) => {
    if (s.kind === "call") return [s]
    return s.kind === "op" ? (s.regions ?? []).flatMap((region) => callsIn(region.body)) : []
  })

type Types = ReadonlyMap<number, TensorType>

function typesOf({ inputs, body }: Section): Types {
  const types = new Map<number, TensorType>(inputs.map(({ id, type }) => [id, type]))
  const visit = (statements: readonly ModelStmt[]): void => {
    for (const s of statements) {
      if (s.kind === "op" || s.kind === "read") types.set(s.id, s.type)
      if (s.kind === "call") visit(s.body)
      for (const { params, body: inner } of (s.kind === "op" && s.regions) || []) {
        for (const { id, type } of params) types.set(id, type)
        visit(inner)
      }
    }
  }
  visit(body)
  return types
}

/** The multiply-adds of contractions; those in loops over time count once per iteration. */
function multiplyAdds(body: readonly ModelStmt[], types: Types): number {
  return body.reduce((sum, s) => {
    if (s.kind === "call") return sum + multiplyAdds(s.body, types)
    if (s.kind !== "op") return sum
    const { lower } = opDef(s.op)
    const own =
      lower.kind === "contract"
        ? elements(s.type) *
          extent(
            lower.extents(
              s.args.map((id) => types.get(id)!),
              s.attrs,
              s.type,
            ),
          )
        : 0
    const iterations = Number(s.attrs["iterations"] ?? 1)
    const inner = (s.regions ?? []).reduce((all, region) => all + multiplyAdds(region.body, types), 0)
    return sum + own + iterations * inner
  }, 0)
}

const ONE_ROW = { B: 1, R: 1 }
const extent = (dims: readonly Dim[]): number => evalDim(numel(dims), ONE_ROW)
const elements = ({ shape }: TensorType): number => extent(shape)

/** The forward values of a step that its gradient reads again, by place. */
class Kept {
  private readonly values: readonly { readonly at: string; readonly in: string; readonly bytes: number }[]

  constructor(step: Graph | undefined) {
    const nodes = new Map((step?.nodes ?? []).map((node) => [node.id, node]))
    const read = new Map<number, Node>()
    for (const node of nodes.values())
      if (node.origin.by === "autodiff")
        for (const arg of node.args) {
          const stored = storedOf(nodes, arg)
          if (stored) read.set(stored.id, stored)
        }
    this.values = [...read.values()].map(({ origin, type }) => ({
      at: origin.at,
      in: origin.in ?? "",
      bytes: elements(type) * bytesOf(type.dtype),
    }))
  }

  /** The bytes kept in an instance and those inside of it. */
  within = (path: string): number => this.sum((value) => value.in === path || value.in.startsWith(`${path}.`))
  /** The bytes kept in a function called at a place; `owner` is the instance that calls it. */
  at = (at: string, owner: string | undefined): number =>
    this.sum((value) => value.at === at && (value.in === owner || !value.in.includes(".")))

  private sum(counts: (value: { readonly at: string; readonly in: string }) => boolean): number {
    return this.values.filter(counts).reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

/** The node of the forward part whose elements are read; undefined for parameters, inputs and values that gradients compute themselves. */
function storedOf(nodes: ReadonlyMap<number, Node>, id: number): Node | undefined {
  const node = nodes.get(id)
  if (node === undefined || node.origin.by !== undefined) return undefined
  const { kind } = opDef(node.op).traits
  if (kind === "source") return undefined
  return kind === "view" ? storedOf(nodes, node.args[0]!) : node
}
