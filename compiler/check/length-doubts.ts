/** check: warnings about a schedule or an average that does not fit the number of updates of a run. */
import type { Diagnostic, Fix } from "../source/diagnostic.js"
import { type Span, spanText } from "../source/source.js"
import type { Counting } from "./run-length.js"

export interface Steps {
  readonly updates: number
  /** undefined: not known. */
  readonly perEpoch: number | undefined
  readonly reports: number | undefined
}

/** A rate below this share of its first value moves nothing any more. */
const NOTHING = 1e-6

export function doubts(counting: Counting, steps: Steps): Diagnostic[] {
  const { name, args } = counting
  const [warmup = 0] = args.get("warmup") ?? []
  if (warmup >= steps.updates) return [longWarmup(counting, warmup, steps)]
  const found = BY_NAME[name]?.(counting, steps)
  return found ? [found] : []
}

const BY_NAME: Readonly<Record<string, (counting: Counting, steps: Steps) => Diagnostic | undefined>> = {
  cosine: ofTotal,
  polynomial: ofTotal,
  one_cycle: ofTotal,
  ema: ofDecay,
  swa: ofStart,
  step_lr: ofFalls,
  exponential: ofFalls,
  multistep: ofMilestones,
  ReduceOnPlateau: ofPlateau,
}

export const warning = (
  code: string,
  span: Span,
  message: string,
  about: { readonly label: string; readonly help: string; readonly fix?: Fix },
): Diagnostic => ({
  code,
  severity: "warning",
  message,
  primary: { span, text: about.label },
  help: about.help,
  ...(about.fix && { fix: about.fix }),
})

/** Where a setting is written; the call, where it is left out. */
const placeOf = ({ given, span }: Counting, name: string): Span => given.get(name)?.span ?? span
const numberOf = ({ args }: Counting, name: string): number | undefined => args.get(name)?.[0]

/** The number in place of the one that is written, where it is written as a number. */
function inPlace(counting: Counting, name: string, value: number): { readonly fix?: Fix } {
  const span = counting.given.get(name)?.span
  const text = span && spanText(span)
  return span && text && /^[\d.e-]+$/.test(text) ? { fix: { span, replacement: String(value) } } : {}
}

function longWarmup(counting: Counting, warmup: number, { updates }: Steps): Diagnostic {
  const [peak] = counting.args.get("peak") ?? counting.args.get("lr") ?? []
  const shorter = Math.max(1, Math.floor(updates / 20))
  return warning(
    "schedule-length",
    placeOf(counting, "warmup"),
    `the warm-up takes ${warmup} steps, and the run makes ${updates}`,
    {
      label: peak === undefined ? "never over" : `the rate never gets to ${peak}`,
      help: `a warm-up is a small part of the run: \`warmup: ${shorter}\``,
      ...inPlace(counting, "warmup", shorter),
    },
  )
}

function ofStart(counting: Counting, { updates }: Steps): Diagnostic | undefined {
  const start = numberOf(counting, "start")
  if (start === undefined || start < updates) return undefined
  const earlier = Math.floor(0.75 * updates)
  return warning(
    "average-longer",
    placeOf(counting, "start"),
    `the average begins at update ${start}, and the run makes ${updates}`,
    {
      label: "never reached",
      help: `begin earlier, for instance \`start: ${earlier}\``,
      ...inPlace(counting, "start", earlier),
    },
  )
}

function ofDecay(counting: Counting, { updates }: Steps): Diagnostic | undefined {
  const decay = numberOf(counting, "decay")
  if (decay === undefined) return undefined
  const place = placeOf(counting, "decay")
  if (decay >= 1)
    return warning(
      "average-longer",
      place,
      `\`ema(decay: ${decay})\` keeps the first parameters and takes nothing new`,
      {
        label: "the share that is kept, below 1",
        help: "what is evaluated would be an untrained network: take a decay such as 0.99",
        ...inPlace(counting, "decay", 0.99),
      },
    )
  const reach = Math.round(1 / (1 - decay))
  if (!(reach > updates)) return undefined
  const smaller = Number((1 - 10 / Math.max(updates, 20)).toPrecision(2))
  return warning(
    "average-longer",
    place,
    `\`ema(decay: ${decay})\` averages over about ${reach} updates, and the run makes ${updates}`,
    {
      label: "longer than the run",
      help: "what is evaluated would mostly be the parameters of the first steps: take a smaller decay, or train longer",
      ...inPlace(counting, "decay", smaller),
    },
  )
}

