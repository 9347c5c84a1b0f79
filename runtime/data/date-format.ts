/** runtime/data: dates and times of day in texts, by a format of Unicode's (UTS 35): `yyyy-MM-dd`, `dd.MM.yyyy HH:mm:ss`,
 *  `yyyy-MM-dd'T'HH:mm:ssXXX`. Letters stand for parts of a date; letters in single quotes, and all other characters, for themselves.
 *  Guarantees: dates are of the Gregorian calendar; a text that the format does not match as a whole is no date. */
import type { DatePart } from "../bundle/format.js"
import { RunError } from "../error.js"

/** Digits of each part; M, d, H, m and s alone take one or two. */
const PARTS: Readonly<Record<string, string>> = {
  yyyy: "(?<year>\\d{4})",
  MM: "(?<month>\\d\\d)",
  M: "(?<month>\\d\\d?)",
  dd: "(?<day>\\d\\d)",
  d: "(?<day>\\d\\d?)",
  HH: "(?<hour>\\d\\d)",
  H: "(?<hour>\\d\\d?)",
  mm: "(?<minute>\\d\\d)",
  m: "(?<minute>\\d\\d?)",
  ss: "(?<second>\\d\\d)",
  s: "(?<second>\\d\\d?)",
  SSS: "(?<milli>\\d{3})",
  XXX: "(?<zone>Z|[+-]\\d\\d:\\d\\d)",
}

/** Milliseconds since the start of 1970, of the date as it stands there and of the moment in UTC. */
export interface ReadDate {
  readonly local: number
  readonly utc: number
}

/** Reads a text; undefined when it is no date of the format. Throws a RunError at a format that is none. */
export function dateReader(format: string): (text: string) => ReadDate | undefined {
  const pattern = new RegExp(`^${patternOf(format)}$`)
  return (text) => {
    const found = pattern.exec(text)?.groups
    return found && dateOf(found)
  }
}

function patternOf(format: string): string {
  const seen = new Set<string>()
  const pattern = [...format.matchAll(/'([^']*)'|([A-Za-z])\2*|[^A-Za-z']/g)].map(
    ([token, quoted, letter]) => {
      if (quoted !== undefined) return escaped(quoted === "" ? "'" : quoted)
      if (letter === undefined) return escaped(token)
      const part = Object.hasOwn(PARTS, token) ? PARTS[token] : undefined
      if (part === undefined)
        return wrong(
          format,
          `\`${token}\` is no part of a date`,
          `parts are ${Object.keys(PARTS).join(", ")}; other letters stand between single quotes: 'T'`,
        )
      if (seen.has(letter)) return wrong(format, `\`${token}\` is there twice`, "write each part once")
      seen.add(letter)
      return part
    },
  )
  if (!seen.has("y")) return wrong(format, "it has no year", "a date has a year: yyyy-MM-dd")
  return pattern.join("")
}

function wrong(format: string, message: string, help: string): never {
  throw new RunError("data-date", `the format ${JSON.stringify(format)}: ${message}`, { help })
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&")

function dateOf(found: Readonly<Record<string, string | undefined>>): ReadDate | undefined {
  const part = (name: string, missing: number): number => Number(found[name] ?? missing)
  const [year, month, day] = [part("year", 0), part("month", 1), part("day", 1)]
  const [hour, minute, second, milli] = [
    part("hour", 0),
    part("minute", 0),
    part("second", 0),
    part("milli", 0),
  ]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const isDay =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  if (!isDay || hour > 23 || minute > 59 || second > 59) return undefined
  const local = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + milli
  const ahead = offsetOf(found["zone"])
  return ahead === undefined ? undefined : { local, utc: local - ahead * MINUTE }
}

const ISO =
  /^(?<year>\d{4})-(?<month>\d\d)(?:-(?<day>\d\d)(?:[T ](?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,](?<fraction>\d+))?)?(?<zone>Z|[+-]\d\d(?::?\d\d)?)?)?)?$/

/** Milliseconds since the start of 1970 of a date of ISO 8601 (`2026-01`, `2026-01-31`, `2026-01-31T10:00:00.5+09:00`), and whether it
 *  says its offset from UTC; without one it is taken as UTC. Undefined for a text that is no such date. */
export function momentOf(text: string): { readonly at: number; readonly zoned: boolean } | undefined {
  const found = ISO.exec(text)?.groups
  const zone = found?.["zone"]?.replace(
    /^([+-]\d\d):?(\d\d)?$/,
    (_, hours, minutes = "00") => `${hours}:${minutes}`,
  )
  const date = found && dateOf({ ...found, zone })
  return date && { at: date.utc + Number(`0.${found?.["fraction"] ?? 0}`) * 1000, zoned: zone !== undefined }
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Minutes ahead of UTC. */
function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === "Z") return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))]
  if (hours > 18 || minutes > 59) return undefined
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes)
}

/** A part of the date as it is written; `days` and `seconds` are those of the moment in UTC. */
export function partOfDate({ local, utc }: ReadDate, part: DatePart): number {
  const date = new Date(local)
  switch (part) {
    case "year":
      return date.getUTCFullYear()
    case "month":
      return date.getUTCMonth() + 1
    case "day":
      return date.getUTCDate()
    case "weekday":
      return date.getUTCDay() || 7
    case "day_of_year": {
      const first = new Date(0)
      first.setUTCFullYear(date.getUTCFullYear(), 0, 1)
      return Math.floor((local - first.getTime()) / DAY) + 1
    }
    case "hour":
      return date.getUTCHours()
    case "minute":
      return date.getUTCMinutes()
    case "second":
      return date.getUTCSeconds() + date.getUTCMilliseconds() / 1000
    case "days":
      return utc / DAY
    case "seconds":
      return utc / 1000
  }
}
