/** pytorch: Python expressions as text with its precedence, so that only the parentheses that are needed are written. */

/** How tightly an expression binds, as in the reference of Python, the loosest first. */
export const LEVEL = {
  choice: 1,
  not: 2,
  compare: 3,
  or: 4,
  and: 5,
  sum: 6,
  product: 7,
  unary: 8,
  power: 9,
  atom: 10,
}
export type Level = (typeof LEVEL)[keyof typeof LEVEL]

export interface Code {
  readonly text: string
  readonly level: Level
}

export const atom = (text: string): Code => ({ text, level: LEVEL.atom })

/** Adds parentheses where the code binds less than `level`. */
export const within = ({ text, level }: Code, least: Level): string => (level < least ? `(${text})` : text)

/** `a + b`: groups to the left. */
export const infix = (operator: string, level: Level, a: Code, b: Code): Code => ({
  // Comparisons do not group: `a < b == c` would mean another thing.
  text: `${within(a, level === LEVEL.compare ? level + 1 : level)} ${operator} ${within(b, level + 1)}`,
  level,
})
export const prefix = (operator: string, a: Code, level: Level = LEVEL.unary): Code => ({
  text: `${operator}${within(a, level)}`,
  level,
})
/** `a ** b`: groups to the right, and takes a minus on its right without parentheses. */
export const power = (a: Code, b: Code): Code => ({
  text: `${within(a, LEVEL.atom)} ** ${within(b, LEVEL.unary)}`,
  level: LEVEL.power,
})
export const call = (name: string, ...args: readonly (Code | string)[]): Code =>
  atom(`${name}(${args.map((a) => (typeof a === "string" ? a : a.text)).join(", ")})`)
export const method = (of: Code, name: string, ...args: readonly (Code | string)[]): Code =>
  call(`${within(of, LEVEL.atom)}.${name}`, ...args)
export const attribute = (of: Code, name: string): Code => atom(`${within(of, LEVEL.atom)}.${name}`)
export const subscript = (of: Code, ...items: readonly string[]): Code =>
  atom(`${within(of, LEVEL.atom)}[${items.join(", ")}]`)
export const choice = (condition: Code, a: Code, b: Code): Code => ({
  text: `${within(a, LEVEL.not)} if ${within(condition, LEVEL.not)} else ${within(b, LEVEL.choice)}`,
  level: LEVEL.choice,
})

/** A tuple of any length. */
export const tuple = (items: readonly string[]): string =>
  items.length === 1 ? `(${items[0]},)` : `(${items.join(", ")})`
export const list = (items: readonly string[]): string => `[${items.join(", ")}]`
export const quoted = (text: string): string => JSON.stringify(text)

/** A number as Python reads it: a float has a point or an exponent. */
export function numberText(value: number, isFloat: boolean): Code {
  if (Number.isNaN(value)) return atom('float("nan")')
  if (!Number.isFinite(value)) return value > 0 ? atom('float("inf")') : prefix("-", atom('float("inf")'))
  const shortest = isFloat ? shortestOf(value) : String(value)
  const text = isFloat && /^-?\d+$/.test(shortest) ? `${shortest}.0` : shortest
  return { text, level: value < 0 || Object.is(value, -0) ? LEVEL.unary : LEVEL.atom }
}

/** The shortest text that f32 reads as the same number: `0.1`, and not all digits of its f32. */
function shortestOf(value: number): string {
  if (Object.is(value, -0)) return "-0"
  const single = Math.fround(value)
  if (!Number.isFinite(single)) return String(value)
  for (let digits = 1; digits <= 9; digits++) {
    const text = Number(value.toPrecision(digits))
    if (Math.fround(text) === single) return String(text)
  }
  return String(value)
}

export const indented = (lines: readonly string[], by = 1): string[] =>
  lines.map((line) => (line === "" ? "" : "    ".repeat(by) + line))

/** A comment of the program as a docstring. */
export const docLines = (doc: string | undefined): string[] => {
  if (doc === undefined || doc.trim() === "") return []
  const lines = doc
    .trim()
    .replaceAll("\\", "\\\\")
    .replaceAll('"""', "'''")
    .split("\n")
    .map((line) => line.trim())
  return lines.length === 1 ? [`"""${lines[0]}"""`] : [`"""${lines[0]}`, ...lines.slice(1), '"""']
}

export const RESERVED = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from global if import in is " +
    "lambda nonlocal not or pass raise return try while with self torch nn F math draws parallel loop abs all any bool dict float int " +
    "len list map max min next print range round set slice sorted str sum tuple type zip"
  ).split(" "),
)

/** Names within one scope, each given once. */
export class Names {
  private readonly taken = new Set<string>()

  constructor(taken: Iterable<string> = []) {
    for (const name of taken) this.taken.add(name)
  }
  /** No name from now on. */
  take(name: string): void {
    this.taken.add(name)
  }
  fresh(wanted: string): string {
    const clean = wanted.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_") || "x"
    const base = RESERVED.has(clean) ? `${clean}_` : clean
    for (let n = 1; ; n++) {
      const name = n === 1 ? base : `${base}${/\d$/.test(base) ? "_" : ""}${n}`
      if (this.taken.has(name)) continue
      this.taken.add(name)
      return name
    }
  }
}
