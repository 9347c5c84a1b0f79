/** check: the metrics that a run is steered by: `keep best val_loss`, `patience 3 epochs on val_accuracy`.
 *  A name stands for a report along the way: over the rows for validation where there are some, else over the test rows, else
 *  over the training rows; `val_` or `test_` before it says so.
 *  Guarantees: a named metric is reported, as a number, and known to be better higher or lower. */
import type { SettingStmt } from "../ir/ast/types.js"
import type { DataSet, Direction, TrainSettings, Watched } from "../ir/model/types.js"
import type { Span } from "../source/source.js"
import type { Env } from "./env.js"
import { complain, meantName } from "./report.js"

export interface Reported {
  readonly reports: readonly string[]
  /** Reports that are no single number. */
  readonly tables: readonly string[]
  /** Reports that have a value. */
  readonly computed: readonly string[]
  /** The direction of a report or the loss; undefined when nothing says it. */
  readonly directionOf: (name: string) => Direction | undefined
  /** The rows that are held back and evaluated along the way; undefined where the split is not known. */
  readonly heldBack: "val" | "test" | null | undefined
}

/** With rows for validation, nobody looks at the test rows along the way. */
export function heldBackOf({ split, val, test }: DataSet): "val" | "test" | null {
  if (val !== null || (split !== null && (split.val > 0 || split.folds !== null))) return "val"
  return test !== null || (split !== null && split.test > 0) ? "test" : null
}

export function patienceOf(
  env: Env,
  setting: SettingStmt | undefined,
  count: number | undefined,
  cx: Reported,
): TrainSettings["patience"] {
  if (!setting || count === undefined) return null
  if (!setting.on && cx.heldBack === undefined) return null
  if (!setting.on && cx.heldBack !== "val") {
    complain(env, {
      code: "setting-patience",
      message: "`patience` waits for a better `val_loss`, and there are no rows to validate with",
      span: setting.span,
      label: "`val_loss` is never reported",
      help: `hold rows back, \`split train: 0.7, val: 0.15, test: 0.15, seed: 1\`, or name what is reported: \`on ${cx.heldBack === "test" ? "test_loss" : "loss"}\``,
    })
    return null
  }
  const watched = setting.on ? watchedAt(env, "patience", setting.on, cx) : LOSS
  return watched && { ...watched, unit: setting.unit === "steps" ? "steps" : "epochs", count }
}

/** Left out, it is the metric that the run is stopped by, or the loss of the rows for validation. */
export function keepBestOf(
  env: Env,
  setting: SettingStmt | undefined,
  patience: TrainSettings["patience"],
  cx: Reported,
): Watched | null {
  if (setting?.value) {
    const { value } = setting
    const name = { text: value.kind === "name" ? value.name : "", span: value.span }
    return watchedAt(env, "keep best", name, cx)
  }
  if (patience) return { metric: patience.metric, better: patience.better }
  return cx.heldBack === "val" ? LOSS : null
}

const LOSS: Watched = { metric: "loss", better: "lower" }

function watchedAt(
  env: Env,
  setting: "keep best" | "patience",
  { text, span }: { readonly text: string; readonly span: Span },
  cx: Reported,
): Watched | null {
  const code = setting === "keep best" ? "setting-keep" : "setting-patience"
  const refused = (message: string, label: string, help?: string | ReturnType<typeof meantName>): null => {
    complain(env, {
      code,
      message: `\`${setting}\` ${message}`,
      span,
      label,
      ...(typeof help === "string" ? { help } : help),
    })
    return null
  }
  const [prefix, part] = /^(val|test)_/.exec(text) ?? []
  const base = prefix === undefined ? text : text.slice(prefix.length)
  const all = ["loss", ...cx.reports]
  const name = all.includes(text) ? text : base
  if (!all.includes(name)) {
    const known = all.filter((r) => !cx.tables.includes(r))
    return refused(
      `needs the name of a report, and there is no report \`${text}\``,
      "not reported",
      meantName(text, span, [...known, ...known.map((k) => `${cx.heldBack ?? "val"}_${k}`)]) ??
        `known are ${known.map((k) => `\`${k}\``).join(", ")}`,
    )
  }
  if (name !== text && cx.heldBack === undefined) return null
  if (name !== text && part !== cx.heldBack)
    return part === "val"
      ? refused(
          `needs rows to validate with for \`${text}\`, and there are none`,
          "never reported",
          "hold rows back: `split train: 0.7, val: 0.15, test: 0.15, seed: 1`",
        )
      : refused(
          `cannot follow \`${text}\`: ${cx.heldBack === "val" ? "the test rows are left alone while there are rows to validate with" : "no rows are held back for the test"}`,
          "never reported",
          cx.heldBack === "val" ? `write \`val_${name}\`` : undefined,
        )
  if (cx.tables.includes(name))
    return refused(`compares numbers, and \`${name}\` is a table of them`, "a table")
  // The mistake of its value has been reported.
  if (name !== "loss" && !cx.computed.includes(name)) return null
  const better = cx.directionOf(name)
  if (better !== undefined) return { metric: name, better }
  complain(env, {
    code: "keep-direction",
    message: `nothing says whether a higher or a lower \`${name}\` is better`,
    span,
    label: "which value of it is the best?",
    help: `write \`report ${name} = lower_is_better(...)\`, or \`higher_is_better(...)\`; losses and metrics of the library say it themselves`,
  })
  return null
}
