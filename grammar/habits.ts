/** grammar: tokens as people write them in Python and its libraries -> tokens of the language, where the meaning is beyond doubt. Each
 *  change is a mistake with its repair, so that nothing else has to be said of it.
 *  Assumes:    tokens in source order, comments already apart, brackets perhaps wrong.
 *  Not here:   words that stand for names (check/), mistakes that leave the meaning open (messages.ts). */
import { createTokenInstance, type IToken, type TokenType } from "chevrotain"
import type { Diagnostics } from "../compiler/source/diagnostic.js"
import { SETTING_HABITS, STATEMENT_HABITS, TYPE_HABITS, words } from "../compiler/source/habits.js"
import type { SourceFile, Span } from "../compiler/source/source.js"
import { nearest } from "../compiler/source/suggest.js"
import { declarationWords, tokenSpan } from "./layout.js"
import * as t from "./tokens.js"

export function translateHabits(file: SourceFile, tokens: readonly IToken[], out: Diagnostics): IToken[] {
  const result: IToken[] = []
  const inside = new Enclosing()
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    const place: Place = { token, next: tokens[i + 1], previous: result.at(-1), inside }
    const change = CHANGES.map((rule) => rule(place)).find((c) => c !== undefined)
    if (change !== undefined) {
      const span = { ...tokenSpan(file, token), end: tokenSpan(file, change.both ? place.next! : token).end }
      report(file, span, change, out)
      if (change.type) {
        const meant = instead(change.type, change.here, token, span)
        inside.meet(meant, result.at(-1))
        result.push(meant)
      }
      if (change.both) i++
      continue
    }
    // There are no declarations inside a train section: here it is a name, of nothing that is declared.
    const meant = token.tokenType === t.Optimizer && inside.isTrain ? asName(token) : token
    inside.meet(meant, result.at(-1))
    result.push(meant)
  }
  return result
}

interface Place {
  readonly token: IToken
  readonly next: IToken | undefined
  readonly previous: IToken | undefined
  readonly inside: Enclosing
}

interface Change {
  /** What takes its place in the text. */
  readonly here: string
  readonly says: string
  /** The token that takes its place; none leaves it out. */
  readonly type?: TokenType
  readonly code?: string
  /** The next token is part of it. */
  readonly both?: boolean
}

