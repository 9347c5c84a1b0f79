/** runtime/data: `hash(64)`: a text becomes its hash modulo 64. No vocabulary is kept, so every text has a number, and some texts share one. */
import type { FittedStage } from "../../bundle/format.js"
import { murmur3 } from "../murmur.js"
import { asWritten, type Fitting, type StageRule } from "./stage.js"

type Hash = Extract<FittedStage, { readonly kind: "hash" }>

export const hash: Fitting<Hash> & StageRule<Hash> = {
  ...asWritten,
  readTexts({ count }, table, column) {
    const { distinct, codes, width } = table.texts(column)
    const numbers = Uint32Array.from(distinct, (text) => murmur3(text) % count)
    return { width, numberAt: (row, place) => numbers[codes[row * width + place]!]! }
  },
  apply: (_, values) => values,
}
