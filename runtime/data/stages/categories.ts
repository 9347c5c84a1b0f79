/** runtime/data: `categories(3)`. */
import type { FittedStage } from "../../bundle/format.js"
import { categoryNumbers, fitCategories } from "../categories.js"
import type { Fitting, StageRule, UnfittedStage } from "./stage.js"

type Kind = { readonly kind: "categories" }

export const categories: Fitting<Extract<UnfittedStage, Kind>> & StageRule<Extract<FittedStage, Kind>> = {
  fit: (stage, { table, rows, columns }) => fitCategories(table, rows, columns, stage),
  readTexts: (stage, table, column) => categoryNumbers(table, column, stage),
  apply: (_, values) => values,
  names: ({ names }) => names,
}
