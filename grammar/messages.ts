/** grammar: an error of the parser -> a diagnostic in our voice.
 *  Guarantees: names what was expected, after which token, in which construct, and what stood there instead; teaches the
 *              spelling where the mistake is a common one.
 *  Not here:   brackets and nesting (layout.ts), characters that are no token (lexical.ts). */
import type { IParserErrorMessageProvider, IRecognitionException, IToken, TokenType } from "chevrotain"
import type { Diagnostic, Fix } from "../compiler/source/diagnostic.js"
import { STATEMENT_HABITS } from "../compiler/source/habits.js"
import type { SourceFile } from "../compiler/source/source.js"
import { tokenSpan } from "./layout.js"
import * as t from "./tokens.js"

/** For NnParser: the "message" of an exception is only the expected text. */
export const expectedText: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, previous, ruleName }) =>
    (startsItem.has(previous.tokenType) ? items[ruleName] : undefined) ??
    orEnd[ruleName]?.[labelOf(expected)] ??
    labelOf(expected),
  buildNotAllInputParsedMessage: () => expectations.declaration!,
  buildNoViableAltMessage: ({ ruleName }) => expectations[ruleName] ?? "something else",
  buildEarlyExitMessage: ({ ruleName }) => expectations[ruleName] ?? "something else",
}

/** One mistake, worded; undefined for one that only follows from another: recovery went past a bracket, or
 *  layout.ts put one in and has said so. */
export function parserDiagnostic(
  file: SourceFile,
  tokens: readonly IToken[],
  error: IRecognitionException,
): Diagnostic | undefined {
  const rule = error.context.ruleStack.at(-1) ?? "module"
  const expected = error.message
  const found = error.token
  if (found.image === "" && !isEnd(found)) return undefined
  // Declarations stand outside all brackets: within some it is left over from one that recovery gave up.
  const around = bracketsAround(tokens, found)
  if (error.context.ruleStack.length === 1 && around.length > 0) return undefined
  const previous = isEnd(found) ? tokens.at(-1) : tokens[tokens.indexOf(found) - 1]
  const construct = [...error.context.ruleStack]
    .reverse()
    .map((r) => constructs[r])
    .find((c) => c !== undefined)
  const place = { file, rule, stack: error.context.ruleStack, expected, found, previous }
  const where = previous && previous.image !== "" ? ` after ${quote(previous)}` : ""
  const unnamed = rule === "group" && found.tokenType === t.Colon ? around.at(-1) : undefined
  if (unnamed && unnamed.image !== "")
    return {
      code: "syntax-expected",
      severity: "error",
      message: `expected a name before \`(\`${construct === undefined ? "" : `, in ${construct}`}`,
      primary: { span: tokenSpan(file, unnamed), text: "nothing is called here" },
      help: "an argument has a name in a call only: `SGD(lr: 0.1)`",
    }
  const reserved = expected.startsWith("a name") && t.isKeyword(found.tokenType)
  const advice = reserved ? undefined : helps.find(({ when }) => when(place))
  const fix = advice?.fix?.(place)
  const help = reserved
    ? `\`${found.image}\` is a word of the language; choose another name, for instance \`${found.image}_\``
    : typeof advice?.help === "function"
      ? advice.help(place)
      : advice?.help
  const early = previous !== undefined && endsTooEarly(error, previous)
  return {
    code: reserved ? "syntax-keyword" : "syntax-expected",
    severity: "error",
    message: `expected ${expected}${where}${construct === undefined ? "" : `, in ${construct}`}`,
    primary: early
      ? { span: tokenSpan(file, previous), text: "nothing follows" }
      : { span: foundSpan(file, found, previous), text: `found ${describe(found)}` },
    ...(help !== undefined && { help }),
    ...(fix && { fix }),
  }
}

/** A fix that replaces the match of a pattern at the token that was found. */
function replacing({ file, found }: Place, pattern: RegExp, replacement: string): Fix | undefined {
  if (isEnd(found)) return undefined
  const { start } = tokenSpan(file, found)
  const match = pattern.exec(file.text.slice(start))
  return match ? { span: { file, start, end: start + match[0].length }, replacement } : undefined
}

