/** cli/sweep: `--set lr=1e-4,1e-3 --set width=32..128` -> the settings of each run.
 *  A list is tried value by value. A range `a..b` is drawn from, so it needs a number of runs: settings that are whole numbers
 *  are drawn evenly, others evenly on a logarithmic scale where both ends are positive, as rates and weights of decay are looked for. */
import { philox } from "../../ir/kernels/philox.js"
import { EXIT, Failure } from "../failure.js"

export type Settings = Readonly<Record<string, string>>
type Choices =
  | { readonly kind: "list"; readonly values: readonly string[] }
  | { readonly kind: "range"; readonly from: number; readonly to: number }

const wrong = (message: string, help: string): Failure => new Failure("usage", message, help, EXIT.usage)

/** Every combination of lists, the last setting changing fastest. */
export function gridOf(given: ReadonlyMap<string, string>): readonly Settings[] {
  return [...given].reduce<readonly Settings[]>(
    (runs, [name, text]) => {
      const choices = choicesOf(name, text)
      if (choices.kind === "range")
        throw wrong(
          `\`--set ${name}=${text}\` is a range, and nothing says how many runs draw from it`,
          "`--random 20` draws twenty; or write the values: `--set lr=1e-4,1e-3`",
        )
      return runs.flatMap((run) => choices.values.map((value) => ({ ...run, [name]: value })))
    },
    [{}],
  )
}

/** `count` runs, each with values drawn for itself: the same for the same seed, however many there are. `whole`: names of the settings that are
 *  whole numbers in the program. */
export function drawnFrom(
  given: ReadonlyMap<string, string>,
  {
    count,
    seed,
    whole,
  }: { readonly count: number; readonly seed: number; readonly whole: ReadonlySet<string> },
): readonly Settings[] {
  const all = [...given].map(([name, text]) => [name, choicesOf(name, text)] as const)
  return Array.from({ length: count }, (_, run) =>
    Object.fromEntries(
      all.map(([name, choices], place) => [name, drawn(choices, uniform(seed, run, place), whole.has(name))]),
    ),
  )
}

/** A number drawn from [0, 1). */
const uniform = (seed: number, run: number, place: number): number =>
  philox([run, place, 0, 0], [seed, 0])[0] / 2 ** 32

function drawn(choices: Choices, u: number, isWhole: boolean): string {
  if (choices.kind === "list") return choices.values[Math.floor(u * choices.values.length)]!
  const { from, to } = choices
  if (isWhole) return String(from + Math.floor(u * (to - from + 1)))
  const value = from > 0 ? from * (to / from) ** u : from + u * (to - from)
  // Four digits say enough, and a person would type as many.
  return String(Number(value.toPrecision(4)))
}

const NUMBER = String.raw`-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`
const RANGE = new RegExp(String.raw`^(${NUMBER})\.\.(${NUMBER})$`, "i")

function choicesOf(name: string, text: string): Choices {
  const range = RANGE.exec(text)
  if (range) {
    const [from, to] = [Number(range[1]), Number(range[2])]
    if (!(from < to))
      throw wrong(`\`--set ${name}=${text}\` is an empty range`, "write the smaller end first")
    return { kind: "range", from, to }
  }
  const values = (text.match(/"[^"]*"|[^,]+/g) ?? []).map((value) => value.trim())
  const twice = values.find((value, i) => values.indexOf(value) < i)
  if (twice !== undefined)
    throw wrong(`\`--set ${name}=${text}\` has ${twice} twice`, "every value is tried once")
  // Between two commas, and after the last one, is a value that was forgotten.
  const isOpen = /(^|,)\s*(,|$)/.test(text.replaceAll(/"[^"]*"/g, "text"))
  if (values.length === 0 || values.includes("") || isOpen)
    throw wrong(`\`--set ${name}=${text}\` has no value where one should be`, "write `--set lr=1e-4,1e-3`")
  return { kind: "list", values }
}
