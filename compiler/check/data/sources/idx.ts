/** check: `idx(x: "...", y: "...")`: one file per column. */
import { pathPerColumn, type SourceRule } from "./source.js"

export const idx: SourceRule = {
  written: "idx(...)",
  check: (env, call) => {
    const files = pathPerColumn(env, call)
    return files && { kind: "idx", files }
  },
}
