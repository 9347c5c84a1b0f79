/** runtime/data: `npz("arrays.npz")`. */
import type { SourceSpec } from "../../bundle/format.js"
import { parseNpz } from "../npz.js"
import { severalFiles, type SourceKind } from "./source.js"

export const npz: SourceKind<Extract<SourceSpec, { readonly kind: "npz" }>> = {
  ...severalFiles,
  read: ({ path }, { open, uses }) => parseNpz(path, open(path), uses),
}
