/** ir/text: objects with a `kind` and plain values, as data sources and their stages are: `csv(path: "rows.csv", delimiter: ",")`.
 *  So a new kind needs no notation of its own.
 *  Guarantees: reading what was printed gives an equal object.
 *  Not here:   the members of a kind (its type); they are not checked. */
import { jsonText } from "../../source/visible.js"
import { oneOf, parseName, printName, printNumber } from "./notation.js"
import type { Cursor } from "./scanner.js"

type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain }

/** Without parentheses where there is nothing but the kind. */
export function printRecord({ kind, ...rest }: { readonly kind: string }): string {
  const values = Object.entries<Plain>(rest)
  return values.length === 0 ? kind : `${kind}(${values.map(printEntry).join(", ")})`
}

/** An object of one of these kinds. */
export function parseRecord<T extends { readonly kind: string }>(
  c: Cursor,
  kinds: Readonly<Record<T["kind"], true>>,
): T {
  const kind = oneOf(c, Object.keys(kinds))
  const values = c.is("(") ? c.list("(", ")", () => parseEntry(c)) : []
  return { kind, ...Object.fromEntries(values) } as { readonly kind: string } as T
}

const printEntry = ([key, value]: [string, Plain]): string => `${printName(key)}: ${printPlain(value)}`

function printPlain(value: Plain): string {
  if (typeof value === "string") return jsonText(value)
  if (typeof value === "number") return printNumber(value)
  if (typeof value !== "object" || value === null) return String(value)
  if (isList(value)) return `[${value.map(printPlain).join(", ")}]`
  return `{${Object.entries(value).map(printEntry).join(", ")}}`
}

const isList = (value: object): value is readonly Plain[] => Array.isArray(value)

function parseEntry(c: Cursor): [string, Plain] {
  const key = parseName(c)
  c.expect(":")
  return [key, parsePlain(c)]
}

function parsePlain(c: Cursor): Plain {
  if (c.isKind("string")) return c.string()
  if (c.is("[")) return c.list("[", "]", () => parsePlain(c))
  if (c.is("{")) return Object.fromEntries(c.list("{", "}", () => parseEntry(c)))
  if (c.accept("true")) return true
  if (c.accept("false")) return false
  return c.accept("null") ? null : c.number()
}
