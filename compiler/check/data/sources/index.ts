/** check: all sources of data, by the names that they are written with. */
import type { Expr } from "../../../ir/ast/types.js"
import type { DataSource } from "../../../ir/model/types.js"
import { SOURCE_HABITS } from "../habits.js"
import type { Env } from "../../env.js"
import { complain, didYouMean } from "../../report.js"
import { habitAt } from "../args.js"
import { array } from "./array.js"
import { csv, tsv } from "./csv.js"
import { idx } from "./idx.js"
import { images } from "./images.js"
import { json } from "./json.js"
import { jsonl } from "./jsonl.js"
import { npy } from "./npy.js"
import { npz } from "./npz.js"
import { parquet } from "./parquet.js"
import { kindOf, type SourceRule, type Taken } from "./source.js"
import { text } from "./text.js"

/** Every kind is written by its own name; some also by another one. */
const SOURCES: Readonly<Record<DataSource["kind"] | "tsv", SourceRule>> = {
  csv,
  tsv,
  jsonl,
  json,
  idx,
  npy,
  npz,
  parquet,
  images,
  array,
  text,
}
export const SOURCE_NAMES = Object.keys(SOURCES)

const isSource = (name: string): name is keyof typeof SOURCES => Object.hasOwn(SOURCES, name)

/** Undefined where a source is none. */
export function ruleOf(source: Expr): SourceRule | undefined {
  const name = kindOf(source)
  return name !== undefined && isSource(name) ? SOURCES[name] : undefined
}

export function sourceOf(
  env: Env,
  expr: Expr,
  fields: readonly (Taken | undefined)[],
): DataSource | undefined {
  const rule = ruleOf(expr)
  if (rule && expr.kind === "call") return rule.check(env, expr, fields)
  const name = kindOf(expr)
  const habit = habitAt(expr, SOURCE_HABITS)
  const written = Object.values(SOURCES).map((each) => `\`${each.written}\``)
  complain(env, {
    code: "data-source",
    message: name === undefined ? "data comes from a source" : `there is no source \`${name}\``,
    span: expr.span,
    label: "not a source of data",
    ...(habit ?? {
      help:
        (name !== undefined && didYouMean(name, SOURCE_NAMES)) ||
        `sources are ${written.slice(0, -1).join(", ")} and ${written.at(-1)}`,
    }),
  })
  return undefined
}
