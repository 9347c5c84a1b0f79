/** grammar: items of a train section as trainers of Python write them -> its settings and statements.
 *  Not here:   the rest of a program (habits.ts). */
import type { IToken, TokenType } from "chevrotain"
import { SETTING_ADVICE, SETTING_HABITS } from "../compiler/source/habits.js"
import { beginsItem, closesMore, isSeparator, put, restOfLine, type Rule } from "./habit-rules.js"
import { placeWhere } from "./rewriting.js"
import * as t from "./tokens.js"

export const TRAIN_CHANGES: readonly Rule[] = [
  // minimize loss, optimizer: Adam(lr: 0.1)
  ({ token, next, rest, inside }) =>
    token.tokenType === t.Comma && inside.isTrain && next?.image === "optimizer" && isSeparator(rest[1])
      ? {
          here: " with",
          becomes: [[t.With, "with"]],
          says: "the optimizer of a loss stands after `with`",
          more: 2,
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
          ...put([setting(here), here]),
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
          ...put([t.Precision, "precision"], [t.Mixed, "mixed"]),
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
    if (closesMore(rest.slice(0, restOfLine(token, rest)))) return undefined
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
    if (value === "true") return { ...put([setting(token.image), token.image]), says, more: at + 1 }
    return { here: "", says, more: at + (rest[at + 1]?.image === "," ? 2 : 1) }
  },
  // maximize accuracy
  ({ token, next, previous, inside }) =>
    /^maximi[sz]e$/.test(token.image) && inside.isTrain && beginsItem(previous, token) && next
      ? next.image === "-"
        ? { ...put([t.Minimize, "minimize"]), says: MAXIMIZE, more: 1 }
        : {
            ...put([t.Minimize, "minimize"], [t.Minus, "-"]),
            says: MAXIMIZE,
          }
      : undefined,
  // report every epoch
  ({ token, previous }) => {
    const unit = previous?.tokenType === t.Every ? unitOf(token.image) : undefined
    return unit
      ? {
          ...put([t.NumberLiteral, "1"], [unit.type, unit.image]),
          says: `how often is a number and what is counted: \`every 1 ${unit.image}\``,
        }
      : undefined
  },
  // precision fp16
  ({ token, previous }) =>
    previous?.tokenType === t.Precision &&
    /^("?(16(-mixed)?|fp16|bf16|f16|half|float16)"?)$/.test(token.image)
      ? { ...put([t.Mixed, "mixed"]), says: "the precision with f16 is `mixed`" }
      : undefined,
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
  const end = placeWhere(rest, ({ image, startLine: line }) => line !== startLine || /^[,;}]$/.test(image))
  return end < 0 ? rest.length : end
}

const setting = (word: string): TokenType =>
  [t.Patience, ...t.settings].find(({ LABEL }) => LABEL === `\`${word}\``)!
