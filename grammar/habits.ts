/** grammar: tokens as people write them in Python and its libraries -> tokens of the language, where the meaning is beyond doubt. Each
 *  change is a mistake with its repair, so that nothing else has to be said of it.
 *  Assumes:    tokens in source order, comments already apart, brackets perhaps wrong.
 *  Not here:   items of a train section (train-habits.ts), words that stand for names (check/), mistakes that leave the meaning open (messages.ts). */
import { createTokenInstance, type IToken, type TokenType } from "chevrotain"
import type { Diagnostics } from "../compiler/source/diagnostic.js"
import { STATEMENT_HABITS, words } from "../compiler/source/habits.js"
import type { SourceFile, Span } from "../compiler/source/source.js"
import { nearest } from "../compiler/source/suggest.js"
import { DTYPES, Enclosing } from "./enclosing.js"
import { retagged, tokenSpan } from "./layout.js"
import { beginsItem, type Change, closesMore, type Place, put, restOfLine, type Rule } from "./habit-rules.js"
import { isName } from "./rewriting.js"
import { TRAIN_CHANGES } from "./train-habits.js"
import * as t from "./tokens.js"

export function translateHabits(file: SourceFile, tokens: readonly IToken[], out: Diagnostics): IToken[] {
  const result: IToken[] = []
  const inside = new Enclosing()
  const dataNames = new Set(
    tokens.flatMap(({ image }, i) => (tokens[i - 1]?.tokenType === t.Data ? [image] : [])),
  )
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    const rest = tokens.slice(i + 1, i + 1 + LOOKAHEAD)
    const place: Place = {
      token,
      next: rest[0],
      rest,
      previous: result.at(-1),
      before: result,
      inside,
      dataNames,
    }
    const change = changeAt(place)
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
    const meant = token.tokenType === t.Optimizer && inside.isTrain ? retagged(token, t.Identifier) : token
    inside.meet(meant, result.at(-1))
    result.push(meant)
  }
  return result
}

function changeAt(place: Place): Change | undefined {
  for (const rule of CHANGES) {
    const change = rule(place)
    if (change) return change
  }
  return undefined
}

/** The longest item of a train section that is taken for a setting. */
const LOOKAHEAD = 40

