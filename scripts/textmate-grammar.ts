// `npm run highlighting`: editors/vscode/syntaxes/nn.tmLanguage.json, the colours of programs in VS Code, on GitHub and in pages that use
// Shiki, from the tokens of grammar/tokens.ts. A TextMate grammar knows no rules, so names are told apart by the tokens beside them;
// the language server tells them apart by their meaning.

import { writeFileSync } from "node:fs"
import type { TokenType } from "chevrotain"
import { format } from "prettier"
import { CONVERSIONS } from "../compiler/check/builtins.js"
import * as t from "../grammar/tokens.js"

export const GRAMMAR_FILE = new URL("../editors/vscode/syntaxes/nn.tmLanguage.json", import.meta.url)

interface Rule {
  readonly name?: string
  readonly match?: string
  readonly begin?: string
  readonly end?: string
  readonly captures?: Readonly<Record<number, { readonly name: string }>>
  readonly beginCaptures?: Readonly<Record<number, { readonly name: string }>>
  readonly endCaptures?: Readonly<Record<number, { readonly name: string }>>
  readonly patterns?: readonly (Rule | { readonly include: string })[]
}

const NAME = "[A-Za-z_]\\w*"
const source = ({ PATTERN }: TokenType): string => {
  if (PATTERN instanceof RegExp) return PATTERN.source
  if (typeof PATTERN === "string") return PATTERN.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
  throw new TypeError("a token that the lexer does not match has no pattern")
}
const oneOf = (tokens: readonly TokenType[]): string => `(?:${tokens.map(source).join("|")})`
const word = (tokens: readonly TokenType[]): string => `\\b${oneOf(tokens)}\\b`
const scoped = (...names: readonly (string | undefined)[]): Record<number, { name: string }> =>
  Object.fromEntries(names.flatMap((name, i) => (name ? [[i + 1, { name: `${name}.nn` }]] : [])))
const rule = (name: string, match: string): Rule => ({ name: `${name}.nn`, match })

/** Words that are names elsewhere: here something follows that cannot follow a name, and no operator stands before. */
const PLACE_OF_WORD = {
  before: "(?<![-+*/%@^|&=<>!.:(]|[-+*/%@^|&=<>!:]\\s)",
  after: '(?=\\s+[\\w"(\\[]|\\s*(?:$|[,;}]|//))',
}
const contextual = (tokens: readonly TokenType[]): string =>
  `${PLACE_OF_WORD.before}${word(tokens)}${PLACE_OF_WORD.after}`

const declarations: readonly Rule[] = [
  {
    match: `(${word([t.Fn])})\\s+(${NAME})`,
    captures: scoped("keyword.declaration.function", "entity.name.function"),
  },
  {
    match: `(${word([t.Layer, t.Model, t.Optimizer])})\\s+(${NAME})`,
    captures: scoped("keyword.declaration.class", "entity.name.type.class"),
  },
]

/** A region from `opener` to `closer`. */
const brackets = (opener: string, closer: string, kind: string, ...patterns: readonly string[]): Rule => ({
  begin: `\\${opener}`,
  end: `\\${closer}`,
  beginCaptures: { 0: { name: `punctuation.section.${kind}.begin.nn` } },
  endCaptures: { 0: { name: `punctuation.section.${kind}.end.nn` } },
  patterns: patterns.map((each) => ({ include: `#${each}` })),
})

/** A declaration with a block of its own words: from its first word to its `}`. */
const section = (begin: string, names: Rule["captures"], own: readonly Rule[]): Rule => ({
  begin,
  end: "(?<=\\})|^(?=\\S)(?!\\})",
  beginCaptures: names ?? {},
  patterns: [
    {
      ...brackets("{", "}", "block"),
      patterns: [...own, { include: "#statement" }],
    },
    { include: "#expression" },
  ],
})

/** Operators and punctuation, the longer first. */
function symbols(): readonly Rule[] {
  const plain = t.allTokens.filter(({ PATTERN }) => typeof PATTERN === "string")
  const operators: readonly TokenType[] = [t.Pipe, t.Arrow, t.LeftArrow, t.Equals, t.Ellipsis]
  const isOperator = (token: TokenType): boolean =>
    operators.includes(token) || [t.InfixOp, t.PrefixOp].some((each) => token.CATEGORIES?.includes(each))
  const longerFirst = (tokens: readonly TokenType[]): string =>
    oneOf(tokens.toSorted((a, b) => source(b).length - source(a).length))
  return [
    rule("keyword.operator", longerFirst(plain.filter(isOperator))),
    rule("punctuation", longerFirst(plain.filter((token) => !isOperator(token)))),
  ]
}

