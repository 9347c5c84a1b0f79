/** runtime/data: `npy(x: "...", y: "...")`. */
import type { SourceSpec } from "../../bundle/format.js"
import { parseNpy } from "../npy.js"
import { filePerColumn, tableOfFiles, type SourceKind } from "./source.js"

export const npy: SourceKind<Extract<SourceSpec, { readonly kind: "npy" }>> = {
  ...filePerColumn,
  read: ({ files }, reading) => tableOfFiles(files, reading, parseNpy),
}
