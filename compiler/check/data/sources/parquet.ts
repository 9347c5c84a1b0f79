/** check: `parquet("rows.parquet")`. */
import { onlyPath, type SourceRule } from "./source.js"

export const parquet: SourceRule = {
  written: 'parquet("...")',
  check: (env, call) => {
    const path = onlyPath(env, call, 'parquet("rows.parquet")')
    return path === undefined ? undefined : { kind: "parquet", path }
  },
}