export const textmateGrammar = {
  name: "nn",
  scopeName: "source.nn",
  fileTypes: ["nn"],
  patterns: [{ include: "#statement" }],
  repository: {
    statement: {
      patterns: [
        { include: "#comment" },
        section(
          `(${word([t.Train])})(?:\\s+(?!${word([t.On])})(${NAME}))?(?:\\s+(${word([t.On])})\\s+(${NAME}))?(?=\\s*\\{)`,
          scoped(
            "keyword.declaration.class",
            "entity.name.type.class",
            "keyword.control",
            "entity.name.type.class",
          ),
          [
            rule("keyword.control", contextual([...t.words.train, ...t.words.joining])),
            rule("keyword.other.setting", contextual([...t.words.setting, ...t.words.byteUnit])),
          ],
        ),
        section(
          `(${word([t.Data])})\\s+(${NAME})(?=\\s*=)`,
          scoped("keyword.declaration.class", "entity.name.type.class"),
          [
            rule("keyword.control", `^\\s*${word(t.words.data)}(?=\\s*[\\w=])`),
            { match: `^\\s*(${NAME})(?=\\s*:)`, captures: scoped("variable.other.property") },
          ],
        ),
        ...declarations,
        {
          match: `(${word([t.Param, t.Frozen, t.State])})\\s+(${NAME})`,
          captures: scoped("keyword.declaration", "variable.other.property"),
        },
        brackets("{", "}", "block", "statement"),
        { include: "#expression" },
      ],
    },
    expression: {
      patterns: [
        { include: "#comment" },
        {
          name: "string.quoted.double.nn",
          begin: '"',
          end: '"|$',
          patterns: [rule("constant.character.escape", "\\\\.")],
        },
        rule("invalid.illegal", source(t.SingleQuoted)),
        rule("constant.numeric", source(t.NumberLiteral)),
        { match: `(\\.)(${NAME})`, captures: scoped("punctuation.accessor", "variable.other.property") },
        brackets("(", ")", "parens", "argument", "expression"),
        brackets("[", "]", "brackets", "expression"),
        rule("keyword.declaration", word(t.words.declaration)),
        rule("keyword.control", word(t.words.statement)),
        rule("constant.language", word(t.words.value)),
        rule("keyword.control", `(?<=[\\w)\\]}]\\s)${word(t.words.joining)}(?=\\s+[\\w"(\\[])`),
        rule("support.type", `\\b(?:${CONVERSIONS.join("|")})\\b`),
        rule("support.type", "(?<=[:>]\\s)(?:any|int|string|list)\\b"),
        rule("entity.name.type.class", "\\b[A-Z]\\w*(?=\\(|\\w*[a-z])\\w*"),
        {
          match: `(\\|>)\\s*(?:([A-Z]\\w*)|(${NAME}))`,
          captures: scoped("keyword.operator", "entity.name.type.class", "entity.name.function"),
        },
        rule("entity.name.function", `${NAME}(?=\\()`),
        rule("variable.other.constant", "\\b[A-Z][A-Z0-9_]*\\b"),
        rule("variable.other", NAME),
        ...symbols(),
      ],
    },
    argument: { patterns: [rule("variable.parameter", `${NAME}(?=\\s*:)`)] },
    comment: {
      patterns: [
        rule("comment.line.documentation", "///.*$"),
        rule("comment.line.double-slash", source(t.Comment)),
        rule("invalid.illegal", source(t.HashComment)),
      ],
    },
  } satisfies Record<string, { readonly patterns: readonly (Rule | { readonly include: string })[] }>,
}

export const grammarText = (): Promise<string> =>
  format(JSON.stringify(textmateGrammar), { parser: "json", printWidth: 110 })

if (process.argv[1]?.endsWith("textmate-grammar.ts")) writeFileSync(GRAMMAR_FILE, await grammarText())
