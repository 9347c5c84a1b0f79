/** grammar: the form of a change that reads a habit of other languages as it is meant, and questions about the tokens around it.
 *  Not here:   the changes (habits.ts, train-habits.ts). */
import type { IToken, TokenType } from "chevrotain"
import type { Enclosing } from "./enclosing.js"
import * as t from "./tokens.js"

/** Undefined where the rule does not apply. */
export type Rule = (place: Place) => Change | undefined

export interface Place {
  readonly token: IToken
  readonly next: IToken | undefined
  /** The tokens that follow, as many as a change looks at. */
  readonly rest: readonly IToken[]
  readonly previous: IToken | undefined
  /** All that was read so far. */
  readonly before: readonly IToken[]
  readonly inside: Enclosing
  /** Those that the file declares. */
  readonly dataNames: ReadonlySet<string>
}

export interface Change {
  /** The text that replaces it. */
  readonly here: string
  readonly says: string
  /** The tokens that take its place; none leaves it out. */
  readonly becomes?: readonly (readonly [TokenType, string])[]
  readonly code?: string
  /** How many tokens after it are a part of it. */
  readonly more?: number
  /** Advice, where the replacing text alone does not say enough. Then it is no repair. */
  readonly help?: string
}

/** The tokens that take the place of others, written with spaces between them. */
export const put = (
  ...becomes: readonly (readonly [TokenType, string])[]
): Pick<Change, "here" | "becomes"> => ({
  here: becomes.map(([, image]) => image).join(" "),
  becomes,
})

/** Whether a bracket closes that was opened before, or never. */
export function closesMore(tokens: readonly IToken[]): boolean {
  let depth = 0
  return tokens.some(({ image }) => {
    if (/^[([]$/.test(image)) depth++
    return /^[)\]]$/.test(image) && --depth < 0
  })
}

export function restOfLine({ startLine }: IToken, rest: readonly IToken[]): number {
  const next = rest.findIndex((token) => token.startLine !== startLine)
  return next < 0 ? rest.length : next
}

/** Whether a token is the first on its line, or comes after a separator of statements or settings. */
export const beginsItem = (previous: IToken | undefined, token: IToken): boolean =>
  previous?.endLine !== token.startLine || /^[,;{]$/.test(previous?.image ?? "")
export const isSeparator = (token: IToken | undefined): boolean =>
  token?.tokenType === t.Colon || token?.tokenType === t.Equals
