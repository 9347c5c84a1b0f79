/** onnx: the prediction of a model -> an ONNX graph.   PredictSection -> OnnxModel
 *  Assumes:    the section is typed and its values are numbered uniquely.
 *  Guarantees: inputs, outputs and parameters have the names of the program; nodes are named after the instances they belong to.
 *              Everything that ONNX cannot express is reported at once, each with its place.
 *  How:        statements are translated in order. A call whose body computes the same as an operator of ONNX becomes that operator; any
 *              other is translated statement by statement. Statements that the results do not need are left out. */
import type { ModelRegion, ModelStmt, ModelValue, PredictSection, Slot } from "../ir/model/types.js"
import type { Refusal } from "../ir/origin.js"
import { type TensorType, isStatic } from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import { VERSION } from "../version.js"
import { find } from "../ir/model/pattern.js"
import type { CallStmt, OpStmt } from "../ir/model/statements.js"
import { CALLS } from "./calls/table.js"
import { Liveness } from "./liveness.js"
import { Unspeakable } from "./ops/spelling.js"
import { SPELLINGS } from "./ops/table.js"
import type { OnnxModel } from "./proto.js"
import { Shared, type Term, Writer } from "./writer.js"

/** The opsets that are written, each with the version of the format that came with it. */
export const OPSETS = { 17: 8, 23: 11 } as const
export type Opset = keyof typeof OPSETS

export interface Exported {
  readonly predict: PredictSection
  readonly slots: readonly Slot[]
  /** The bytes of a slot, little-endian, as prediction reads it. */
  readonly bytes: (slot: string) => Uint8Array
  readonly opset: Opset
  readonly metadata: Readonly<Record<string, string>>
}
export type Translation =
  | { readonly model: OnnxModel; readonly refusals?: undefined }
  | { readonly model?: undefined; readonly refusals: readonly Refusal[] }

export function translate(exported: Exported): Translation {
  const { predict, opset, metadata } = exported
  const { section } = predict
  const shared = new Shared(opset)
  const w = new Writer(shared)
  const translator = new Translator(exported, shared)
  const inputs = section.inputs.flatMap((input) => {
    if (input.source.kind !== "feed") return []
    const term: Term = { ...w.input(input.name, input.type.dtype, input.type.shape), fed: true }
    translator.bind(input.id, term)
    return [term]
  })
  translator.statements(section.body, w)
  const { refusals } = translator
  if (refusals.length > 0) return { refusals }
  const outputs = section.results.map(({ name, value }) => [name, translator.term(value)] as const)
  return {
    model: {
      irVersion: OPSETS[opset],
      opset,
      producer: { name: "nnc", version: VERSION },
      graph: w.finish(predict.model, inputs, outputs),
      metadata,
    },
  }
}

class Translator {
  readonly refusals: Refusal[] = []
  private readonly terms = new Map<ModelValue, Term>()
  /** Slots that statements gave another value. */
  private readonly updated = new Map<string, Term>()
  private readonly slots: ReadonlyMap<string, Slot>
  private readonly live: Liveness

  constructor(
    private readonly from: Exported,
    private readonly shared: Shared,
  ) {
    this.slots = new Map(from.slots.map((s) => [s.name, s]))
    this.live = new Liveness(from.predict.section)
  }

  bind(id: ModelValue, term: Term): void {
    this.terms.set(id, term)
  }
  term(id: ModelValue): Term {
    return this.terms.get(id) ?? bug(`model value ${id} is used before it is defined`)
  }

  statements(body: readonly ModelStmt[], w: Writer): void {
    for (const s of body) this.statement(s, w)
  }

  private statement(s: ModelStmt, w: Writer): void {
    this.shared.at = s.origin.at
    switch (s.kind) {
      case "op":
        if (this.live.needs(s.id)) this.bind(s.id, this.operation(s, w))
        return
      case "read":
        if (this.live.needs(s.id)) this.bind(s.id, this.updated.get(s.slot) ?? this.slot(s.slot, w))
        return
      case "update":
        this.updated.set(s.slot, this.term(s.value))
        return
      case "call": {
        const { path } = this.shared
        this.shared.path = pathIn(path, s)
        const whole = this.operator(s, w)
        if (whole === undefined) this.statements(s.body, w)
        else this.bind(s.results[0]!, whole)
        this.shared.path = path
      }
    }
  }

  private slot(name: string, w: Writer): Term {
    const { type } = this.slots.get(name) ?? bug(`there is no slot ${name}`)
    const shape = type.shape.map((d) => (isStatic(d) ? d : bug(`${name} has no fixed size`)))
    return w.tensor({ name, dtype: type.dtype, shape, bytes: this.from.bytes(name) })
  }

  /** A call as one operator. */
  private operator(call: CallStmt, w: Writer): Term | undefined {
    const fusions = CALLS[call.declaration]
    const type = fusions && this.live.typeOf(call.results[0]!)
    if (type?.dtype !== "f32" || !this.live.isClosed(call)) return undefined
    for (const { pattern, since = 17, spell } of fusions ?? []) {
      const found = since <= this.from.opset ? find(pattern, call) : undefined
      const made =
        found &&
        spell({
          term: (name) => this.term(found.values.get(name) ?? bug(`a pattern has no value ${name}`)),
          number: (name) => found.numbers.get(name) ?? bug(`a pattern has no number ${name}`),
          attrs: (name) => found.attrs.get(name) ?? bug(`a pattern has no operation ${name}`),
          shape: type.shape,
          w,
        })
      if (made !== undefined) return made
    }
    return undefined
  }

  private operation(s: OpStmt, w: Writer): Term {
    const spelling = SPELLINGS[s.op]
    if (typeof spelling !== "function") return this.refused(s, spelling.none)
    const region = s.regions?.[0]
    const args = s.args.map((a) => this.terms.get(a))
    // An argument was refused already, or is a number of the training run.
    if (!args.every((a) => a !== undefined)) return this.refused(s, ONLY_IN_TRAINING)
    try {
      return spelling({
        args,
        attrs: s.attrs,
        type: s.type,
        w,
        ...(region && { region: this.region(region) }),
      })
    } catch (error) {
      if (error instanceof Unspeakable) return this.refused(s, error.message)
      throw error
    }
  }

  private region(region: ModelRegion): {
    countsIterations: boolean
    iteration(w: Writer, params: readonly Term[]): readonly Term[]
  } {
    return {
      countsIterations: region.params.at(-1)?.name === "iteration",
      iteration: (w, params) => {
        region.params.forEach(({ id }, i) => this.bind(id, params[i]!))
        this.statements(region.body, w)
        return region.results.map((id) => this.term(id))
      },
    }
  }

  /** Goes on, so that all is told at once. */
  private refused({ origin, op, type }: OpStmt, why: string): Term {
    if (!this.refusals.some((r) => r.origin.at === origin.at && r.op === op))
      this.refusals.push({ origin, op, why })
    return standIn(type)
  }
}

const ONLY_IN_TRAINING = "it depends on a number of the training run, such as the step"

const standIn = ({ dtype, shape }: TensorType): Term => ({ name: "", dtype, shape, held: shape })

/** An instance has a path of its own; a function takes that of its caller. */
const pathIn = (path: string, { callee, declaration }: CallStmt): string =>
  callee === declaration && path !== "" ? `${path}/${callee}` : callee