/** The first that applies counts. */
const CHANGES: readonly ((place: Place) => Change | undefined)[] = [
  // x ** 2
  ({ token, next }) =>
    token.image === "*" && next?.image === "*" && next.startOffset === token.startOffset + 1
      ? { here: "^", says: "a power is written `^`", type: t.Power, both: true }
      : undefined,
  // a and b, a or b
  ({ token, previous, next }) => {
    const joins = JOINS[token.image]
    return joins && endsValue(previous, token) && beginsValue(next)
      ? { says: `\`${token.image}\` is written \`${joins.here}\``, ...joins }
      : undefined
  },
  // not a
  ({ token, previous, next }) =>
    token.image === "not" && previous?.tokenType !== t.Dot && !endsValue(previous, token) && beginsValue(next)
      ? { here: "!", says: "`not` is written `!`", type: t.Not }
      : undefined,
  // 'adam'
  ({ token }) =>
    token.tokenType === t.SingleQuoted
      ? {
          here: `"${token.image.slice(1, -1)}"`,
          says: "a string is written in double quotes",
          type: t.StringLiteral,
        }
      : undefined,
  // f32[None, 1]
  ({ token, inside }) =>
    token.image === "None" && inside.isShape
      ? {
          here: "B",
          says: "a size that may be any has a name, as `B` for the rows of a batch",
          type: t.Identifier,
        }
      : undefined,
  // True, False, None
  ({ token, previous }) => {
    const type = CONSTANTS[token.image]
    const here = token.image.toLowerCase()
    return type && previous?.tokenType !== t.Dot
      ? { here, says: `\`${token.image}\` is written \`${here}\``, type }
      : undefined
  },
  // SGD(lr=0.1)
  ({ token, previous, inside }) =>
    token.tokenType === t.Equals && isName(previous) && inside.namesArgument
      ? {
          written: "=",
          here: ":",
          says: `an argument is named with a colon: \`${previous!.image}: ...\``,
          type: t.Colon,
        }
      : undefined,
  // batch_size 64, batch_size=64
  ({ token, next, previous, inside }) => {
    const here = SETTING_HABITS[token.image]
    const both = isSeparator(next)
    return here !== undefined &&
      inside.isTrain &&
      (both || next?.tokenType === t.NumberLiteral) &&
      beginsItem(previous, token)
      ? { here, says: `\`${token.image}\` is written \`${here}\``, type: setting(here), both }
      : undefined
  },
  // tarin on d { minimise loss with ... }
  ({ token, next, previous, inside }) => {
    if (token.tokenType !== t.Identifier || !inside.isBody || !startsWithWord(token, next)) return undefined
    if (!beginsItem(previous, token)) return undefined
    const words = inside.isTop ? DECLARATION_WORDS : inside.isTrain ? TRAIN_WORDS : STATEMENT_WORDS
    const here = STATEMENT_HABITS[token.image] ? undefined : nearest(token.image, words.keys())
    return here === undefined
      ? undefined
      : {
          here,
          code: "syntax-word",
          says: `\`${token.image}\` begins ${inside.isTop ? "no declaration" : "no statement"}: did you mean \`${here}\`?`,
          type: words.get(here)!,
        }
  },
  // batch: 64, epochs = 5
  ({ token, previous, next, inside }) =>
    isSeparator(token) &&
    inside.isTrain &&
    previous !== undefined &&
    (previous.tokenType === t.Patience || previous.tokenType.CATEGORIES?.includes(t.ValueSetting) === true) &&
    next?.tokenType === t.NumberLiteral
      ? {
          here: "",
          says: `a setting is a word and its value: \`${previous.image} ${next.image}\``,
        }
      : undefined,
]

const wordsOf = (types: readonly TokenType[]): ReadonlyMap<string, TokenType> =>
  new Map(types.map((type) => [(type.LABEL ?? "").replaceAll("`", ""), type]))
