/** check: `npy(x: "...", y: "...")`: one file per column. */
import { pathPerColumn, type SourceRule } from "./source.js"

export const npy: SourceRule = {
  written: "npy(...)",
  check: (env, call) => {
    const files = pathPerColumn(env, call)
    return files && { kind: "npy", files }
  },
}
