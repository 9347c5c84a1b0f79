/** check: `npz("rows.npz")`. */
import { onlyPath, type SourceRule } from "./source.js"

export const npz: SourceRule = {
  written: 'npz("...")',
  check: (env, call) => {
    const path = onlyPath(env, call, 'npz("rows.npz")')
    return path === undefined ? undefined : { kind: "npz", path }
  },
}
