/** runtime/data: `vocabulary(64)`. */
import type { FittedStage } from "../../bundle/format.js"
import { fitVocabulary, toVocabulary } from "../vocabulary.js"
import type { Fitting, StageRule, UnfittedStage } from "./stage.js"

type Kind = { readonly kind: "vocabulary" }

export const vocabulary: Fitting<Extract<UnfittedStage, Kind>> & StageRule<Extract<FittedStage, Kind>> = {
  // Fitted on whole rows, also where the field takes a slice, so that fields of the same text number its characters alike.
  fit: ({ size }, { table, walkColumns }) => fitVocabulary(table.place, size, walkColumns),
  apply: ({ characters }, values, _, where) => toVocabulary(characters, values, where),
  names: ({ characters }) => [...characters],
}
