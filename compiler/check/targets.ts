/** check: which field of the data an output of a model stands for, so that a prediction can be read as values of that field.
 *  `estimates(p, y, as: "logits", axis: 1)`, which is p, says it; losses and metrics of the library that tell classes apart do so. A
 *  difference of an output and a field, as in `mse`, says it too. `per_class(table, y)`, which is the table, says that its axes are
 *  the classes of y.
 *  Not here:   turning predictions into such values (runtime/predict). */
import type { OpStmt } from "../ir/model/statements.js"
import type {
  ClassReport,
  DataSet,
  Field,
  ModelInput,
  ModelStmt,
  ModelValue,
  Target,
} from "../ir/model/types.js"
import { isStatic, sameShape, type Shape, type TensorType } from "../ir/tensor.js"
import type { Span } from "../source/source.js"
import type { Given } from "./args.js"
import { countOf } from "./data/stages/index.js"
import type { Env } from "./env.js"
import { complain, didYouMean } from "./report.js"
import type { SectionState } from "./section.js"
import * as v from "./values.js"
import type { TensorValue, Value } from "./values.js"

export const TARGET_MARKS = ["estimates", "per_class"]

/** How scores stand for classes. scores: only the largest means something. */
const FORMS = ["value", "logits", "probs", "log_probs", "scores"] as const
type Form = (typeof FORMS)[number]

export interface Estimate {
  readonly output: ModelValue
  readonly type: TensorType
  readonly target: ModelValue
  readonly form: Form
  /** Along which the classes lie. null: a number for each target. */
  readonly axis: number | null
}

export function callTargetMark(env: Env, name: string, given: readonly Given[], span: Span): Value {
  const [of, target] = given.filter((g) => g.name === undefined).map((g) => g.value)
  const wrong = (message: string, label: string, help = WRITTEN[name]): Value =>
    complain(env, { code: "argument-type", message, span, label, help })
  if (of?.kind !== "tensor" || target === undefined)
    return wrong(
      `\`${name}\` takes a tensor and a target, and gives the tensor back`,
      of ? v.describe(of) : "nothing is given",
    )
  const known = name === "estimates" ? ["as", "axis"] : []
  const named = new Map(given.flatMap((g) => (g.name === undefined ? [] : [[g.name, g] as const])))
  for (const [argument, { span: at }] of named)
    if (!known.includes(argument))
      return complain(env, {
        code: "argument-unknown",
        message: `\`${name}\` has no argument \`${argument}\``,
        span: at,
        label: "not one of its arguments",
        help: didYouMean(argument, known),
      })
  if (given.length - named.size > 2) return wrong(`\`${name}\` takes two tensors`, "more are given")
  if (target.kind !== "tensor") return of
  if (name === "per_class") {
    env.section.byClass.set(of.id, target.id)
    return of
  }
  const form = formOf(named.get("as")?.value)
  const axis = axisOf(named.get("axis")?.value, of)
  if (form === undefined || axis === undefined)
    return wrong(
      form === undefined
        ? `\`as\` is one of ${FORMS.map((each) => `"${each}"`).join(", ")}`
        : `\`axis\` is an axis of ${of.type.shape.length}, or none`,
      "not this",
    )
  env.section.estimates.push({ output: of.id, type: of.type, target: target.id, form, axis })
  return of
}

const WRITTEN: Readonly<Record<string, string>> = {
  estimates: 'for instance `estimates(scores, y, as: "logits", axis: 1)`',
  per_class: "for instance `per_class(counts, y)`",
}

function formOf(value: Value | undefined): Form | undefined {
  if (value === undefined) return "value"
  return value.kind === "string" ? FORMS.find((form) => form === value.value) : undefined
}

function axisOf(value: Value | undefined, { type }: TensorValue): number | null | undefined {
  if (value === undefined || value.kind === "none") return null
  if (value.kind !== "int") return undefined
  const axis = value.value < 0 ? value.value + type.shape.length : value.value
  return axis >= 0 && axis < type.shape.length ? axis : undefined
}

/** The fields that the outputs of models predict in a section that evaluates. `models`: names of those that it may call. */
export function targetsOf(
  { estimates, inputs, bodies }: SectionState,
  { fields }: DataSet,
  models: ReadonlySet<string>,
): Target[] {
  const trace = new Trace(inputs, bodies[0]!, models)
  const said = [...estimates].sort((a, b) => rank(a.form) - rank(b.form))
  const found = [...said, ...trace.differences].flatMap((estimate): Target[] => {
    const field = fields.find(({ name }) => name === trace.fieldOf(estimate.target))
    const as = field && meaningOf(estimate, field)
    return as ? trace.outputsOf(estimate.output).map((output) => ({ ...output, field: field.name, as })) : []
  })
  // An output that is compared with two fields stands for neither.
  return found.filter((target, i) => {
    const same = found.filter(({ model, output }) => model === target.model && output === target.output)
    return found.indexOf(same[0]!) === i && same.every(({ field }) => field === target.field)
  })
}

/** The form that says most about an output comes first. */
const rank = (form: Form): number => (form === "scores" || form === "value" ? 1 : 0)

