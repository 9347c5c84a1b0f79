/** runtime/data: `tokens("tokenizer.json")`: a text becomes the ids of its tokens, cut or padded to the length of the field; with `as: "mask"`,
 *  1 for each token and 0 for padding. */
import type { FittedStage } from "../../bundle/format.js"
import { reasonOf, RunError } from "../../error.js"
import { bytesOf } from "../file.js"
import { tokenizerOf } from "../tokenizer.js"
import type { Fitting, StageRule, UnfittedStage } from "./stage.js"

type Kind = { readonly kind: "tokens" }
type Tokens = Extract<FittedStage, Kind>

export const tokens: Fitting<Extract<UnfittedStage, Kind>> & StageRule<Tokens> = {
  fit(stage, { open }) {
    const fitted = { ...stage, json: textOf(stage.path, open) }
    const { special } = tokenizerFor(fitted)
    if (stage.length > special) return fitted
    throw new RunError(
      "data-tokenizer",
      `${stage.path} puts ${special} special tokens into every row, and the field has room for ${stage.length}`,
      { help: "give the field a longer type, with room for words beside them" },
    )
  },
  readTexts(stage, table, column) {
    const tokenizer = tokenizerFor(stage)
    const { distinct, codes, width } = table.texts(column)
    const { length, as } = stage
    return {
      width: width * length,
      numberAt(row, place) {
        const code = codes[row * width + Math.floor(place / length)]!
        const numbers = tokenizer.numbers(distinct, code, length, () => table.where(row, column))
        const at = (place % length) - (tokenizer.padded === "left" ? length - numbers.length : 0)
        const isToken = at >= 0 && at < numbers.length
        if (as === "mask") return isToken ? 1 : 0
        return isToken ? numbers[at]! : tokenizer.padding
      },
    }
  },
  apply: (_, values) => values,
  count: (stage) => (stage.as === "ids" ? { count: tokenizerFor(stage).count, by: stage.path } : undefined),
}

function tokenizerFor({ path, json }: Tokens) {
  if (json === undefined) throw new Error(`${path} was not read with its bundle`)
  return tokenizerOf(path, json)
}

function textOf(path: string, open: Parameters<typeof tokens.fit>[1]["open"]): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(open(path)))
  } catch (caught) {
    throw new RunError("data-file", `${path} cannot be read: ${reasonOf(caught)}`, {
      help: 'a tokenizer is a file beside the program: `tokens("tokenizer.json")`',
      cause: caught,
    })
  }
}
