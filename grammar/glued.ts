/** grammar: a name and the content of its brackets, written as one word because the opening bracket is missing: `f32B, 10]`, `Linear16)`.
 *  Guarantees: a word is taken apart only where it stands nowhere else in the text, and its end does, or is a number. */
import { createTokenInstance, type IToken, type TokenType } from "chevrotain"
import * as t from "./tokens.js"

export interface Glued {
  readonly word: IToken
  readonly before: IToken
  readonly after: IToken
}

const DTYPE = /^(?:f32|f16|i32|u32|bool|any)(?=\w)/

/** `line`: the tokens before the closing bracket on its line. */
export function gluedBracket(
  all: readonly IToken[],
  line: readonly IToken[],
  closer: IToken,
): Glued | undefined {
  const counts = new Map<string, number>()
  for (const { image } of all) counts.set(image, (counts.get(image) ?? 0) + 1)
  const splits = line.flatMap((word, i) => {
    const isNew = word.tokenType === t.Identifier && counts.get(word.image) === 1
    const declares = line[i + 1]?.image === "="
    if (!isNew || declares) return []
    const at =
      closer.tokenType === t.RBracket ? DTYPE.exec(word.image)?.[0].length : placeIn(word.image, counts)
    return at === undefined ? [] : [{ word, at }]
  })
  const found = splits.at(-1)
  return found && apart(found.word, found.at)
}

/** Where the longest end of a word begins that is a word of the text; a name of one letter only after one that is known too. */
function placeIn(word: string, counts: ReadonlyMap<string, number>): number | undefined {
  const digits = /\d+$/.exec(word)
  for (let at = 1; at < word.length; at++) {
    const [before, after] = [word.slice(0, at), word.slice(at)]
    if (!/^[A-Za-z_]/.test(after) || !counts.has(after)) continue
    if (after.length > 1 ? before.length > 1 : counts.has(before)) return at
  }
  return digits && digits.index > 1 ? digits.index : undefined
}

function apart(word: IToken, at: number): Glued {
  const { startOffset, startLine = 1, startColumn = 1 } = word
  const part = (from: number, to: number): IToken => {
    const image = word.image.slice(from, to)
    const type: TokenType = /^\d/.test(image) ? t.NumberLiteral : t.Identifier
    return createTokenInstance(
      type,
      image,
      startOffset + from,
      startOffset + to - 1,
      startLine,
      startLine,
      startColumn + from,
      startColumn + to - 1,
    )
  }
  return { word, before: part(0, at), after: part(at, word.image.length) }
}
