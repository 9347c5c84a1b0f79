/** runtime/data: `parquet(...)`. */
import type { SourceSpec } from "../../bundle/format.js"
import { converted } from "./converted.js"
import type { SourceKind } from "./source.js"

export const parquet: SourceKind<Extract<SourceSpec, { readonly kind: "parquet" }>> = converted
