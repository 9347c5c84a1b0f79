/** check: schedules and averages that count steps, beside the steps that a run makes. Warnings.
 *  Not here:   how many rows a file has: for data that is read later the driver calls `warnOfLengths` once more. */
import type { TrainSettings } from "../ir/model/types.js"
import { isAllowed } from "../source/allowed.js"
import type { Diagnostic, Diagnostics } from "../source/diagnostic.js"
import type { Span } from "../source/source.js"
import type { Given } from "./args.js"
import type { Env } from "./env.js"
import type { FnValue, Value } from "./values.js"

/** The setting of each function of the library that counts the updates of a run. */
const COUNTED: Readonly<Record<string, string>> = {
  cosine: "total",
  polynomial: "total",
  one_cycle: "total",
  swa: "start",
  ema: "decay",
}

/** A call of one of them. */
export interface Counting {
  readonly name: string
  readonly value: number
  /** Of the setting, where it is written; of the call otherwise. */
  readonly span: Span
}

/** A train section whose steps are known when its rows are. */
export interface RunLength {
  readonly data: string | null
  readonly settings: TrainSettings
  readonly counting: readonly Counting[]
}

export function noteCounting(
  env: Env,
  fn: FnValue,
  args: ReadonlyMap<string, Value>,
  given: ReadonlyMap<string, Given>,
  span: Span,
): void {
  const name = fn.decl.name.text
  const setting = COUNTED[name]
  if (setting === undefined || !fn.module.library || env.module.library) return
  const value = args.get(setting)
  const at = given.get(setting)?.span ?? span
  if (value?.kind === "int" || value?.kind === "float")
    env.cx.counting.set(`${at.file.path} ${at.start}`, { name, value: value.value, span: at })
}

/** What stands in a section. */
export const countingIn = (env: Env, { file, start, end }: Span): Counting[] =>
  [...env.cx.counting.values()].filter(
    ({ span }) => span.file === file && start <= span.start && span.end <= end,
  )

/** `rows`: to train on; undefined where that is not known yet, and then nothing is said. */
export function warnOfLengths(run: RunLength, rows: number | undefined, out: Diagnostics): void {
  const steps = updatesOf(run.settings, rows)
  if (steps === undefined) return
  for (const counting of run.counting) {
    const diagnostic = doubt(counting, steps)
    if (diagnostic && !isAllowed(diagnostic)) out.add(diagnostic)
  }
}

/** How many updates a run makes. */
function updatesOf({ duration, batch, dropLast, accumulate }: TrainSettings, rows: number | undefined) {
  if (duration.unit === "steps") return Math.floor(duration.count / accumulate)
  if (rows === undefined) return undefined
  const batches = rows / Math.min(batch ?? rows, rows)
  return Math.floor((duration.count * (dropLast ? Math.floor(batches) : Math.ceil(batches))) / accumulate)
}

function doubt({ name, value, span }: Counting, steps: number): Diagnostic | undefined {
  if (name === "swa")
    return value < steps
      ? undefined
      : warning("average-longer", span, `the average begins at update ${value}, and the run makes ${steps}`, {
          label: "never reached",
          help: `begin earlier, for instance \`start: ${Math.floor(0.75 * steps)}\``,
        })
  if (name === "ema") {
    const reach = Math.round(1 / (1 - value))
    if (!(reach > steps)) return undefined
    return warning(
      "average-longer",
      span,
      `\`ema(decay: ${value})\` averages over about ${reach} updates, and the run makes ${steps}`,
      {
        label: "longer than the run",
        help: "what is evaluated would mostly be the parameters of the first steps: take a smaller decay, or train longer",
      },
    )
  }
  // A few steps more or less are rounding.
  if (Math.abs(value - steps) <= 0.1 * steps) return undefined
  return warning(
    "schedule-length",
    span,
    value < steps
      ? `\`${name}\` ends at step ${value}, and the run makes ${steps}`
      : `\`${name}\` goes on to step ${value}, and the run makes ${steps}`,
    {
      label:
        value < steps
          ? `the rate stays at its end for the last ${steps - value} steps`
          : `the run ends at ${Math.round((100 * steps) / value)} % of it`,
      help: `\`total: ${steps}\` makes both end together`,
    },
  )
}

const warning = (
  code: string,
  span: Span,
  message: string,
  { label, help }: { readonly label: string; readonly help: string },
): Diagnostic => ({ code, severity: "warning", message, primary: { span, text: label }, help })
