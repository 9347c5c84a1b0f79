/** grammar: statements whose parts stand in another order or without brackets in Python and C: `a if c else b`, `c ? a : b`,
 *  `return a, b`, `let a, b = f(x)`, `optimizer Adam()` beside `minimize loss`.
 *  Guarantees: one mistake for each, with its repair; doubtful statements are left as they are.
 *  Not here:   blocks (python.ts), single words (habits.ts). */
import type { IToken, TokenType } from "chevrotain"
import type { Diagnostics } from "../compiler/source/diagnostic.js"
import type { SourceFile, Span } from "../compiler/source/source.js"
import { declarationWords } from "./layout.js"
import {
  across,
  endOf,
  isName,
  itemsOf,
  placeOf,
  placeWhere,
  Rewriting,
  statementLines,
  textOf,
  type Line,
} from "./rewriting.js"
import * as t from "./tokens.js"

const DECLARES = new Set([...declarationWords].map(({ LABEL }) => LABEL!.replaceAll("`", "")))

export function rearrangeStatements(
  file: SourceFile,
  tokens: readonly IToken[],
  out: Diagnostics,
): readonly IToken[] {
  const lines = statementLines(tokens, DECLARES)
  const writing = new Rewriting(file)
  const apart = optimizersApart(lines)
  for (const line of lines) {
    // Its tokens have moved to the loss.
    if ([...apart.values()].some(({ setting }) => setting === line)) continue
    const from = writing.edits.length
    const said = rearranged(line, apart, writing)
    if (said === undefined) {
      writing.keep(line.tokens)
      continue
    }
    const fix = writing.fixSince(from)
    out.add({
      code: "syntax-habit",
      severity: "error",
      message: said.message,
      primary: { span: said.span, text: said.label },
      ...(fix && { fix: said.wider ? { ...fix, ...said.wider } : fix }),
    })
  }
  return writing.tokens
}

interface Said {
  readonly message: string
  readonly span: Span
  readonly label: string
  /** A repair that other lines have a part in. */
  readonly wider?: { readonly span: Span; readonly replacement: string }
}

type Apart = ReadonlyMap<IToken, { readonly made: readonly IToken[]; readonly setting: Line }>

function rearranged({ tokens }: Line, apart: Apart, out: Rewriting): Said | undefined {
  const [first] = tokens
  if (tokens.some(({ tokenType }) => tokenType === t.Bar)) return bars(tokens, out)
  const moved = apart.get(first!)
  if (moved) return withOptimizer(tokens, moved, out)
  if (first!.image === "let") return namesApart(tokens, out)
  const end = tokens.findIndex(({ image }) => image === "}" || image === ";")
  const value = tokens.slice(1, end < 0 ? undefined : end)
  if (first!.image === "return" && placeOf(value, ",") > 0 && itemsOf(value).length > 1) {
    out.keep([first!])
    out.inParentheses(value, (tuple) => out.keep(tuple))
    out.keep(tokens.slice(1 + value.length))
    return {
      message: "several values at once are a tuple, in parentheses",
      span: across(out.file, value),
      label: `write \`(${textOf(out.file, value)})\``,
    }
  }
  return conditional(tokens, out)
}

/** `x | Linear(16) | relu` is a pipe, `a | b` an or. */
function bars(tokens: readonly IToken[], out: Rewriting): Said {
  const all = tokens.filter(({ tokenType }) => tokenType === t.Bar)
  const isPipe = all.every((bar) => {
    const [stage, next] = tokens.slice(tokens.indexOf(bar) + 1)
    return isName(stage) && (next === undefined || /^(\(|\||\|>|}|\+|with)$/.test(next.image))
  })
  const [type, here] = isPipe ? [t.Pipe, "|>"] : [t.Or, "||"]
  for (const token of tokens) {
    if (token.tokenType === t.Bar) out.replace([token], [[type, here]])
    else out.keep([token])
  }
  return {
    message: isPipe ? "a pipe is written `|>`" : "or is written `||`, and a pipe `|>`",
    span: across(out.file, [all[0]!]),
    label: `write \`${here}\``,
  }
}

/** `let out, h = ...` */
function namesApart(tokens: readonly IToken[], out: Rewriting): Said | undefined {
  const sign = placeOf(tokens, "=")
  const names = tokens.slice(1, sign)
  const list = names.every((token, i) => (i % 2 === 0 ? isName(token) : token.image === ","))
  if (sign < 4 || !list || names.length % 2 === 0) return conditional(tokens, out)
  out.keep([tokens[0]!])
  out.inParentheses(names, (tuple) => out.keep(tuple))
  out.keep(tokens.slice(sign))
  return {
    message: "the parts of a tuple get their names in parentheses",
    span: across(out.file, names),
    label: `write \`(${textOf(out.file, names)})\``,
  }
}

