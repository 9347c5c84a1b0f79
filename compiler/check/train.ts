/** check: a train section: elaborated as the step (`training` is true) and, where something depends on that, as its evaluation. */
import type { DataDecl, MinimizeStmt, ReportStmt, SettingStmt, TrainDecl } from "../ir/ast/types.js"
import type { DataSet, DataSource, Direction, ModelValue, Section, TrainSection } from "../ir/model/types.js"
import { BATCH, isStatic, printType } from "../ir/tensor.js"
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
import { bindFields, fieldRead, joinedSet, noteUsedFields, readSetsOf, type ReadSets } from "./read-sets.js"
import { complain } from "./report.js"
import { countingIn, warnOfLengths, type RunLength } from "./run-length.js"
import type { ModuleScope } from "./resolve.js"
import { finish, newSection } from "./section.js"
import { scalingOf } from "./scaling.js"
import { settingsOf } from "./settings.js"
import { runStatement } from "./stmt.js"
import { classReportsOf, targetsOf } from "./targets.js"
import * as v from "./values.js"
import type { TensorValue } from "./values.js"
import { heldBackOf } from "./watched.js"
import { spanText } from "../source/source.js"

export function checkTrain(
  cx: Cx,
  module: ModuleScope,
  decl: TrainDecl,
  dataSets: ReadonlyMap<DataDecl, DataSet>,
  lengths: RunLength[],
): TrainSection | undefined {
  const sets = readSetsOf(cx, module, decl, dataSets)
  if (!sets) return undefined
  const dataSet = joinedSet(sets)
  const step = runTrain(cx, module, decl, sets, true)
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
  const evaluate = step.env.section.asksTraining ? runTrain(cx, module, decl, sets, false) : step
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
    heldBack:
      dataSet && !cx.splitUnknown.has(dataSet.name) ? heldBackOf(dataSet) : decl.data ? undefined : null,
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
      const read = fieldRead(sets, name)
      return read && { span: read.decl.value.span, text: `\`${name}\` is read here` }
    }),
  }
  const known = settings.duration.unit === "steps" || rows !== undefined
  if (known && !cx.diagnostics.hasErrors) warnOfLengths(length, rows, cx.diagnostics)
  lengths.push(known ? { ...length, counting: [], stated: [] } : length)
  for (const { env, section } of [step, evaluate]) checkIndices(env, section, (name) => fieldRead(sets, name))
  warnOfDoubts({
    step: step.env,
    evaluate: evaluate.env,
    losses: step.losses,
    data: dataSet,
    models: modelNames(cx),
    directionOf: betterOf,
  })
  if (!cx.diagnostics.hasErrors) noteUsedFields(step.env, sets, step.section, evaluate.section)
  return {
    name: decl.name?.text ?? "train",
    data: dataSet?.name ?? null,
    beside: sets.slice(1).map(({ set }) => set.name),
    settings,
    step: {
      ...step.section,
      results: [...step.section.results, ...[...read].map(([value, name]) => ({ name, value }))],
    },
    evaluate: evaluate.section,
    objectives,
    scaling,
    averages,
    follows: [],
    observed,
    reports: step.reports.map((r) => r.name),
    targets: dataSet ? targetsOf(evaluate.env.section, dataSet, modelNames(cx)) : [],
    classReports: classReportsOf(evaluate.env.section, evaluate.reports),
    origin: originAt(step.env, decl.span),
  }
}

const modelNames = ({ modelCalls }: Cx): ReadonlySet<string> =>
  new Set([...modelCalls.keys()].map(({ name }) => name.text))

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

function runTrain(cx: Cx, module: ModuleScope, decl: TrainDecl, sets: ReadSets, training: boolean): Run {
  const observed = nothingObserved(decl.name?.text ?? "train")
  const env = topEnv(cx, module, newSection(training, { observed }))
  if (sets.length > 0) {
    env.scope.names.set("B", { value: v.fromDim(BATCH), span: decl.span, kind: "size" })
    bindFields(env, sets)
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
