/** check: schedules, averages and settings that count steps or epochs, beside those that a run makes. Warnings.
 *  Not here:   how many rows a file has: for data that is read later the driver calls `warnOfLengths` once more. */
import type { SettingStmt } from "../ir/ast/types.js"
import type { TrainSettings } from "../ir/model/types.js"
import { isAllowed } from "../source/allowed.js"
import type { Diagnostic, Diagnostics } from "../source/diagnostic.js"
import type { Span } from "../source/source.js"
import type { Given } from "./args.js"
import type { Done } from "./doubts/done.js"
import type { RangeQuestion } from "./doubts/ranges.js"
import type { Env } from "./env.js"
import { doubts, warning, type Steps } from "./length-doubts.js"
import { isNumber, type Value } from "./values.js"

/** Functions and layers of the library that count the updates of a run, or its reports. */
const COUNTED = new Set([
  "constant",
  "step_lr",
  "multistep",
  "exponential",
  "cosine",
  "polynomial",
  "one_cycle",
  "cosine_restarts",
  "swa",
  "ema",
  "ReduceOnPlateau",
])

/** A call of one of them. */
export interface Counting {
  readonly name: string
  /** Numbers and lists of numbers, by name. */
  readonly args: ReadonlyMap<string, readonly number[]>
  readonly given: ReadonlyMap<string, Given>
  readonly span: Span
}

/** A train section whose steps are known when its rows are. */
export interface RunLength {
  readonly data: string | null
  readonly settings: TrainSettings
  readonly stated: readonly SettingStmt[]
  readonly counting: readonly Counting[]
  /** The questions about the values of its fields. */
  readonly ranges: readonly RangeQuestion[]
}

export function noteCounting(env: Env, { name, args, given, span }: Omit<Done, "result">): void {
  if (!COUNTED.has(name) || env.module.library) return
  const numbers = [...args].flatMap(([key, value]) => {
    const found = numbersIn(value)
    return found ? [[key, found] as const] : []
  })
  env.cx.counting.set(`${span.file.path} ${span.start}`, { name, args: new Map(numbers), given, span })
}

function numbersIn(value: Value): readonly number[] | undefined {
  if (isNumber(value)) return [value.value]
  if (value.kind !== "list" || !value.items.every(isNumber)) return undefined
  return value.items.filter(isNumber).map((item) => item.value)
}

/** The counting settings in a section. */
export const countingIn = (env: Env, { file, start, end }: Span): Counting[] =>
  [...env.cx.counting.values()].filter(
    ({ span }) => span.file === file && start <= span.start && span.end <= end,
  )

/** `rows`: to train on; undefined where that is not known yet, and then nothing is said. */
export function warnOfLengths(run: RunLength, rows: number | undefined, out: Diagnostics): void {
  const steps = stepsOf(run.settings, rows)
  if (steps === undefined) return
  const found = run.counting.flatMap((counting) => doubts(counting, steps))
  for (const diagnostic of [...found, ...settingDoubts(run, steps)])
    if (!isAllowed(diagnostic)) out.add(diagnostic)
}

function stepsOf(
  { duration, batch, dropLast, accumulate, reportEvery }: TrainSettings,
  rows: number | undefined,
): Steps | undefined {
  if (rows === undefined && (duration.unit === "epochs" || reportEvery.unit === "epochs")) {
    if (duration.unit === "epochs") return undefined
    return { updates: Math.floor(duration.count / accumulate), perEpoch: undefined, reports: undefined }
  }
  const batches = rows === undefined ? undefined : rows / Math.min(batch ?? rows, rows)
  const whole = batches === undefined ? undefined : dropLast ? Math.floor(batches) : Math.ceil(batches)
  const steps = duration.unit === "steps" ? duration.count : duration.count * (whole ?? 1)
  const between = reportEvery.unit === "steps" ? reportEvery.count : reportEvery.count * (whole ?? 1)
  return {
    updates: Math.floor(steps / accumulate),
    perEpoch: whole === undefined ? undefined : whole / accumulate,
    reports: Math.floor(steps / between),
  }
}

/** `patience 50 epochs` in a run of 30. */
function settingDoubts({ settings, stated }: RunLength, { updates }: Steps): Diagnostic[] {
  const { duration, patience, checkpointEvery, reportEvery, accumulate } = settings
  const said = (name: string): Span | undefined => stated.find((s) => s.name.text === name)?.span
  const run = `${duration.count} ${duration.unit}`
  const longer = (
    name: string,
    each: { readonly unit: string; readonly count: number } | null,
    what: string,
    label: string,
  ): Diagnostic[] => {
    const span = said(name)
    if (!span || !each || each.unit !== duration.unit || each.count < duration.count) return []
    if (name !== "patience" && each.count === duration.count) return []
    return [
      warning("setting-beyond", span, `${what} ${each.count} ${each.unit}, and the run makes ${run}`, {
        label,
        help: `take a smaller number, such as ${Math.max(1, Math.floor(duration.count / 10))}, or train longer`,
      }),
    ]
  }
  const many = said("accumulate")
  return [
    ...longer("patience", patience, "the run ends when nothing has become better for", "never so long"),
    ...longer("report every", reportEvery, "the first report comes after", "the run ends before it"),
    ...longer(
      "checkpoint every",
      checkpointEvery,
      "the first checkpoint comes after",
      "the run ends before it",
    ),
    ...(many && updates === 0
      ? [
          warning("setting-beyond", many, `an update takes ${accumulate} batches, and the run has fewer`, {
            label: "no parameter is ever changed",
            help: "take a smaller number, or train longer",
          }),
        ]
      : []),
  ]
}