/** Reports whose axes are the classes of a field. */
export function classReportsOf(
  { byClass, inputs, bodies }: SectionState,
  reports: readonly { readonly name: string; readonly value: ModelValue }[],
): ClassReport[] {
  const trace = new Trace(inputs, bodies[0]!, new Set())
  return reports.flatMap(({ name, value }) => {
    const target = trace
      .sameShape(value)
      .map((id) => byClass.get(id))
      .find((id) => id !== undefined)
    const field = target === undefined ? undefined : trace.fieldOf(target)
    return field === undefined ? [] : [{ report: name, field }]
  })
}

function meaningOf({ form, axis, type }: Estimate, field: Field): Target["as"] | undefined {
  if (form === "value") return sameSize(type.shape, field) ? { kind: "value" } : undefined
  const { stages } = field
  const last = stages.at(-1)
  const oneHot = last?.kind === "one_hot"
  const counted = stages.map(countOf).find((each) => each !== undefined)
  if (!oneHot && !counted) return undefined
  if (axis !== null) {
    const [count, ...inner] = type.shape.slice(axis)
    if (count === undefined || !isStatic(count) || !inner.every(isStatic)) return undefined
    return { kind: "classes", count, inner: sizeOf(inner), scores: ALONG[form] }
  }
  if (form === "log_probs" || form === "scores") return undefined
  const scores = form === "logits" ? "sigmoid" : "probs"
  if (oneHot) return { kind: "classes", count: last.classes, inner: 1, scores }
  return counted?.count === 2 && sameSize(type.shape, field) ? { kind: "binary", scores } : undefined
}

const ALONG = { logits: "softmax", probs: "probs", log_probs: "exp", scores: "none" } as const

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Whether values are those of the rows of a field, one after another. */
function sameSize([rows, ...row]: Shape, { type }: Field): boolean {
  const sizes = [...row, ...type.shape]
  return rows !== undefined && !isStatic(rows) && sizes.every(isStatic)
    ? sizeOf(row.filter(isStatic)) === sizeOf(type.shape.filter(isStatic))
    : false
}

type Place = Pick<Target, "model" | "output">

/** Follows values back through operations that keep every element in its place in a row. */
class Trace {
  private readonly producers = new Map<ModelValue, OpStmt>()
  private readonly types = new Map<ModelValue, TensorType>()
  private readonly outputs = new Map<ModelValue, Place[]>()
  private readonly fields = new Map<ModelValue, string>()

  constructor(
    inputs: readonly ModelInput[],
    body: readonly ModelStmt[],
    private readonly models: ReadonlySet<string>,
  ) {
    for (const { id, type, source } of inputs) {
      this.types.set(id, type)
      if (source.kind === "data") this.fields.set(id, source.field)
    }
    this.collect(body)
  }

  fieldOf(value: ModelValue): string | undefined {
    return this.way(value)
      .map((id) => this.fields.get(id))
      .find((field) => field !== undefined)
  }

  outputsOf(value: ModelValue): Place[] {
    return this.way(value).flatMap((id) => this.outputs.get(id) ?? [])
  }

  /** A value, and those of its shape that it is computed from, as a share is from a count. */
  sameShape(value: ModelValue, found: ModelValue[] = []): ModelValue[] {
    const type = this.types.get(value)
    if (!type || found.includes(value)) return found
    found.push(value)
    for (const arg of this.producers.get(value)?.args ?? []) {
      const of = this.types.get(arg)
      if (of && sameShape(of.shape, type.shape)) this.sameShape(arg, found)
    }
    return found
  }

  /** Outputs less fields, and the other way round. */
  get differences(): Estimate[] {
    return [...this.producers.values()]
      .filter(({ op }) => op === "sub")
      .flatMap(({ args: [a = -1, b = -1] }) => [this.compared(a, b), this.compared(b, a)].flat())
  }

  private compared(output: ModelValue, target: ModelValue): Estimate[] {
    const type = this.types.get(output)
    if (type === undefined || this.fieldOf(target) === undefined) return []
    return [{ output, type, target, form: "value", axis: null }]
  }

  private way(value: ModelValue): ModelValue[] {
    const way = [value]
    for (
      let op = this.producers.get(value);
      op && KEEPS_PLACES.has(op.op);
      op = this.producers.get(way.at(-1)!)
    )
      way.push(op.args[0]!)
    return way
  }

  private collect(body: readonly ModelStmt[]): void {
    for (const s of body)
      if (s.kind === "op") {
        this.producers.set(s.id, s)
        this.types.set(s.id, s.type)
      } else if (s.kind === "read") this.types.set(s.id, s.type)
      else if (s.kind === "call") {
        this.collect(s.body)
        if (this.models.has(s.callee))
          s.results.forEach((id, i) => {
            const output = s.results.length === 1 ? "output" : `output.${i}`
            this.outputs.set(id, [...(this.outputs.get(id) ?? []), { model: s.callee, output }])
          })
      }
  }
}

const KEEPS_PLACES: ReadonlySet<string> = new Set(["reshape", "cast"])
