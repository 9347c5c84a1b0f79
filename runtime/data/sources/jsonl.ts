/** runtime/data: `jsonl("rows.jsonl")`. */
import type { SourceSpec } from "../../bundle/format.js"
import { jsonLinesParts, parseJsonLines } from "../json-lines.js"
import { severalFiles, type SourceKind } from "./source.js"

export const jsonl: SourceKind<Extract<SourceSpec, { readonly kind: "jsonl" }>> = {
  ...severalFiles,
  read: ({ path }, { open, uses }) => parseJsonLines(path, open(path), uses),
  readParts: ({ path }, { pass, uses }) => jsonLinesParts(path, pass(path), uses),
}