const DECLARATION_WORDS = wordsOf([t.Fn, t.Layer, t.Model, t.Optimizer, t.Data, t.Train, t.Import, t.Let])
const STATEMENT_WORDS = wordsOf([t.Let, t.Var, t.Param, t.Frozen, t.State, t.Return, t.For])
const TRAIN_WORDS = wordsOf([
  t.Let,
  t.Var,
  t.For,
  t.Minimize,
  t.Report,
  t.Checkpoint,
  t.Keep,
  t.Patience,
  t.Budget,
  t.Precision,
  ...t.settings,
])
/** Two words in a row are no expression. */
const startsWithWord = ({ startLine }: IToken, next: IToken | undefined): boolean =>
  next?.startLine === startLine && /^[\w"]/.test(next?.image ?? "")

const JOINS = words<{ readonly here: string; readonly type: TokenType }>({
  and: { here: "&&", type: t.And },
  or: { here: "||", type: t.Or },
})
const CONSTANTS = words<TokenType>({ True: t.True, False: t.False, None: t.None })

const setting = (word: string): TokenType =>
  [t.Patience, ...t.settings].find(({ LABEL }) => LABEL === `\`${word}\``)!

/** First on its line, or after what separates statements and settings. */
const beginsItem = (previous: IToken | undefined, token: IToken): boolean =>
  previous?.endLine !== token.startLine || /^[,;{]$/.test(previous?.image ?? "")
const isSeparator = (token: IToken | undefined): boolean =>
  token?.tokenType === t.Colon || token?.tokenType === t.Equals
const isName = (token: IToken | undefined): boolean => token !== undefined && /^[A-Za-z_]/.test(token.image)
const endsValue = (previous: IToken | undefined, token: IToken): boolean =>
  previous !== undefined && previous.endLine === token.startLine && /[\w)\]"]$/.test(previous.image)
const beginsValue = (next: IToken | undefined): boolean => next !== undefined && /^[\w(["!-]/.test(next.image)

/** The brackets around a place. */
class Enclosing {
  private readonly open: {
    readonly image: string
    readonly train?: boolean
    readonly declares?: boolean
    readonly shape?: boolean
  }[] = []
  /** The declaration whose braces come next. */
  private declaration: TokenType | undefined
  /** The last bracket that closed was one of a declaration's head: another may follow. */
  private closedHead = false
  /** The place right after `(` or `,`, and then the name there. */
  private atItem = false
  private atName = false

  meet(token: IToken, previous: IToken | undefined): void {
    const { image } = token
    // At the left margin it cannot be inside anything: a bracket above was never closed.
    const opensLine = previous === undefined || previous.endLine !== token.startLine
    if (opensLine && token.startColumn === 1 && declarationWords.has(token.tokenType)) this.open.length = 0
    if (this.open.length === 0 && DECLARATIONS.has(token.tokenType)) this.declaration = token.tokenType
    this.atName = this.atItem && isName(token)
    this.atItem = image === "(" || (image === "," && this.open.at(-1)?.image === "(")
    if (image === "(") {
      const declares = this.open.length === 0 && (this.closedHead || previous?.tokenType === t.Identifier)
      this.open.push({ image, declares })
    } else if (image === "[") this.open.push({ image, shape: DTYPES.has(previous?.image ?? "") })
    else if (image === "{") {
      const train = this.open.length === 0 && this.declaration === t.Train
      this.open.push({ image, train })
    } else if (image === ")" || image === "]" || image === "}") {
      this.closedHead = this.open.pop()?.declares ?? false
      return
    }
    this.closedHead = false
  }

  get isTop(): boolean {
    return this.open.length === 0
  }

  /** Where a statement or a declaration may begin. */
  get isBody(): boolean {
    return this.isTop || this.open.at(-1)?.image === "{"
  }

  /** In the braces of a train section itself. */
  get isTrain(): boolean {
    return this.open.at(-1)?.train ?? false
  }

  /** Among the sizes of a type: `f32[B, 30]`. */
  get isShape(): boolean {
    return this.open.at(-1)?.shape ?? false
  }

  /** After the name that follows `(` or `,` of a call. The parameters of a declaration have defaults after `=`. */
  get namesArgument(): boolean {
    return this.atName && this.open.at(-1)?.image === "(" && !this.open.at(-1)!.declares
  }
}

const DTYPES: ReadonlySet<string> = new Set([...Object.keys(TYPE_HABITS), ...Object.values(TYPE_HABITS)])
const DECLARATIONS = new Set([t.Fn, t.Layer, t.Model, t.Optimizer, t.Data, t.Train, t.Import, t.Let])

function report(file: SourceFile, span: Span, change: Change, out: Diagnostics): void {
  out.add({
    code: change.code ?? "syntax-habit",
    severity: "error",
    message: change.says,
    primary: { span, text: change.here === "" ? "not needed" : `write \`${change.here}\`` },
    fix: { span, replacement: replacementAt(file, span, change) },
  })
}

/** A separator is left out with its space; where a word would touch the next, a space stays. */
function replacementAt(file: SourceFile, { start, end }: Span, { here }: Change): string {
  const before = here === "" ? file.text.slice(0, start) : here
  const glued = /\w$/.test(before) && /^\w/.test(file.text.slice(end))
  return glued ? `${here} ` : here
}

function instead(type: TokenType, image: string, token: IToken, { end }: Span): IToken {
  const { startOffset, startLine = 1, startColumn = 1 } = token
  const column = startColumn + end - startOffset - 1
  return createTokenInstance(type, image, startOffset, end - 1, startLine, startLine, startColumn, column)
}

const asName = (token: IToken): IToken => ({
  ...token,
  tokenType: t.Identifier,
  tokenTypeIdx: t.Identifier.tokenTypeIdx!,
})
