/** runtime/data: `array(x: [[0, 1]], y: [1])`: the rows stand in the program. */
import type { SourceSpec } from "../../bundle/format.js"
import { tableOf } from "../table.js"
import type { SourceKind } from "./source.js"

export const array: SourceKind<Extract<SourceSpec, { readonly kind: "array" }>> = {
  withPaths: (source) => source,
  read: ({ columns }, { name }) =>
    tableOf(
      `data set "${name}"`,
      columns.map(({ column, shape, values }) => ({
        name: column,
        shape,
        values: Float64Array.from(values),
      })),
    ),
}
