/** check: `vocabulary(64)`: the different characters of a text, numbered. */
import { needsI32, oneNumber, type StageRule } from "./stage.js"

export const vocabulary: StageRule<{ readonly kind: "vocabulary"; readonly size: number }> = {
  check: (env, call) => {
    const size = oneNumber(env, call, { argument: "size", counts: "characters" })
    return size === undefined ? undefined : { kind: "vocabulary", size }
  },
  refuse: (_, at) => {
    if (!at.stages.some(({ kind }) => kind === "slice"))
      return { message: "a vocabulary numbers the characters of a text", label: "not from a text" }
    return at.encoded ? undefined : needsI32("characters are numbered with i32", at)
  },
  count: ({ size }) => size,
}
