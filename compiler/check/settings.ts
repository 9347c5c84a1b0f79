/** check: the settings of a train section: `batch 64, shuffle, epochs 100, checkpoint every 10 epochs`.
 *  Not here:   the metrics of `keep best` and `patience` (watched.ts). */
import { BYTE_UNITS, type SettingStmt } from "../ir/ast/types.js"
import type { DataSet, TrainSettings } from "../ir/model/types.js"
import type { Span } from "../source/source.js"
import { unquoted } from "./args.js"
import { originAt, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { complain, didYouMean } from "./report.js"
import * as v from "./values.js"
import { keepBestOf, patienceOf, type Reported } from "./watched.js"

/** Seeds are one word of the parameters of a step. */
const MAX_SEED = 2 ** 32 - 1

interface Context extends Reported {
  readonly data: DataSet | undefined
  /** The head of the train section, for messages about missing settings. */
  readonly span: Span
}

export function settingsOf(env: Env, all: readonly SettingStmt[], cx: Context): TrainSettings {
  const given = byName(env, all)
  const count = (name: string): number | undefined => positiveInt(env, given.get(name))
  const every = (name: string): TrainSettings["reportEvery"] | undefined => {
    const setting = given.get(name)
    const n = positiveInt(env, setting)
    return n === undefined || !setting
      ? undefined
      : { unit: setting.unit === "steps" ? "steps" : "epochs", count: n }
  }
  const duration = durationOf(env, given, cx)
  const patience = patienceOf(env, given.get("patience"), count("patience"), cx)
  return {
    batch: count("batch") ?? null,
    shuffle: given.has("shuffle"),
    draw: drawOf(env, given, cx),
    dropLast: given.has("drop_last"),
    seed: integer(env, given.get("seed"), 0, MAX_SEED) ?? 0,
    duration,
    // Without data there are no epochs: about a hundred reports over the run.
    reportEvery:
      every("report every") ??
      (cx.data
        ? { unit: "epochs", count: 1 }
        : { unit: "steps", count: Math.max(1, Math.floor(duration.count / 100)) }),
    checkpointEvery: every("checkpoint every") ?? null,
    patience,
    keepBest: keepBestOf(env, given.get("keep best"), patience, cx),
    keepLast: count("keep last") ?? 1,
    clipNorm: positive(env, given.get("clip_norm")) ?? null,
    clipValue: positive(env, given.get("clip_value")) ?? null,
    accumulate: count("accumulate") ?? 1,
    budget: budgetOf(env, given.get("budget memory")),
  }
}

function byName(env: Env, all: readonly SettingStmt[]): ReadonlyMap<string, SettingStmt> {
  const out = new Map<string, SettingStmt>()
  for (const s of all) {
    const before = out.get(s.name.text)
    if (before)
      complain(env, {
        code: "setting-twice",
        message: `\`${s.name.text}\` is set twice`,
        span: s.span,
        label: "the second time",
        related: [{ span: before.span, text: "the first time" }],
      })
    else out.set(s.name.text, s)
  }
  return out
}

function durationOf(
  env: Env,
  given: ReadonlyMap<string, SettingStmt>,
  cx: Context,
): TrainSettings["duration"] {
  const [epochs, steps] = [given.get("epochs"), given.get("steps")]
  if (epochs && steps)
    complain(env, {
      code: "setting-duration",
      message: "`epochs` and `steps` are both given",
      span: steps.span,
      label: "say one of them",
      related: [{ span: epochs.span, text: "the other" }],
    })
  if (!epochs && !steps)
    complain(env, {
      code: "setting-duration",
      message: "how long to train is not said",
      span: cx.span,
      label: cx.data ? "neither `epochs` nor `steps`" : "no `steps`",
      help: cx.data ? "add `epochs 10` or `steps 1000`" : "add `steps 1000`",
    })
  if (epochs && !cx.data)
    complain(env, {
      code: "setting-duration",
      message: "an epoch is one pass over the data, and this section has no data",
      span: epochs.span,
      label: "no data to pass over",
      help: "use `steps` instead",
    })
  const setting = steps ?? epochs
  return { unit: steps ? "steps" : "epochs", count: positiveInt(env, setting) ?? 1 }
}

const DRAWS = ["weight", "balanced"] as const

function drawOf(env: Env, given: ReadonlyMap<string, SettingStmt>, { data }: Context): TrainSettings["draw"] {
  const refused = (span: Span, message: string, label: string, help?: string): null => {
    complain(env, { code: "setting-draw", message, span, label, help })
    return null
  }
  const without = given.get("drop_last")?.arg
  if (without) return refused(without.span, "`drop_last` takes nothing", "not for it")
  const arg = given.get("shuffle")?.arg
  if (!arg) return null
  const word = arg.name?.text ?? ""
  const by = DRAWS.find((each) => each === word)
  if (!by)
    return refused(
      arg.span,
      `rows are shuffled by \`weight\` or \`balanced\`, not by \`${word}\``,
      "not a way to draw rows",
      didYouMean(word, DRAWS) ?? '`shuffle weight: "importance"`, `shuffle balanced: "label"`',
    )
  const column = evalExpr(env, arg.value)
  if (v.hasError(column)) return null
  if (column.kind !== "string")
    return refused(
      arg.value.span,
      `a column is named by a text, and this is ${v.describe(column)}`,
      v.describe(column),
      `write \`shuffle ${by}: "label"\``,
    )
  if (!data) return refused(arg.span, "this section has no data to draw rows of", "no rows")
  if (data.windows || data.source.kind === "text")
    return refused(
      arg.span,
      "windows have no weights: their rows overlap",
      `\`${data.name}\` has windows`,
      "`shuffle` alone takes each once in an epoch",
    )
  return { by, column: column.value }
}

function budgetOf(env: Env, setting: SettingStmt | undefined): TrainSettings["budget"] {
  const count = positive(env, setting)
  const unit = setting?.unit
  if (count === undefined || !setting || unit === undefined || unit === "steps" || unit === "epochs")
    return null
  return { bytes: Math.floor(count * BYTE_UNITS[unit]), origin: originAt(env, setting.span) }
}

const positiveInt = (env: Env, s: SettingStmt | undefined): number | undefined => integer(env, s, 1)

function integer(env: Env, s: SettingStmt | undefined, least: number, most = Infinity): number | undefined {
  const value = numberOf(env, s)
  if (value === undefined || !s) return undefined
  if (Number.isInteger(value) && value >= least && value <= most) return value
  const wanted = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`
  return outOfRange(env, s, value, `an integer ${wanted}`)
}

function positive(env: Env, s: SettingStmt | undefined): number | undefined {
  const value = numberOf(env, s)
  if (value === undefined || !s) return undefined
  return value > 0 ? value : outOfRange(env, s, value, "a number greater than 0")
}

function outOfRange(env: Env, s: SettingStmt, value: number, wanted: string): undefined {
  complain(env, {
    code: "setting-value",
    message: `\`${s.name.text}\` must be ${wanted}, and this is ${value}`,
    span: s.value?.span ?? s.span,
    label: `${value}`,
  })
  return undefined
}

function numberOf(env: Env, s: SettingStmt | undefined): number | undefined {
  if (!s?.value) return undefined
  const value = evalExpr(env, s.value)
  if (v.isNumber(value)) return value.value
  if (!v.hasError(value))
    complain(env, {
      code: "setting-value",
      message: `\`${s.name.text}\` must be a constant number, and this is ${v.describe(value)}`,
      span: s.value.span,
      label: v.describe(value),
      ...unquoted(value, s.value.span),
    })
  return undefined
}