const BEFORE_VALUE = /^([=,([:]|return|\|>|minimize|with)$/

/** `a if c else b`, `c ? a : b` */
function conditional(tokens: readonly IToken[], out: Rewriting): Said | undefined {
  for (const [at, token] of tokens.entries()) {
    const isQuestion = token.image === "?"
    if (at === 0 || (!isQuestion && (token.image !== "if" || !endsValue(tokens[at - 1]!)))) continue
    const start = valueStart(tokens, at)
    const rest = tokens.slice(at + 1)
    const middle = placeOf(rest, isQuestion ? ":" : "else")
    const close = middle < 0 ? -1 : valueEnd(rest, middle + 1)
    if (middle < 1 || close <= middle + 1 || tokens.slice(start, at + 1 + close).some(isBrace)) continue
    const [left, inner, right] = [
      tokens.slice(start, at),
      rest.slice(0, middle),
      rest.slice(middle + 1, close),
    ]
    if (left.length === 0) continue
    const [condition, yes] = isQuestion ? [left, inner] : [inner, left]
    out.keep(tokens.slice(0, start))
    const all = tokens.slice(start, at + 1 + close)
    const text = (part: readonly IToken[]): string => textOf(out.file, part)
    const replacement = `if ${text(condition)} { ${text(yes)} } else { ${text(right)} }`
    const parts: (readonly [TokenType, string])[] = [
      [t.If, "if"],
      ...condition.map(same),
      [t.LBrace, "{"],
      ...yes.map(same),
      [t.RBrace, "}"],
      [t.Else, "else"],
      [t.LBrace, "{"],
      ...right.map(same),
      [t.RBrace, "}"],
    ]
    out.replace(all, parts, replacement)
    out.keep(rest.slice(close))
    return {
      message: "a choice between two values begins with `if`, and each stands in braces",
      span: across(out.file, all),
      label: `write \`${replacement}\``,
    }
  }
  return undefined
}

const same = ({ tokenType, image }: IToken): readonly [TokenType, string] => [tokenType, image]
const isBrace = ({ image }: IToken): boolean => image === "{" || image === "}"
const endsValue = ({ image }: IToken): boolean =>
  /[\w)\]"]$/.test(image) && image !== "else" && image !== "return"

function valueStart(tokens: readonly IToken[], at: number): number {
  let depth = 0
  for (let i = at - 1; i >= 0; i--) {
    const { image } = tokens[i]!
    if (depth === 0 && BEFORE_VALUE.test(image)) return i + 1
    if (/^[)\]}]$/.test(image)) depth++
    if (/^[([{]$/.test(image)) depth--
  }
  return 0
}

function valueEnd(tokens: readonly IToken[], from: number): number {
  const length = placeWhere(tokens.slice(from), ({ image }) => /^[,)\]};]$/.test(image))
  return length < 0 ? tokens.length : from + length
}

/** The optimizers that a statement of its own names, by the first token of the `minimize` without `with` that each belongs to. */
function optimizersApart(lines: readonly Line[]): Apart {
  const apart = new Map<IToken, { made: readonly IToken[]; setting: Line }>()
  for (const setting of lines) {
    const [word, ...rest] = setting.tokens
    const made = rest[0]?.image === ":" || rest[0]?.image === "=" ? rest.slice(1) : rest
    if (word!.image !== "optimizer" || setting.column === 1 || !isName(made[0]) || made[1]?.image !== "(")
      continue
    if (placeOf(made, ")") >= 0 || made.at(-1)!.image !== ")") continue
    const minimize = lines.filter(
      ({ tokens, column }, i) =>
        column === setting.column &&
        tokens[0]!.image === "minimize" &&
        placeOf(tokens, "with") < 0 &&
        lines[i + 1]?.tokens[0]!.image !== "with",
    )
    if (minimize.length === 1) apart.set(minimize[0]!.tokens[0]!, { made, setting })
  }
  return apart
}

function withOptimizer(
  tokens: readonly IToken[],
  { made, setting }: { readonly made: readonly IToken[]; readonly setting: Line },
  out: Rewriting,
): Said {
  const { file } = out
  const end = placeOf(tokens, ",")
  const loss = end < 0 ? tokens : tokens.slice(0, end)
  const text = textOf(file, made)
  out.keep(loss)
  out.after(loss.at(-1)!, t.With, "with", ` with ${text}`)
  out.tokens.push(...made)
  out.keep(tokens.slice(loss.length))
  const said = across(file, setting.tokens)
  const lineStart = file.text.lastIndexOf("\n", said.start - 1)
  const cut = { start: Math.max(0, lineStart), end: said.end }
  const put = endOf(loss.at(-1)!)
  const replacement =
    put < cut.start
      ? ` with ${text}${file.text.slice(put, cut.start)}`
      : `${file.text.slice(cut.end, put)} with ${text}`
  const span = { file, start: Math.min(put, cut.start), end: Math.max(put, cut.end) }
  return {
    message: "the optimizer stands after the loss that it makes smaller",
    span: said,
    label: `write \`${textOf(file, loss)} with ${text}\``,
    wider: { span, replacement },
  }
}
