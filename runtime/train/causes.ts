/** runtime/train: the facts at the moment when numbers stop being finite -> the most likely causes, with the figures that speak for each.
 *  Pure: trouble.ts collects the facts. */

/** The facts at that moment. */
export interface Trouble {
  readonly fields: readonly FieldRange[]
  /** Finite losses of the last steps before, oldest first. */
  readonly losses: readonly number[]
  /** The parameter that the last update before changed most for its size; `largest` and `change` are the largest magnitudes in it,
   *  before the update and of the update. */
  readonly update?: { readonly parameter: string; readonly largest: number; readonly change: number }
  /** The origin of the first value that is not finite; undefined where there is none when the step is run again. */
  readonly origin?: Origin
  /** The factor of the loss under `precision mixed`. */
  readonly lossScale?: number
}

export interface Origin {
  /** Names of operations that the kernel computes, the one that gave the value first. */
  readonly operations: readonly string[]
  /** `net.nn:7:3` */
  readonly place: string | undefined
  readonly isHalf: boolean
}

/** The range of a field in the training rows, as the network reads it. */
export interface FieldRange {
  readonly name: string
  readonly least: number
  readonly most: number
  /** Whether its pipeline has `standardize`, `minmax` or `scale`. */
  readonly isScaled: boolean
  /** The first value that is not finite; rows count from 0. */
  readonly nonFinite?: { readonly row: number; readonly value: number }
  /** The largest magnitude, where it is far from the usual one. */
  readonly extreme?: { readonly row: number; readonly value: number; readonly usual: number }
}

/** Beyond this, first layers give numbers that a usual learning rate cannot follow. */
const LARGE = 50
/** How much a loss grows within a few steps when training diverges. */
const GROWTH = 20
const LARGEST_HALF = 65504

interface Cause {
  /** The weight of the evidence: more is more likely. */
  readonly weight: number
  readonly text: string
}

/** The most likely first. */
export function causesOf(trouble: Trouble): readonly string[] {
  const found = RULES.flatMap((rule) => rule(trouble)).sort((a, b) => b.weight - a.weight)
  return found.length > 0 ? found.map(({ text }) => text) : [UNKNOWN]
}

const UNKNOWN = "a value beyond what a function there takes: `report` what goes into it"

const RULES: readonly ((trouble: Trouble) => readonly Cause[])[] = [
  ({ fields }) =>
    fields.flatMap(({ name, nonFinite }) =>
      nonFinite === undefined
        ? []
        : [
            {
              weight: 100,
              text: `training row ${nonFinite.row} has ${nonFinite.value} in field \`${name}\`: repair or remove the row`,
            },
          ],
    ),
  ({ origin, lossScale }) => {
    if (origin?.isHalf)
      return [
        {
          weight: 90,
          text: `a value is beyond ${LARGEST_HALF}, the largest f16: scale what goes in, or leave \`precision mixed\` out`,
        },
      ]
    return lossScale === undefined
      ? []
      : [
          {
            weight: lossScale < 1 ? 85 : 15,
            text: `\`precision mixed\` rounds factors of products to f16, whose largest is ${LARGEST_HALF} (the loss scale is ${shown(lossScale)}): try without it`,
          },
        ]
  },
  ({ fields }) =>
    fields.flatMap(({ name, extreme }) =>
      extreme === undefined
        ? []
        : [
            {
              weight: 82,
              text: `training row ${extreme.row} has ${shown(extreme.value)} in field \`${name}\`, where ${shown(extreme.usual)} is usual: is it right?`,
            },
          ],
    ),
  (trouble) =>
    trouble.fields.flatMap(({ name, least, most, isScaled, extreme, nonFinite }) =>
      isScaled || extreme || nonFinite || Math.max(-least, most) <= LARGE
        ? []
        : [
            {
              weight: diverges(trouble) ? 65 : 25,
              text: `field \`${name}\` goes from ${shown(least)} to ${shown(most)} and is not scaled: add \`|> standardize\` to it`,
            },
          ],
    ),
  (trouble) => {
    const { update, losses } = trouble
    // Nothing was learned yet.
    if (losses.length === 0 && update === undefined) return []
    const said = [growthOf(losses), changeOf(update)].filter((each) => each !== undefined)
    return [
      {
        weight: diverges(trouble) ? 60 : 20,
        text: `the learning rate is too large for the gradients${said.length > 0 ? `: ${said.join(", and ")}` : ""}; lower it, or clip them (\`clip_norm 1.0\`)`,
      },
    ]
  },
  (trouble) => {
    const { origin } = trouble
    const operation = origin?.operations.find((name) => DOMAINS[name] !== undefined)
    if (origin === undefined || operation === undefined) return []
    const at = origin.place === undefined ? "" : ` at ${origin.place}`
    // Numbers that grow without bound leave every function's domain in the end.
    return [{ weight: diverges(trouble) ? 30 : 80, text: `\`${operation}\`${at}: ${DOMAINS[operation]}` }]
  },
]

/** Where operations leave the finite numbers, or have no finite slope. */
const DOMAINS: Readonly<Record<string, string>> = {
  log: "it is not finite for numbers that are not positive: `log(x + 1e-7)`, or a loss that takes logits",
  log2: "it is not finite for numbers that are not positive: add a small number",
  log1p: "it is not finite for numbers that are not above -1: clamp them",
  sqrt: "it is NaN below 0, and its slope is infinite at 0: `sqrt(x + 1e-7)`",
  rsqrt: "it is not finite for numbers that are not positive: add a small number",
  div: "a division by 0, or by a number near it: add a small number to the divisor",
  reciprocal: "a division by 0, or by a number near it: add a small number to the divisor",
  pow: "0 to a negative power is infinite, and a negative number to a broken one NaN: clamp the base",
  exp: "it is infinite above 88: subtract the largest value first, as `softmax` and `logsumexp` do",
  exp2: "it is infinite above 127: subtract the largest value first",
}

function diverges({ losses, update }: Trouble): boolean {
  return growthOf(losses) !== undefined || changeOf(update) !== undefined
}

function growthOf(losses: readonly number[]): string | undefined {
  const last = losses.at(-1)
  const least = Math.min(...losses.map(Math.abs))
  return last === undefined || Math.abs(last) < GROWTH * Math.max(least, 1e-6)
    ? undefined
    : `the loss grew from ${shown(least)} to ${shown(last)} within ${losses.length} steps`
}

function changeOf(update: Trouble["update"]): string | undefined {
  return update === undefined || update.change < Math.max(1, update.largest)
    ? undefined
    : `the last update changed "${update.parameter}" by up to ${shown(update.change)}, and it held at most ${shown(update.largest)}`
}

/** Three digits. */
function shown(value: number): string {
  const size = Math.abs(value)
  if (value === 0 || (size >= 1e-3 && size < 1e6)) return `${Number(value.toPrecision(3))}`
  return value.toExponential(2).replace(/\.?0*e/, "e")
}