function ofTotal(counting: Counting, { updates }: Steps): Diagnostic | undefined {
  const total = numberOf(counting, "total")
  // A few steps more or less are rounding.
  if (total === undefined || Math.abs(total - updates) <= 0.1 * updates) return undefined
  const { name } = counting
  const shorter = total < updates
  return warning(
    "schedule-length",
    placeOf(counting, "total"),
    `\`${name}\` ${shorter ? "ends at" : "goes on to"} step ${total}, and the run makes ${updates}`,
    {
      label: shorter
        ? `the rate stays at its end for the last ${updates - total} steps`
        : `the run ends at ${Math.round((100 * updates) / total)} % of it`,
      help: `\`total: ${updates}\` makes both end together`,
      ...inPlace(counting, "total", updates),
    },
  )
}

/** `step_lr(0.1, every: 5)` with epochs in mind: the rate is 0 long before the end. */
function ofFalls(counting: Counting, { updates, perEpoch }: Steps): Diagnostic | undefined {
  const { name } = counting
  const [gamma, every = 1, warmup = 0] = ["gamma", "every", "warmup"].map((each) => numberOf(counting, each))
  if (gamma === undefined || gamma <= 0 || gamma >= 1) return undefined
  const falls = Math.floor((updates - 1 - warmup) / every)
  const left = gamma ** falls
  const setting = name === "step_lr" ? "every" : "gamma"
  const place = placeOf(counting, setting)
  if (falls < 1)
    return warning(
      "schedule-length",
      place,
      `\`${name}\` falls at step ${every}, and the run makes ${updates}`,
      {
        label: "the rate never falls",
        help: `\`every: ${Math.max(1, Math.floor(updates / 3))}\` lets it fall twice`,
        ...inPlace(counting, "every", Math.max(1, Math.floor(updates / 3))),
      },
    )
  if (left >= NOTHING) return undefined
  const perFall = perEpoch === undefined ? undefined : Math.round(perEpoch)
  const inEpochs = perFall !== undefined && perFall > 1
  const slower =
    setting === "every"
      ? inEpochs && gamma ** (falls / perFall) >= NOTHING
        ? every * perFall
        : Math.max(1, Math.floor(updates / 4))
      : Number((0.01 ** (1 / updates)).toPrecision(5))
  return warning(
    "schedule-length",
    place,
    `\`${name}\` counts steps: after ${falls} falls in ${updates} steps the rate is ${left.toExponential(0)} of what it was`,
    {
      label: inEpochs ? `an epoch has ${perFall} steps` : "falls too often for this run",
      help:
        setting === "every" && inEpochs && slower === every * perFall
          ? `\`every: ${slower}\` is every ${every === 1 ? "epoch" : `${every} epochs`}`
          : `\`${setting}: ${slower}\` leaves ${setting === "every" ? `${short(gamma ** 3)} of it` : "0.01 of it"} at the end`,
      ...inPlace(counting, setting, slower),
    },
  )
}

const short = (value: number): string => String(Number(value.toPrecision(2)))

function ofMilestones(counting: Counting, { updates, perEpoch }: Steps): Diagnostic | undefined {
  const milestones = counting.args.get("milestones")
  if (!milestones || milestones.length === 0) return undefined
  const place = placeOf(counting, "milestones")
  const [first, last] = [Math.min(...milestones), Math.max(...milestones)]
  if (last >= updates)
    return warning(
      "schedule-length",
      place,
      first >= updates
        ? `the first milestone is step ${first}, and the run makes ${updates}`
        : `the last milestone is step ${last}, and the run makes ${updates}`,
      {
        label: "never reached",
        help: `milestones count steps: \`[${Math.floor(updates / 2)}, ${Math.floor(0.75 * updates)}]\` are at half and at three quarters of the run`,
      },
    )
  if (perEpoch === undefined || last > perEpoch || updates < 3 * perEpoch) return undefined
  return warning(
    "schedule-length",
    place,
    `milestones count steps: the last one, ${last}, is reached in the first epoch, which has ${Math.round(perEpoch)} steps`,
    {
      label: "epochs are meant?",
      help: `after so many epochs it is \`[${milestones.map((at) => Math.round(at * perEpoch)).join(", ")}]\``,
      fix: { span: place, replacement: `[${milestones.map((at) => Math.round(at * perEpoch)).join(", ")}]` },
    },
  )
}

/** Its patience counts reports. */
function ofPlateau(counting: Counting, { reports }: Steps): Diagnostic | undefined {
  const patience = numberOf(counting, "patience")
  if (patience === undefined || reports === undefined || reports < 1 || patience < reports) return undefined
  const shorter = Math.max(1, Math.floor(reports / 10))
  return warning(
    "schedule-length",
    placeOf(counting, "patience"),
    `\`ReduceOnPlateau\` waits for ${patience} reports without improvement, and the run makes ${reports}`,
    {
      label: "the rate never falls",
      help: `\`patience: ${shorter}\` is a tenth of them`,
      ...inPlace(counting, "patience", shorter),
    },
  )
}
