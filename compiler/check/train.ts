/** check: a train section: elaborated as the step (`training` is true) and, where something depends on that, as its evaluation. */
import type { DataDecl, MinimizeStmt, ReportStmt, SettingStmt, TrainDecl } from "../ir/ast/types.js"
import type {
  DataSet,
  DataSource,
  Direction,
  Field,
  ModelValue,
  Section,
  TrainSection,
} from "../ir/model/types.js"
import { BATCH, isStatic, printType, tensorType } from "../ir/tensor.js"
import { averagesOf } from "./average.js"
import { checkBatchNorms } from "./batch-norm.js"
import { directionOf } from "./direction.js"
import { Flow } from "./doubts/flow.js"
import { warnOfDoubts } from "./doubts/index.js"
import { rangeQuestions } from "./doubts/ranges.js"
import { isScalar } from "./emit.js"
import { originAt, topEnv, type Cx, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { checkIndices } from "./indices.js"
import { objectivesOf, type Loss } from "./objectives.js"
import { nothingObserved, observationsOf, type Observed } from "./observed.js"
import { complain, meantName } from "./report.js"
import { countingIn, warnOfLengths, type RunLength } from "./run-length.js"
import type { ModuleScope } from "./resolve.js"
import { addInput, finish, newSection, usedValues } from "./section.js"
import { scalingOf } from "./scaling.js"
import { settingsOf } from "./settings.js"
import { runStatement } from "./stmt.js"
import { classReportsOf, targetsOf } from "./targets.js"
import * as v from "./values.js"
import type { TensorValue, Value } from "./values.js"
import { heldBackOf } from "./watched.js"
import { spanText } from "../source/source.js"

export function checkTrain(
  cx: Cx,
  module: ModuleScope,
  decl: TrainDecl,
  dataSets: ReadonlyMap<DataDecl, DataSet>,
  lengths: RunLength[],
): TrainSection | undefined {
  const data = dataOf(cx, module, decl)
  if (decl.data && !data) return undefined
  const dataSet = data && dataSets.get(data)
  if (data && !dataSet) return undefined
  const fields = data && dataSet && { decl: data, set: dataSet }
  const step = runTrain(cx, module, decl, fields, true)
  const read = new Map<ModelValue, string>()
  const objectives = objectivesOf(step.env, step.losses, read)
  if (step.losses.length === 0)
    complain(step.env, {
      code: "train-no-loss",
      message: "this section trains nothing: it has no `minimize`",
      span: decl.name?.span ?? { ...decl.span, end: decl.span.start + "train".length },
      label: "no loss",
      help: "add `minimize loss with SGD(lr: 0.1)`",
    })
  const evaluate = step.env.section.asksTraining ? runTrain(cx, module, decl, fields, false) : step
  const stated = decl.body.filter((s): s is SettingStmt => s.kind === "setting")
  const betterOf = (name: string): Direction | undefined => {
    const report = step.reports.find((r) => r.name === name)
    return name === "loss" ? "lower" : report && directionOf(step.env, report)
  }
  const settings = settingsOf(step.env, stated, {
    data: dataSet,
    reports: decl.body.flatMap((s) => (s.kind === "report" ? [s.name.text] : [])),
    tables: step.reports.filter((r) => r.isTable).map((r) => r.name),
    computed: step.reports.map((r) => r.name),
    directionOf: betterOf,
    heldBack: dataSet ? heldBackOf(dataSet) : null,
    span: decl.name?.span ?? { ...decl.span, end: decl.span.start + "train".length },
  })
  const scaling = scalingOf(
    step.env,
    decl.name?.text ?? "train",
    stated.find((s) => s.name.text === "precision mixed"),
    read,
  )
  const averages = averagesOf(
    step.env,
    stated.find((s) => s.name.text === "keep average"),
    objectives,
  )
  const observed = observationsOf(
    step.env,
    step.observed,
    step.reports.filter((r) => !r.isTable).map((r) => r.name),
  )
  const rows = dataSet?.source.kind === "array" && !dataSet.split ? rowsOf(dataSet.source) : undefined
  checkBatchNorms(step.env, settings, rows, stated.find((s) => s.name.text === "batch")?.span)
  const length = {
    data: dataSet?.name ?? null,
    settings,
    stated,
    counting: countingIn(step.env, decl.span),
    ranges: rangeQuestions(new Flow(step.env.section), dataSet?.fields ?? [], (name) => {
      const field = data?.fields.find((each) => each.name.text === name)
      return field && { span: field.value.span, text: `\`${name}\` is read here` }
    }),
  }
  const known = settings.duration.unit === "steps" || rows !== undefined
  if (known && !cx.diagnostics.hasErrors) warnOfLengths(length, rows, cx.diagnostics)
  lengths.push(known ? { ...length, counting: [], stated: [] } : length)
  checkIndices(step.env, step.section, fields)
  checkIndices(evaluate.env, evaluate.section, fields)
  warnOfDoubts({
    step: step.env,
    evaluate: evaluate.env,
    losses: step.losses,
    data: dataSet,
    models: modelNames(cx),
    directionOf: betterOf,
  })
  if (data && dataSet && !cx.diagnostics.hasErrors)
    noteUsedFields(step.env, data, step.section, evaluate.section)
  return {
    name: decl.name?.text ?? "train",
    data: dataSet?.name ?? null,
    settings,
    step: {
      ...step.section,
      results: [...step.section.results, ...[...read].map(([value, name]) => ({ name, value }))],
    },
    evaluate: evaluate.section,
    objectives,
    scaling,
    averages,
    observed,
    reports: step.reports.map((r) => r.name),
    targets: dataSet ? targetsOf(evaluate.env.section, dataSet, modelNames(cx)) : [],
    classReports: classReportsOf(evaluate.env.section, evaluate.reports),
    origin: originAt(step.env, decl.span),
  }
}

const modelNames = ({ modelCalls }: Cx): ReadonlySet<string> =>
  new Set([...modelCalls.keys()].map(({ name }) => name.text))

function dataOf(cx: Cx, module: ModuleScope, decl: TrainDecl): DataDecl | undefined {
  if (!decl.data) return undefined
  const global = module.names.get(decl.data.text)
  if (global?.kind === "data" && global.decl.kind === "data") return global.decl
  const all = [...module.names].flatMap(([name, g]) =>
    g.kind === "data" && g.decl.kind === "data" ? [{ name, decl: g.decl }] : [],
  )
  const known = all.map(({ name }) => name)
  complain(topEnv(cx, module, newSection(true)), {
    code: "data-unknown",
    message: `there is no data \`${decl.data.text}\``,
    span: decl.data.span,
    label: global ? "not a `data` declaration" : "not declared",
    ...(meantName(decl.data.text, decl.data.span, known) ?? {
      help:
        known.length > 0
          ? `declared are ${known.join(", ")}`
          : 'declare it: `data name = csv("...") { ... }`',
    }),
  })
  // The only one there is will be meant, and the rest is checked with its fields.
  return all.length === 1 ? all[0]!.decl : undefined
}

/** The number of rows of an array in the program. */
const rowsOf = ({ columns: [first] }: DataSource & { readonly kind: "array" }): number | undefined =>
  first && first.values.length / first.shape.reduce((a, b) => a * b, 1)

interface Run {
  readonly env: Env
  readonly section: Section
  readonly losses: readonly Loss[]
  readonly reports: readonly Report[]
  readonly observed: Observed
}
interface Report {
  readonly name: string
  readonly value: number
  /** No single number: shown where a split is evaluated, not along the way. */
  readonly isTable: boolean
}

function runTrain(
  cx: Cx,
  module: ModuleScope,
  decl: TrainDecl,
  data: { readonly decl: DataDecl; readonly set: DataSet } | undefined,
  training: boolean,
): Run {
  const observed = nothingObserved(decl.name?.text ?? "train")
  const env = topEnv(cx, module, newSection(training, { observed }))
  if (data) {
    env.scope.names.set("B", { value: v.fromDim(BATCH), span: decl.span, kind: "size" })
    for (const { name } of data.decl.fields) {
      const field = data.set.fields.find((f) => f.name === name.text)
      // The mistakes of the other fields have been reported where they are declared.
      const value = field ? batchOf(env, field) : v.ERROR
      env.scope.names.set(name.text, { value, span: decl.data?.span ?? decl.span, kind: "argument" })
    }
  }
  const losses: Loss[] = []
  const reports: Report[] = []
  for (const s of decl.body) {
    if (s.kind === "minimize")
      losses.push({ statement: s, name: `loss.${losses.length}`, value: lossValue(env, s) })
    else if (s.kind === "report") {
      const value = reportValue(
        env,
        s,
        reports.map((r) => r.name),
      )
      if (value !== undefined)
        reports.push({ name: s.name.text, value: value.id, isTable: value.type.shape.length > 0 })
    } else if (s.kind !== "setting") runStatement(env, s)
  }
  const results = [
    ...losses.flatMap(({ name, value }) => (value === undefined ? [] : [{ name, value }])),
    ...reports.map(({ name, value }) => ({ name, value })),
  ]
  const section = finish(env.section, results, (input) => input.source.kind === "data")
  return { env, section, losses, reports, observed }
}

function lossValue(env: Env, s: MinimizeStmt): number | undefined {
  const value = evalExpr(env, s.loss)
  if (value.kind === "tensor" && isScalar(value) && value.type.dtype === "f32") return value.id
  if (v.hasError(value)) return undefined
  complain(env, {
    code: value.kind === "tensor" ? "loss-scalar" : "loss-no-param",
    message:
      value.kind === "tensor"
        ? `a loss is one f32 number, and this is ${printType(value.type)}`
        : `a loss is computed from parameters, and this is ${v.describe(value)}`,
    span: s.loss.span,
    label: v.describe(value),
    help:
      value.kind === "tensor" && value.type.dtype === "f32"
        ? "take its `mean(...)` or `sum(...)`"
        : undefined,
    ...(value.kind === "tensor" &&
      value.type.dtype === "f32" && {
        fix: {
          span: s.loss.span,
          replacement: `mean(${spanText(s.loss.span)})`,
        },
      }),
  })
  return undefined
}

/** Before the name of a report: over which rows it is. */
const PARTS = ["val", "test"]

function reportValue(env: Env, s: ReportStmt, before: readonly string[]): TensorValue | undefined {
  const value = evalExpr(env, s.value)
  const taken = ["loss", ...before]
  const prefixed = (long: string, short: string): boolean => PARTS.some((part) => long === `${part}_${short}`)
  const other = taken.find((name) => prefixed(s.name.text, name) || prefixed(name, s.name.text))
  if (taken.includes(s.name.text) || other !== undefined)
    complain(env, {
      code: "report-twice",
      message: `\`${s.name.text}\` is reported already`,
      span: s.name.span,
      label:
        other !== undefined
          ? `\`val_\` or \`test_\` and a name is that report over rows that are held back; \`${other}\` is reported`
          : s.name.text === "loss"
            ? "the loss is always reported"
            : "the second of this name",
    })
  if (value.kind === "tensor" && value.type.shape.every(isStatic)) return value
  if (!v.hasError(value))
    complain(env, {
      code: "report-rows",
      message: `a report is a number or a table of numbers, and this is ${v.describe(value)}`,
      span: s.value.span,
      label: value.kind === "tensor" ? "has the rows of a batch" : v.describe(value),
      help: value.kind === "tensor" ? "take its `mean(...)`, `sum(...)` or `max(...)`" : undefined,
    })
  return undefined
}

/** The warnings about doubtful pairs know the last stage of a field, like a function. */
function batchOf(env: Env, { name, type, stages }: Field): Value {
  const input = addInput(env.section, name, tensorType(type.dtype, [BATCH, ...type.shape]), {
    kind: "data",
    field: name,
  })
  const last = stages.at(-1)
  return last && input.kind === "tensor" ? { ...input, madeBy: last.kind } : input
}

function noteUsedFields(env: Env, data: DataDecl, ...sections: readonly Section[]): void {
  const { used } = env.cx.fields.get(data) ?? { used: new Set<string>() }
  for (const { body, inputs, results } of sections) {
    const values = usedValues(body)
    for (const r of results) values.add(r.value)
    for (const { source, id, name } of inputs) if (source.kind === "data" && values.has(id)) used.add(name)
  }
  env.cx.fields.set(data, { env, used })
}

/** Warns of fields that no section reads, in data sets that sections train on. */
export function warnOfUnusedFields({ fields }: Cx): void {
  for (const [data, { env, used }] of fields)
    for (const field of data.fields)
      if (!used.has(field.name.text))
        complain(env, {
          severity: "warning",
          code: "field-unused",
          message: `the field \`${field.name.text}\` of \`${data.name.text}\` is never used`,
          span: field.name.span,
          label: "read from the data, and then by nothing",
          help: "use it in the train section, or remove it",
        })
}
