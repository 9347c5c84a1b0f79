/** runtime/data: `json("rows.json")`. */
import type { SourceSpec } from "../../bundle/format.js"
import { parseJsonArray } from "../json-array.js"
import { severalFiles, type SourceKind } from "./source.js"

export const json: SourceKind<Extract<SourceSpec, { readonly kind: "json" }>> = {
  ...severalFiles,
  read: ({ path }, { open, uses }) => parseJsonArray(path, open(path), uses),
}
