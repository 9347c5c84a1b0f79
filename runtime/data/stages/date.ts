/** runtime/data: `date("yyyy-MM-dd", "year", "month")`: a text becomes the named parts of the date that it holds. An empty cell gives NaN for
 *  each of them. */
import type { FittedStage } from "../../bundle/format.js"
import { RunError } from "../../error.js"
import { dateReader, partOfDate } from "../date-format.js"
import { isMissing, shortened } from "../numbers.js"
import type { Fitting, StageRule } from "./stage.js"

type DateStage = Extract<FittedStage, { readonly kind: "date" }>

export const date: Fitting<DateStage> & StageRule<DateStage> = {
  fit(stage) {
    dateReader(stage.format)
    return stage
  },
  readTexts({ format, parts }, table, column) {
    const read = dateReader(format)
    const { distinct, codes, width } = table.texts(column)
    const found = distinct.map((text) => {
      const date = isMissing(text) ? null : read(text)
      return date && parts.map((part) => partOfDate(date, part))
    })
    return {
      width: width * parts.length,
      numberAt(row, place) {
        const code = codes[row * width + Math.floor(place / parts.length)]!
        const date = found[code]
        if (date) return date[place % parts.length]!
        if (date === null) return NaN
        throw new RunError(
          "data-date",
          `${table.where(row, column)} is "${shortened(distinct[code]!)}", which is no date of the format ${JSON.stringify(format)}`,
          { help: "correct the row, or the format" },
        )
      },
    }
  },
  apply: (_, values) => values,
}