/** The first that applies counts. */
const CHANGES: readonly Rule[] = [
  ...TRAIN_CHANGES,
  // x ** 2
  ({ token, next }) =>
    token.image === "*" && next?.image === "*" && next.startOffset === token.startOffset + 1
      ? { ...put([t.Power, "^"]), says: "a power is written `^`", more: 1 }
      : undefined,
  // x |> Linear(16), relu
  ({ token, next, rest, before, inside }) => {
    if (token.tokenType !== t.Comma || !inside.isComputed || !isName(next) || rest[1]?.image === ":")
      return undefined
    if (closesMore(rest.slice(0, restOfLine(token, rest)))) return undefined
    const line = before.slice(before.findLastIndex(({ endLine }) => endLine !== token.startLine) + 1)
    return line.some(({ tokenType }) => tokenType === t.Pipe)
      ? { ...put([t.Pipe, " |>"]), says: "layers follow one another with `|>`" }
      : undefined
  },
  // train houses { ... }
  ({ token, next, rest, previous, inside, dataNames }) =>
    token.tokenType === t.Train &&
    inside.isTop &&
    beginsItem(previous, token) &&
    next &&
    dataNames.has(next.image) &&
    rest[1]?.image === "{"
      ? {
          ...put([t.Train, "train"], [t.On, "on"]),
          says: `the data of a \`train\` section stands after \`on\`: \`train on ${next.image}\``,
        }
      : undefined,
  // width = 16 outside of everything
  ({ token, next, previous, inside }) =>
    isName(token) &&
    token.tokenType !== t.Let &&
    next?.tokenType === t.Equals &&
    inside.isTop &&
    (previous === undefined || (previous.endLine !== token.startLine && previous.image === "}"))
      ? {
          ...put([t.Let, "let"], [t.Identifier, token.image]),
          says: `a name gets its value with \`let\`: \`let ${token.image} = ...\``,
        }
      : undefined,
  // f(x: [B, 8]), -> [B, 8]
  ({ token, previous, inside }) =>
    token.image === "[" &&
    ((previous?.tokenType === t.Colon && inside.isParams) || previous?.tokenType === t.Arrow)
      ? {
          here: "f32[",
          becomes: [
            [t.Identifier, "f32"],
            [t.LBracket, "["],
          ],
          says: "a type begins with what its numbers are: `f32[...]`, or `i32[...]`",
        }
      : undefined,
  // f(x: f32(B, 8)), -> f32(B, 8)
  ({ token, rest, previous, before, inside }) => {
    const sign = before.at(-2)?.tokenType
    const isType = (sign === t.Colon && inside.isParams) || sign === t.Arrow
    const close = rest.findIndex(({ image }) => /^[()[\]{}]$/.test(image))
    if (token.image !== "(" || !isType || !DTYPES.has(previous?.image ?? "") || rest[close]?.image !== ")")
      return undefined
    const sizes = rest.slice(0, close)
    const here = `[${sizes.map(({ image }) => (image === "," ? ", " : image)).join("")}]`
    return {
      here,
      becomes: [
        [t.LBracket, "["],
        ...sizes.map(({ tokenType, image }) => [tokenType, image] as const),
        [t.RBracket, "]"],
      ],
      says: `the sizes of a type stand in brackets: \`${previous!.image}${here}\``,
      more: close + 1,
    }
  },
  // a and b, a or b
  ({ token, previous, next }) => {
    const joins = JOINS[token.image]
    return joins && endsValue(previous, token) && beginsValue(next)
      ? { says: `\`${token.image}\` is written \`${joins.here}\``, ...put([joins.type, joins.here]) }
      : undefined
  },
  // not a
  ({ token, previous, next }) =>
    token.image === "not" && previous?.tokenType !== t.Dot && !endsValue(previous, token) && beginsValue(next)
      ? { ...put([t.Not, "!"]), says: "`not` is written `!`" }
      : undefined,
  // 'adam'
  ({ token }) =>
    token.tokenType === t.SingleQuoted
      ? {
          ...put([t.StringLiteral, `"${token.image.slice(1, -1)}"`]),
          says: "a string is written in double quotes",
        }
      : undefined,
  // f32[None, 1]
  ({ token, inside }) =>
    token.image === "None" && inside.isShape
      ? {
          ...put([t.Identifier, "B"]),
          says: "a size that may be any has a name, as `B` for the rows of a batch",
        }
      : undefined,
  // True, False, None
  ({ token, previous }) => {
    const type = CONSTANTS[token.image]
    const here = token.image.toLowerCase()
    return type && previous?.tokenType !== t.Dot
      ? { ...put([type, here]), says: `\`${token.image}\` is written \`${here}\`` }
      : undefined
  },
  // SGD(lr=0.1)
  ({ token, previous, inside }) =>
    token.tokenType === t.Equals && isName(previous) && inside.namesArgument
      ? {
          ...put([t.Colon, ":"]),
          says: `an argument is named with a colon: \`${previous!.image}: ...\``,
        }
      : undefined,
  // if a { ... } elif b { ... }
  ({ token, previous }) =>
    token.image === "elif" && previous?.image === "}"
      ? {
          ...put([t.Else, "else"], [t.If, "if"]),
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
]

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

const endsValue = (previous: IToken | undefined, token: IToken): boolean =>
  previous !== undefined && previous.endLine === token.startLine && /[\w)\]"]$/.test(previous.image)
const beginsValue = (next: IToken | undefined): boolean => next !== undefined && /^[\w(["!-]/.test(next.image)

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
