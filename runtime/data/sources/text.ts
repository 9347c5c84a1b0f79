/** runtime/data: `text("corpus.txt")`. */
import type { SourceSpec } from "../../bundle/format.js"
import { parseText } from "../text.js"
import { oneFile, type SourceKind } from "./source.js"

export const text: SourceKind<Extract<SourceSpec, { readonly kind: "text" }>> = {
  ...oneFile,
  read: (source, { open }) => parseText(source.path, open(source.path), source),
}
