/** check: `jsonl("rows.jsonl")`. */
import { onlyPath, type SourceRule } from "./source.js"

export const jsonl: SourceRule = {
  written: 'jsonl("...")',
  check: (env, call) => {
    const path = onlyPath(env, call, 'jsonl("rows.jsonl")')
    return path === undefined ? undefined : { kind: "jsonl", path }
  },
}
