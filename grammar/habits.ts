/** grammar: tokens as people write them in Python and its libraries -> tokens of the language, where the meaning is beyond doubt. Each
 *  change is a mistake with its repair, so that nothing else has to be said of it.
 *  Assumes:    tokens in source order, comments already apart, brackets perhaps wrong.
 *  Not here:   words that stand for names (check/), mistakes that leave the meaning open (messages.ts). */
import { createTokenInstance, type IToken, type TokenType } from "chevrotain"
import type { Diagnostics } from "../compiler/source/diagnostic.js"
import {
  SETTING_ADVICE,
  SETTING_HABITS,
  STATEMENT_HABITS,
  TYPE_HABITS,
  words,
} from "../compiler/source/habits.js"
import type { SourceFile, Span } from "../compiler/source/source.js"
import { nearest } from "../compiler/source/suggest.js"
import { declarationWords, tokenSpan } from "./layout.js"
import * as t from "./tokens.js"

export function translateHabits(file: SourceFile, tokens: readonly IToken[], out: Diagnostics): IToken[] {
  const result: IToken[] = []
  const inside = new Enclosing()
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    const rest = tokens.slice(i + 1, i + 1 + LOOKAHEAD)
    const place: Place = { token, next: rest[0], rest, previous: result.at(-1), inside }
    const change = CHANGES.map((rule) => rule(place)).find((c) => c !== undefined)
    if (change !== undefined) {
      const more = change.more ?? 0
      const span = { ...tokenSpan(file, token), end: tokenSpan(file, rest[more - 1] ?? token).end }
      report(file, span, change, out)
      for (const [type, image] of change.becomes ?? []) {
        const meant = instead(type, image, token, span)
        inside.meet(meant, result.at(-1))
        result.push(meant)
      }
      i += more
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
  /** The tokens that follow, as many as a change looks at. */
  readonly rest: readonly IToken[]
  readonly previous: IToken | undefined
  readonly inside: Enclosing
}

interface Change {
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

/** The longest item of a train section that is taken for a setting. */
const LOOKAHEAD = 40

const one = (type: TokenType, image: string): Pick<Change, "here" | "becomes"> => ({
  here: image,
  becomes: [[type, image]],
})

/** The first that applies counts. */
const CHANGES: readonly ((place: Place) => Change | undefined)[] = [
  // x ** 2
  ({ token, next }) =>
    token.image === "*" && next?.image === "*" && next.startOffset === token.startOffset + 1
      ? { ...one(t.Power, "^"), says: "a power is written `^`", more: 1 }
      : undefined,
  // a and b, a or b
  ({ token, previous, next }) => {
    const joins = JOINS[token.image]
    return joins && endsValue(previous, token) && beginsValue(next)
      ? { says: `\`${token.image}\` is written \`${joins.here}\``, ...one(joins.type, joins.here) }
      : undefined
  },
  // not a
  ({ token, previous, next }) =>
    token.image === "not" && previous?.tokenType !== t.Dot && !endsValue(previous, token) && beginsValue(next)
      ? { ...one(t.Not, "!"), says: "`not` is written `!`" }
      : undefined,
  // 'adam'
  ({ token }) =>
    token.tokenType === t.SingleQuoted
      ? {
          ...one(t.StringLiteral, `"${token.image.slice(1, -1)}"`),
          says: "a string is written in double quotes",
        }
      : undefined,
  // f32[None, 1]
  ({ token, inside }) =>
    token.image === "None" && inside.isShape
      ? {
          ...one(t.Identifier, "B"),
          says: "a size that may be any has a name, as `B` for the rows of a batch",
        }
      : undefined,
  // True, False, None
  ({ token, previous }) => {
    const type = CONSTANTS[token.image]
    const here = token.image.toLowerCase()
    return type && previous?.tokenType !== t.Dot
      ? { ...one(type, here), says: `\`${token.image}\` is written \`${here}\`` }
      : undefined
  },
  // SGD(lr=0.1)
  ({ token, previous, inside }) =>
    token.tokenType === t.Equals && isName(previous) && inside.namesArgument
      ? {
          ...one(t.Colon, ":"),
          says: `an argument is named with a colon: \`${previous!.image}: ...\``,
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
      ? {
          ...one(setting(here), here),
          says: `\`${token.image}\` is written \`${here}\``,
          more: both ? 1 : 0,
        }
      : undefined
  },
  // fp16 true
  ({ token, rest, previous, inside }) => {
    const at = isSeparator(rest[0]) ? 1 : 0
    return inside.isTrain &&
      /^(fp16|bf16|amp|mixed_precision)$/.test(token.image) &&
      rest[at]?.image.toLowerCase() === "true" &&
      beginsItem(previous, token)
      ? {
          here: "precision mixed",
          becomes: [
            [t.Precision, "precision"],
            [t.Mixed, "mixed"],
          ],
          says: `\`${token.image}\` is written \`precision mixed\``,
          more: at + 1,
        }
      : undefined
  },
  // lr 0.01, callbacks: [EarlyStopping()]
  ({ token, next, rest, previous, inside }) => {
    const help = SETTING_ADVICE[token.image]
    const said = isSeparator(next) || next?.tokenType === t.NumberLiteral || isConstant(next)
    if (help === undefined || !inside.isTrain || !said || !beginsItem(previous, token)) return undefined
    // `loss = ...` is a value without `let`.
    if (next?.tokenType === t.Equals && !isLiteral(rest[1])) return undefined
    const more = restOfItem(token, rest)
    return { here: "", says: `there is no setting \`${token.image}\``, help, more }
  },
  // shuffle: true, drop_last = False
  ({ token, rest, inside }) => {
    if (!inside.isTrain || !/^(shuffle|drop_last)$/.test(token.image)) return undefined
    const at = isSeparator(rest[0]) ? 1 : 0
    const value = rest[at]?.image.toLowerCase()
    if (value !== "true" && value !== "false") return undefined
    const says =
      value === "true"
        ? `\`${token.image}\` stands by itself`
        : `\`${token.image}\` is left out where it is not wanted`
    if (value === "true") return { ...one(setting(token.image), token.image), says, more: at + 1 }
    return { here: "", says, more: at + (rest[at + 1]?.image === "," ? 2 : 1) }
  },
  // maximize accuracy
  ({ token, next, previous, inside }) =>
    /^maximi[sz]e$/.test(token.image) && inside.isTrain && beginsItem(previous, token) && next
      ? next.image === "-"
        ? { ...one(t.Minimize, "minimize"), says: MAXIMIZE, more: 1 }
        : {
            here: "minimize -",
            becomes: [
              [t.Minimize, "minimize"],
              [t.Minus, "-"],
            ],
            says: MAXIMIZE,
          }
      : undefined,
  // report every epoch
  ({ token, previous }) => {
    const unit = previous?.tokenType === t.Every ? unitOf(token.image) : undefined
    return unit
      ? {
          here: `1 ${unit.image}`,
          becomes: [
            [t.NumberLiteral, "1"],
            [unit.type, unit.image],
          ],
          says: `how often is a number and what is counted: \`every 1 ${unit.image}\``,
        }
      : undefined
  },
  // precision fp16
  ({ token, previous }) =>
    previous?.tokenType === t.Precision &&
    /^("?(16(-mixed)?|fp16|bf16|f16|half|float16)"?)$/.test(token.image)
      ? { ...one(t.Mixed, "mixed"), says: "the precision with f16 is `mixed`" }
      : undefined,
  // if a { ... } elif b { ... }
  ({ token, previous }) =>
    token.image === "elif" && previous?.image === "}"
      ? {
          here: "else if",
          becomes: [
            [t.Else, "else"],
            [t.If, "if"],
          ],
          says: "`elif` is written `else if`",
        }
      : undefined,
  // y[:, None]
  ({ token, rest }) => {
    const axis = newAxis(token, rest)
    return axis === undefined
      ? undefined
      : {
          here: `unsqueeze(${token.image}, ${axis.at})`,
          becomes: [
            [t.Identifier, "unsqueeze"],
            [t.LParen, "("],
            [t.Identifier, token.image],
            [t.Comma, ","],
            ...(axis.at < 0
              ? ([
                  [t.Minus, "-"],
                  [t.NumberLiteral, String(-axis.at)],
                ] as const)
              : ([[t.NumberLiteral, String(axis.at)]] as const)),
            [t.RParen, ")"],
          ],
          says: "a new axis is made by `unsqueeze`",
          more: axis.tokens,
        }
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
          becomes: [[words.get(here)!, here]],
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

const MAXIMIZE = "what is to grow is minimised with a minus in front"
function unitOf(word: string): { readonly type: TokenType; readonly image: string } | undefined {
  if (word !== "epoch" && word !== "step") return undefined
  return { type: setting(`${word}s`), image: `${word}s` }
}
const isConstant = (token: IToken | undefined): boolean =>
  /^(true|false|True|False)$/.test(token?.image ?? "")
const isLiteral = (token: IToken | undefined): boolean =>
  isConstant(token) ||
  token?.tokenType === t.NumberLiteral ||
  token?.tokenType === t.StringLiteral ||
  token?.tokenType === t.SingleQuoted

/** How many tokens follow before the comma, the brace or the line that ends an item. */
function restOfItem({ startLine }: IToken, rest: readonly IToken[]): number {
  let depth = 0
  for (const [i, { image, startLine: line }] of rest.entries()) {
    if (depth === 0 && (line !== startLine || /^[,;}]$/.test(image))) return i
    if (/^[([{]$/.test(image)) depth++
    if (/^[)\]}]$/.test(image)) depth--
  }
  return rest.length
}

/** `y[:, None]`, `y[None]`, `y[..., None]`: where the new axis is, and how many tokens say so. */
function newAxis(
  token: IToken,
  rest: readonly IToken[],
): { readonly at: number; readonly tokens: number } | undefined {
  if (token.tokenType !== t.Identifier || rest[0]?.image !== "[") return undefined
  const end = rest.findIndex(({ image }) => image === "]")
  const items = rest.slice(1, Math.max(end, 1)).map(({ image }) => image)
  const written = items.join("")
  const leading = /^(?:\.\.\.,)(?:None|newaxis)$/.test(written)
  const at = /^((?::,)*)(?:None|newaxis)$/.exec(written)
  if (end < 0 || (!leading && !at)) return undefined
  return { at: leading ? -1 : at![1]!.length / 2, tokens: end + 1 }
}

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

/** Whether a token is the first on its line, or comes after a separator of statements or settings. */
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
    // A declaration at the left margin is inside nothing: a bracket above was never closed.
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

  /** Whether the token is directly in the braces of a train section. */
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
    primary: { span, text: labelOf(change) },
    ...(change.help === undefined
      ? { fix: { span, replacement: replacementAt(file, span, change) } }
      : { help: change.help }),
  })
}

function labelOf({ here, help }: Change): string {
  if (help !== undefined) return "not a setting"
  return here === "" ? "not needed" : `write \`${here}\``
}

/** A separator is left out with its space; where a word would touch the next, a space stays. */
function replacementAt(file: SourceFile, { start, end }: Span, { here }: Change): string {
  const before = here === "" ? file.text.slice(0, start) : here
  const after = file.text.slice(end)
  // An argument's value stands apart from its colon.
  const colon = here === ":" && /^\S/.test(after)
  const glued = /\w$/.test(before) && /^\w/.test(after)
  return glued || colon ? `${here} ` : here
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
