/** runtime/data: `images(...)`. */
import type { SourceSpec } from "../../bundle/format.js"
import { converted } from "./converted.js"
import type { SourceKind } from "./source.js"

export const images: SourceKind<Extract<SourceSpec, { readonly kind: "images" }>> = converted