const textFrom = ({ file, found }: Place): string => file.text.slice(tokenSpan(file, found).start)

/** `h += x` becomes `h = h + x`. */
function assigned({ file, found, previous }: Place): Fix | undefined {
  if (previous === undefined) return undefined
  const { start } = tokenSpan(file, previous)
  const name = /(\w+)[ \t]*$/.exec(file.text.slice(0, start))?.[1]
  return name === undefined
    ? undefined
    : {
        span: { file, start, end: tokenSpan(file, found).end },
        replacement: `= ${name} ${previous.image}`,
      }
}

/** `train 0.8, test 0.2` to the end of the line. */
function withColons({ file, previous }: Place): Fix | undefined {
  if (previous === undefined) return undefined
  const { start } = tokenSpan(file, previous)
  const [rest = ""] = /^[^\n}]*/.exec(file.text.slice(start)) ?? []
  const replacement = rest.replace(/\b([a-z]+)[ \t]+(?=[\d."])/g, "$1: ")
  return { span: { file, start, end: start + rest.length }, replacement }
}

/** Right after the token before. */
function after({ file, previous }: Place, replacement: string): Fix | undefined {
  if (previous === undefined) return undefined
  const { end } = tokenSpan(file, previous)
  return { span: { file, start: end, end }, replacement }
}

/** The text of the line up to the token that was found. */
function lineBefore({ file, found }: Place): string {
  const { start } = tokenSpan(file, found)
  return file.text.slice(file.text.lastIndexOf("\n", start - 1) + 1, start)
}

/** Whether the statement on the line above is incomplete, and the start of this line is right. */
export function endsTooEarly({ token, context }: IRecognitionException, { endLine = 0 }: IToken): boolean {
  if (LISTS.has(context.ruleStack.at(-1) ?? "")) return false
  return isEnd(token) || endLine < (token.startLine ?? 0)
}
const LISTS = new Set(["module", "block", "train", "data"])

/** Rules that are looking for the start of a declaration or a statement. */
const beginsStatement = new Set(["module", "declaration", "block", "statement", "train", "trainStatement"])

interface Place {
  readonly file: SourceFile
  readonly rule: string
  readonly stack: readonly string[]
  readonly expected: string
  readonly found: IToken
  readonly previous: IToken | undefined
}

const labelOf = (type: TokenType): string => type.LABEL ?? type.name

/** The constructs that could stand where a rule found none of its alternatives. */
const expectations: Record<string, string> = {
  declaration: "`let`, `fn`, `layer`, `model`, `optimizer`, `data` or `train`",
  statement: "a statement",
  trainStatement: "a statement or a setting",
  setting: "a setting",
  minimize: "`with` and an optimizer",
  report: "`every`, or a name and `=`",
  let: "a name, or names in parentheses",
  parameter: "`=`",
  type: "a type",
  tupleType: "a type",
  dim: "a dimension",
  data: "a field, `where`, `split`, `val`, `test` or `windows`",
  atom: "a value",
  group: "a value",
  index: "an index",
  indexItem: "an index",
  split: "a part of the split",
  optimizerGroup: "a parameter, or an instance that owns some",
  suffix: "a call, an index or a field",
}

/** The items of a list, after a comma or the opening bracket. */
const items: Record<string, string> = {
  params: "a name",
  call: "a value",
  list: "a value",
  import: "a name",
}

const startsItem = new Set([t.Comma, t.LParen, t.LineLParen, t.LBracket, t.LineLBracket])

/** A closing bracket is rarely all that may come next. */
const orEnd: Record<string, Record<string, string>> = {
  module: { EOF: expectations.declaration! },
  block: { "`}`": "a statement or `}`" },
  train: { "`}`": "a statement, a setting or `}`", "`{`": "`on` and a data set, or `{`" },
  data: { "`}`": "a field, `split`, `test` or `}`" },
  call: { "`)`": "`,` or `)`" },
  group: { "`)`": "`,` or `)`" },
  params: { "`)`": "`,` or `)`" },
  list: { "`]`": "`,` or `]`" },
  dims: { "`]`": "`,` or `]`" },
  index: { "`]`": "`,` or `]`" },
}

/** Rules a reader would recognise as a thing being written; the innermost one is named. */
const constructs: Record<string, string> = {
  import: "an import",
  constant: "a constant",
  fn: "a fn",
  layer: "a layer",
  model: "a model",
  optimizer: "an optimizer",
  data: "a data declaration",
  split: "the split of a data declaration",
  test: "the test rows of a data declaration",
  field: "a field of a data declaration",
  train: "a train declaration",
  minimize: "`minimize`",
  report: "`report`",
  checkpoint: "`checkpoint`",
  keep: "`keep`",
  budget: "`budget memory`",
  precision: "`precision mixed`",
  setting: "a training setting",
  params: "a list of parameters",
  type: "a type",
  let: "`let`",
  var: "`var`",
  parameter: "`param`",
  state: "`state`",
  return: "`return`",
  if: "`if`",
  for: "`for`",
  scan: "`scan`",
  assignment: "an expression",
  call: "a call",
  index: "an index",
  group: "parentheses",
  list: "a list",
}

/** Mistakes that are made often enough to have their own advice; the first that applies is given. */
const helps: readonly {
  readonly when: (p: Place) => boolean
  readonly help: string | ((p: Place) => string)
  readonly fix?: (p: Place) => Fix | undefined
}[] = [
  {
    when: (p) => p.previous?.image === "lambda",
    help: "a function has a name: `fn double(x: f32[...]) { x * 2 }`, and `|> double`",
  },
  {
    when: (p) =>
      p.found.tokenType === t.For && (p.rule === "list" || p.rule === "call" || p.rule === "group"),
    help: "there are no lists made by a loop: layers in a row are `for i in 0..3 { h = h |> Linear(16) |> relu }`",
  },
  {
    when: (p) => p.rule === "let" && p.found.tokenType === t.Colon,
    help: "a `let` has no type: it follows from the value",
    fix: (p) => replacing(p, /^:\s*\w+(\[[^\]\n]*\])?\s*(?==)/, " "),
  },
  {
    when: (p) => p.rule === "named" && p.found.image === "(" && p.previous !== undefined,
    help: (p) =>
      `a report has a name and a value: \`report ${p.previous!.image} = ${p.previous!.image}(...)\``,
    fix: (p) => replacing(p, /^/, ` = ${p.previous!.image}`),
  },
  {
    when: (p) => p.rule === "every" && !isEnd(p.found) && p.previous?.tokenType === t.NumberLiteral,
    help: "say what is counted: `every 100 steps` or `every 10 epochs`",
    fix: (p) => after(p, " epochs"),
  },
  {
    when: (p) => p.rule === "split" && p.expected === "`:`" && p.found.tokenType === t.NumberLiteral,
    help: (p) => `a part and its share stand with a colon: \`${p.previous!.image}: ${p.found.image}\``,
    fix: (p) => withColons(p),
  },
  {
    when: (p) => p.rule === "data" && p.found.image === "split",
    help: "a split names its parts: `split train: 0.8, test: 0.2, seed: 1`",
    fix: (p) =>
      replacing(p, /^split[ \t]*(0?\.\d+|1)?[ \t]*(?=\n|$)/, "split train: 0.8, test: 0.2, seed: 1"),
  },
  {
    when: (p) => p.rule === "train" && p.found.image === "," && p.stack.length <= 2,
    help: "rows are held back in `data`: `split train: 0.8, val: 0.2, seed: 1`",
    fix: (p) => replacing(p, /^,[^{\n]*(?=\{)/, " "),
  },
  {
    when: (p) =>
      p.found.image === "{" && /^[ \t]*(def[ \t]+)?(forward|call|__init__)\b[^\n]*$/.test(lineBefore(p)),
    help: "the body of a model is what it computes: layers follow one another in a pipe, `x |> Linear(16) |> relu`",
  },
  {
    when: (p) =>
      p.found.tokenType === t.Colon &&
      /\bfor\s+\w+\s+in\s+range\([^\n]*$/.test(lineBefore(p)) &&
      p.stack.includes("train"),
    help: "a `train` section makes its steps by itself: `epochs 30` says how many times it goes through the data",
  },
  {
    when: (p) =>
      p.rule === "import" && p.previous?.tokenType === t.Import && p.found.tokenType === t.Identifier,
    help: STATEMENT_HABITS["from"]!,
  },
  {
    when: (p) => beginsStatement.has(p.rule) && STATEMENT_HABITS[p.found.image] !== undefined,
    help: (p) => STATEMENT_HABITS[p.found.image]!,
  },
  {
    when: (p) => beginsStatement.has(p.rule) && p.stack.length <= 2 && followedByDot(p),
    help: "a `train` section says the loss, the optimizer and how long; `nnc train m.nn` runs it",
  },
  {
    when: (p) =>
      p.stack.includes("field") && p.expected === "a type" && p.found.tokenType === t.NumberLiteral,
    help: "a field has a type; rows are held back with `split train: 0.8, test: 0.2, seed: 1`",
  },
  {
    when: (p) => p.found.tokenType === t.Dot && (p.rule === "model" || p.rule === "optimizer"),
    help: "a `train` section says the loss, the optimizer and how long; `nnc train m.nn` runs it",
  },
  {
    when: (p) => p.found.tokenType === t.Colon && p.expected.includes("`{`"),
    help: "a body stands in braces: `{ ... }` takes the place of the colon and the indentation",
  },
  {
    when: (p) =>
      p.found.tokenType === t.Equals && p.previous !== undefined && /^[-+*/@]$/.test(p.previous.image),
    help: (p) => `a \`var\` changes as in \`x = x ${p.previous!.image} 1\``,
    fix: (p) => assigned(p),
  },
  {
    when: (p) => p.found.tokenType === t.Import && /^import[ \t]+[A-Za-z]/.test(textFrom(p)),
    help: STATEMENT_HABITS["from"]!,
    fix: (p) => replacing(p, /^import[^\n]*\n?/, ""),
  },
  {
    when: (p) => p.found.tokenType === t.Import,
    help: "imports come first in a file, before every declaration",
  },
  {
    when: (p) => p.found.tokenType === t.Param && p.previous?.tokenType === t.Equals,
    help: "`param` stands in place of `let`: `param w: f32[16, 30] = normal(0, 0.02)`",
  },
  {
    when: (p) => p.found.tokenType === t.Else,
    help: "`else` follows the `}` of an `if`",
  },
  {
    when: (p) => p.rule === "layer" && p.expected === "`(`",
    help: "a layer has two lists: its configuration, then its inputs, as in `layer Scale()(x: f32[...]) -> f32[...]`",
  },
  {
    when: (p) => p.rule === "params" && p.stack.at(-2) === "layer" && p.expected === "`(`",
    help: "a layer has two lists: its configuration, then its inputs, as in `layer Scale()(x: f32[...]) -> f32[...]`",
  },
  {
    when: (p) => p.rule === "optimizer" && p.expected !== "`{`" && p.expected !== "a name",
    help: "an optimizer has two lists: its configuration, then the parameter and its gradient: `(lr: f32)(p, g)`",
  },
  {
    when: (p) => p.rule === "parameter" && p.expected === "`:`",
    help: "a param says its type and how it starts: `param weight: f32[out, in] = zeros`",
  },
  {
    when: (p) => (p.rule === "parameter" || p.rule === "state") && p.expected === "`=`",
    help: "say how it starts, for instance `= zeros`",
  },
  {
    when: (p) => p.rule === "data" && p.found.tokenType === t.Identifier,
    help: 'a field says its type and where it comes from: `x: f32[30] = columns(except: "label")`',
  },
  {
    when: (p) => p.rule === "field" && p.expected === "`:`",
    help: 'a field says its type and where it comes from: `x: f32[30] = columns(except: "label")`',
  },
  {
    when: (p) => p.rule === "minimize" || (p.rule === "optimizerGroup" && p.expected === "`with`"),
    help: "say how to minimise it: `minimize loss with SGD(lr: 0.1)`",
  },
  {
    when: (p) => p.rule === "every",
    help: "say what is counted: `every 100 steps` or `every 10 epochs`",
  },
  {
    when: (p) => p.rule === "checkpoint",
    help: "as in `checkpoint every 10 epochs`",
  },
  {
    when: (p) => p.rule === "patience",
    help: "say what is counted: `patience 3 epochs`, or `patience 3 epochs on accuracy`",
  },
  {
    when: (p) => p.rule === "keep",
    help: "as in `keep best accuracy`, `keep last 3` or `keep average ema(decay: 0.999)`",
  },
  { when: (p) => p.rule === "budget", help: "as in `budget memory 64 MiB`; the units are KiB, MiB and GiB" },
  {
    when: (p) => p.found.tokenType === t.Equals && p.stack.includes("if"),
    help: "compare with `==`; a single `=` gives a name its value",
  },
  {
    when: (p) => p.found.tokenType === t.Equals && p.rule === "call",
    help: "an argument is named with a colon: `SGD(lr: 0.1)`",
  },
  {
    when: (p) => p.found.tokenType === t.LeftArrow,
    help: "`<-` gives a state its new value; to compare with a negative number put a space between: `a < -b`",
  },
  {
    when: (p) => p.found.tokenType === t.Dot,
    help: "a number starts with a digit: `0.5`",
  },
  {
    when: (p) => p.found.tokenType === t.Pipe,
    help: "put the `if` in parentheses to pipe its value: `(if c { a } else { b }) |> f`",
  },
  {
    when: (p) => isInfix(p.found) && p.rule !== "atom",
    help: "an operator cannot follow a pipe; put the pipe in parentheses: `(x |> f) + 1`",
  },
  {
    when: (p) => p.stack.length <= 2 && p.rule !== "import",
    help: "statements stand inside the braces of a `fn`, `layer`, `model`, `optimizer` or `train`",
  },
]

/** The brackets that are open before a token, the innermost last. */
function bracketsAround(tokens: readonly IToken[], found: IToken): readonly IToken[] {
  const open: IToken[] = []
  for (const token of tokens.slice(0, Math.max(0, tokens.indexOf(found)))) {
    if (opening.has(token.tokenType)) open.push(token)
    else if (closing.has(token.tokenType)) open.pop()
  }
  return open
}
const opening = new Set([t.LParen, t.LineLParen, t.LBracket, t.LineLBracket, t.LBrace])
const closing = new Set([t.RParen, t.RBracket, t.RBrace])

/** `Net.fit(...)` outside of every declaration. */
const followedByDot = ({ file, found }: Place): boolean =>
  found.tokenType === t.Identifier && file.text.startsWith(".", tokenSpan(file, found).end)

const isInfix = (token: IToken): boolean => token.tokenType.CATEGORIES?.includes(t.InfixOp) ?? false

const isEnd = (token: IToken): boolean => Number.isNaN(token.startOffset) || token.tokenType.name === "EOF"

const quote = (token: IToken): string =>
  token.image.length > 40 ? `\`${token.image.slice(0, 37)}...\`` : `\`${token.image}\``
const describe = (token: IToken): string => (isEnd(token) ? "the end of the file" : quote(token))

function foundSpan(
  file: SourceFile,
  found: IToken,
  previous: IToken | undefined,
): ReturnType<typeof tokenSpan> {
  if (!isEnd(found)) return tokenSpan(file, found)
  const end = previous === undefined ? file.text.length : tokenSpan(file, previous).end
  return { file, start: end, end }
}
