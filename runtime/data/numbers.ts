/** runtime/data: how a number is written in a text: digits, a decimal point, an exponent (`12`, `-0.5`, `.5`, `+1.5e-3`).
 *  Nothing else is one: no `0x1F`, `1_000`, `1,5`, `1e`, `Infinity`, `nan`. */

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** Undefined when the text, without the spaces around it, is no number. Infinite where it is beyond f64. */
export function numberOf(text: string): number | undefined {
  const trimmed = text.trim()
  return NUMBER.test(trimmed) ? Number(trimmed) : undefined
}

/** The texts of a cell without a value, as in pandas.read_csv (`na_values`). */
const MISSING: ReadonlySet<string> = new Set(
  [
    " #N/A #NA -1.#IND -1.#QNAN -NaN -nan 1.#IND 1.#QNAN <NA> N/A NA NULL NaN None n/a nan null".split(" "),
    "#N/A N/A",
  ].flat(),
)

export const isMissing = (text: string): boolean => MISSING.has(text.trim())

/** Advice for a cell that is no number. */
export function numberHelp(cell: string): string {
  if (cell === "") return "drop the row, or fill the cell: `|> fill(median)`"
  if (/^[+-]?(?:nan|inf|infinity|na|n\/a|null|none|nil|missing|\?|-)$/i.test(cell))
    return "drop the row, or fill the cell: `|> fill(median)`"
  if (/^[+-]?[\d.]/.test(cell)) return "a number is written as 12, -0.5 or 1.5e-3"
  return "number the different texts of the column: `|> categories(n)`"
}

/** A cell of a broken file may be as long as the file. */
export const shortened = (cell: string): string => (cell.length <= 40 ? cell : `${cell.slice(0, 40)}…`)
