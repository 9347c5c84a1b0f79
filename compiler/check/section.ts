/** check: a section while it is being written: statements appended in order, calls nested.
 *  Guarantees: ids are unique within the section; run-time scalars become inputs when first used.
 *  Not here:   which operation is emitted and of what type (emit.ts). */
import { SCALAR_TYPES, type ScalarName } from "../ir/graph/types.js"
import type { Direction, ModelInput, ModelStmt, ModelValue, Section } from "../ir/model/types.js"
import { scalarType, type TensorType } from "../ir/tensor.js"
import type { Span } from "../source/source.js"
import type { BatchNormUse } from "./batch-norm.js"
import type { Done } from "./doubts/done.js"
import type { Observed } from "./observed.js"
import type { Estimate } from "./targets.js"
import type { TensorValue, Value } from "./values.js"

/** The meaning of the names `step` and `epoch`: plain counts, or in an optimizer's body counted from 1. */
export interface SectionState {
  readonly training: boolean
  /** Whether something in it depends on `training`. */
  asksTraining: boolean
  readonly inputs: ModelInput[]
  /** The innermost open body comes last. */
  readonly bodies: ModelStmt[][]
  nextId: ModelValue
  /** How many random draws each place has made so far. */
  readonly draws: Map<string, number>
  /** The user's line behind each operation. */
  readonly places: Map<ModelValue, Span>
  /** The user's line that gave each value its shape: a `relu` of a `Linear(8)` has that of the `Linear`. */
  readonly shapedAt: Map<ModelValue, Span>
  /** Built-in values made once per section: `step` as f32, sizes as numbers. */
  readonly made: Map<string, Value>
  readonly batchNorms: BatchNormUse[]
  /** Calls of the library and operators in the user's lines. */
  readonly done: Done[]
  /** The values of which it is known whether more or less of them is better. */
  readonly directions: Map<ModelValue, Direction>
  /** Which values stand for which targets. */
  readonly estimates: Estimate[]
  /** For tables, the values whose classes their axes are. */
  readonly byClass: Map<ModelValue, ModelValue>
  /** In a train section: its questions about its metrics. */
  readonly observed?: Observed | undefined
  /** In an optimizer: the step, whose numbers its settings may read; they become results of these names there. */
  readonly step?: { readonly section: SectionState; readonly results: Map<ModelValue, string> } | undefined
}

export const newSection = (
  training: boolean,
  more: Pick<SectionState, "observed" | "step"> = {},
): SectionState => ({
  training,
  asksTraining: false,
  inputs: [],
  bodies: [[]],
  nextId: 0,
  draws: new Map(),
  places: new Map(),
  shapedAt: new Map(),
  made: new Map(),
  batchNorms: [],
  done: [],
  directions: new Map(),
  estimates: [],
  byClass: new Map(),
  observed: more.observed,
  step: more.step,
})

export function append(section: SectionState, statement: ModelStmt): void {
  section.bodies.at(-1)!.push(statement)
}

/** Runs `write` with a new innermost body and gives that body. */
export function nested<T>(
  section: SectionState,
  write: () => T,
): { readonly body: ModelStmt[]; readonly result: T } {
  const body: ModelStmt[] = []
  section.bodies.push(body)
  const result = write()
  section.bodies.pop()
  return { body, result }
}

/** Adds an input. */
export function addInput(
  section: SectionState,
  name: string,
  type: TensorType,
  source: ModelInput["source"],
): TensorValue {
  const id = section.nextId++
  section.inputs.push({ id, name, type, source })
  return { kind: "tensor", id, type, section }
}

/** The input for a run-time scalar, made when first asked for. */
export function scalarInput(section: SectionState, scalar: ScalarName): TensorValue {
  const input = section.inputs.find((i) => i.source.kind === "scalar" && i.source.scalar === scalar)
  if (input) return { kind: "tensor", id: input.id, type: input.type, section }
  return addInput(section, scalar, scalarType(SCALAR_TYPES[scalar]), { kind: "scalar", scalar })
}

/** A number of the step, as an input of the optimizer's section that reads it; undefined when it is none. */
export function fromStep(section: SectionState, tensor: TensorValue): TensorValue | undefined {
  const { step } = section
  if (step?.section !== tensor.section || tensor.type.shape.length > 0) return undefined
  const result = step.results.get(tensor.id) ?? `setting.${step.results.size}`
  step.results.set(tensor.id, result)
  const input = section.inputs.find((i) => i.name === result)
  if (input) return { ...tensor, id: input.id, section }
  return addInput(section, result, tensor.type, { kind: "step", result })
}

/** The finished section. Inputs named in `optional` are left out when no operation reads them. */
export function finish(
  section: SectionState,
  results: Section["results"],
  optional: (input: ModelInput) => boolean = () => false,
): Section {
  const body = section.bodies[0]!
  const used = usedValues(body)
  for (const { value } of results) used.add(value)
  const inputs = section.inputs.filter((i) => used.has(i.id) || !optional(i))
  const dropped = new Set(section.inputs.filter((i) => !inputs.includes(i)).map((i) => i.id))
  return { inputs, body: dropped.size === 0 ? body : withoutArgs(body, dropped), results }
}

/** Calls name their arguments for the reader, also those that nothing in them reads. */
const withoutArgs = (body: readonly ModelStmt[], dropped: ReadonlySet<ModelValue>): ModelStmt[] =>
  body.map((s) => {
    if (s.kind === "call")
      return { ...s, args: s.args.filter((a) => !dropped.has(a)), body: withoutArgs(s.body, dropped) }
    if (s.kind !== "op" || s.regions === undefined) return s
    return { ...s, regions: s.regions.map((r) => ({ ...r, body: withoutArgs(r.body, dropped) })) }
  })

/** Every value that some statement reads. */
export function usedValues(body: readonly ModelStmt[], used = new Set<ModelValue>()): Set<ModelValue> {
  for (const s of body) {
    if (s.kind === "op") {
      for (const a of s.args) used.add(a)
      for (const region of s.regions ?? []) {
        usedValues(region.body, used)
        for (const r of region.results) used.add(r)
      }
    } else if (s.kind === "update") used.add(s.value)
    else if (s.kind === "call") usedValues(s.body, used)
  }
  return used
}
