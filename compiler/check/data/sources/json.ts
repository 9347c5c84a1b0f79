/** check: `json("rows.json")`. */
import { onlyPath, type SourceRule } from "./source.js"

export const json: SourceRule = {
  written: 'json("...")',
  check: (env, call) => {
    const path = onlyPath(env, call, 'json("rows.json")')
    return path === undefined ? undefined : { kind: "json", path }
  },
}
