/** runtime/data: `npz("arrays.npz")`. */
import type { SourceSpec } from "../../bundle/format.js"
import { parseNpz } from "../npz.js"
import { rowParts } from "../parts.js"
import { severalFiles, type SourceKind } from "./source.js"

export const npz: SourceKind<Extract<SourceSpec, { readonly kind: "npz" }>> = {
  ...severalFiles,
  read: ({ path }, { open, uses }) => parseNpz(path, open(path), uses),
  readParts: ({ path }, { open, uses }) => rowParts(parseNpz(path, open(path), uses, true), uses),
}
