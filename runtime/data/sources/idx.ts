/** runtime/data: `idx(x: "...", y: "...")`. */
import type { SourceSpec } from "../../bundle/format.js"
import { parseIdx } from "../idx.js"
import { filePerColumn, tableOfFiles, type SourceKind } from "./source.js"

export const idx: SourceKind<Extract<SourceSpec, { readonly kind: "idx" }>> = {
  ...filePerColumn,
  read: ({ files }, reading) => tableOfFiles(files, reading, parseIdx),
}
