/** check: `date("yyyy-MM-dd", "year", "month")`: a text becomes the named parts of the date that it holds. */
import type { DatePart } from "../../../ir/model/types.js"
import { evalExpr } from "../../expr.js"
import { complain, didYouMean } from "../../report.js"
import * as v from "../../values.js"
import { needsF32, type StageRule } from "./stage.js"

const PARTS: Readonly<Record<DatePart, true>> = {
  year: true,
  month: true,
  day: true,
  weekday: true,
  day_of_year: true,
  hour: true,
  minute: true,
  second: true,
  days: true,
  seconds: true,
}
/** The letters of a format without which a part would be made up. */
const NEEDS: Readonly<Partial<Record<DatePart, string>>> = {
  month: "M",
  day: "d",
  weekday: "Md",
  day_of_year: "Md",
  hour: "H",
  minute: "m",
  second: "s",
}
const isPart = (text: string): text is DatePart => Object.hasOwn(PARTS, text)

export const date: StageRule<{
  readonly kind: "date"
  readonly format: string
  readonly parts: readonly DatePart[]
}> = {
  check(env, { args, span }) {
    const texts: string[] = []
    const refused = (message: string, at: typeof span, label: string, help?: string): undefined => {
      complain(env, { code: "data-stage", message, span: at, label, help })
      return undefined
    }
    for (const arg of args) {
      const value = evalExpr(env, arg.value)
      if (value.kind !== "string" || arg.name)
        return v.hasError(value)
          ? undefined
          : refused("`date` takes texts: a format, and parts of a date", arg.span, v.describe(value), WRITTEN)
      texts.push(value.value)
    }
    const [format, ...parts] = texts
    if (format === undefined || parts.length === 0)
      return refused(
        "`date` takes the format of a date and the parts to take of it",
        span,
        "not both are given",
        WRITTEN,
      )
    const wrong = parts.findIndex((part) => !isPart(part))
    if (wrong >= 0)
      return refused(
        `a date has no part "${parts[wrong]}"`,
        args[wrong + 1]!.span,
        "not a part",
        didYouMean(parts[wrong]!, Object.keys(PARTS)) ?? `parts are ${Object.keys(PARTS).join(", ")}`,
      )
    const taken = parts.filter(isPart)
    const letters = format.replace(/'[^']*'/g, "")
    const missing = (part: DatePart): string | undefined =>
      [...(NEEDS[part] ?? "")].find((letter) => !letters.includes(letter))
    const absent = taken.findIndex((part) => missing(part) !== undefined)
    if (absent >= 0) {
      const part = taken[absent]!
      return refused(
        `dates of the format "${format}" have no "${part}"`,
        args[absent + 1]!.span,
        `needs \`${missing(part)}\` in the format`,
        "take another part, or write the format of the whole text",
      )
    }
    return { kind: "date", format, parts: taken }
  },
  refuse: (stage, at) =>
    at.index > 0
      ? { message: "a date is what a column holds, so it comes first", label: "not the first stage" }
      : at.stages.some(({ kind }) => kind === "bins")
        ? undefined
        : needsF32(stage, at),
  perValue: ({ parts }) => ({ count: parts.length, noun: "parts of dates" }),
}

const WRITTEN = 'for instance `date("yyyy-MM-dd", "year", "month", "weekday")`'
