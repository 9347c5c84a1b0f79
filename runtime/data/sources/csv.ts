/** runtime/data: `csv("rows.csv")`. */
import type { SourceSpec } from "../../bundle/format.js"
import { csvParts, parseCsv } from "../csv.js"
import { severalFiles, type SourceKind } from "./source.js"

export const csv: SourceKind<Extract<SourceSpec, { readonly kind: "csv" }>> = {
  ...severalFiles,
  read: ({ path, delimiter }, { open, uses }) => parseCsv(path, open(path), delimiter, uses),
  readParts: ({ path, delimiter }, { pass, uses }) => csvParts(path, pass(path), delimiter, uses),
}
