/** runtime/data: `categories(3)`. */
import type { FittedStage } from "../../bundle/format.js"
import { categoryNumbers, fitCategories } from "../categories.js"
import type { Fitting, StageRule, UnfittedStage } from "./stage.js"

type Kind = { readonly kind: "categories" }

export const categories: Fitting<Extract<UnfittedStage, Kind>> & StageRule<Extract<FittedStage, Kind>> = {
  fit: ({ count }, { table, rows, columns }) => fitCategories(table, rows, columns, count),
  readTexts: ({ names }, table, column) => categoryNumbers(table, column, names),
  apply: (_, values) => values,
  names: ({ names }) => names,
}
