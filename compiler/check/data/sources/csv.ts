/** check: `csv("rows.csv", delimiter: ";")`, and `tsv("rows.tsv")`, whose delimiter is the tab. */
import type { CallExpr } from "../../../ir/ast/types.js"
import type { DataSource } from "../../../ir/model/types.js"
import type { Env } from "../../env.js"
import { bindData, callOf } from "../args.js"
import { pathOf, textOf, type SourceRule } from "./source.js"

export const csv: SourceRule = {
  written: 'csv("...")',
  check: (env, call) => delimited(env, call, 'csv("rows.csv", delimiter: ",")', ","),
}
export const tsv: SourceRule = {
  written: 'tsv("...")',
  check: (env, call) => delimited(env, call, 'tsv("rows.tsv")', "\t"),
}

function delimited(env: Env, call: CallExpr, written: string, usual: string): DataSource | undefined {
  const bound = bindData(env, callOf(call), {
    names: ["path"],
    named: ["delimiter"],
    written,
    code: "data-source",
  })
  const path = bound && pathOf(env, call, bound)
  const given = bound?.get("delimiter")
  const delimiter = given ? textOf(env, given.value) : usual
  return path === undefined || delimiter === undefined ? undefined : { kind: "csv", path, delimiter }
}
