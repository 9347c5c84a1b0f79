/** grammar: .nn text -> tokens.
 *  Guarantees: `allTokens` is in matching order; keywords and names are told apart by `longer_alt`; comments go to the
 *              group "comments", so no grammar rule sees them.
 *  Not here:   where a statement ends at a line break, and whether brackets match (layout.ts). */
import { createToken, Lexer, type ITokenConfig, type TokenType } from "chevrotain"

/** Any word at all, keywords included, since it may name an argument (`test: 0.2`) or follow a dot. */
export const AnyWord = createToken({ name: "AnyWord", label: "a name", pattern: Lexer.NA })
/** A name one may declare: every word that is not reserved. */
export const Identifier = createToken({
  name: "Identifier",
  label: "a name",
  pattern: /[A-Za-z_][A-Za-z0-9_]*/,
  categories: [AnyWord],
})

const word = (text: string, categories: TokenType[]): TokenType =>
  createToken({
    name: text.replace(/(?:^|_)([a-z])/g, (_, c: string) => c.toUpperCase()),
    label: `\`${text}\``,
    pattern: new RegExp(text),
    longer_alt: Identifier,
    categories,
  })
/** Reserved: cannot be declared as a name. */
const keyword = (text: string): TokenType => word(text, [AnyWord])
/** Has a meaning in one place and is an ordinary name everywhere else. */
const contextual = (text: string, ...categories: TokenType[]): TokenType =>
  word(text, [Identifier, ...categories])

export const Fn = keyword("fn")
export const Layer = keyword("layer")
export const Model = keyword("model")
export const Optimizer = keyword("optimizer")
export const Data = keyword("data")
export const Train = keyword("train")
export const Import = keyword("import")
/** The words above within brackets, where nothing is declared: they may still name an argument. */
export const InnerWord = createToken({
  name: "InnerWord",
  label: "a word",
  pattern: Lexer.NA,
  categories: [AnyWord],
})
export const Let = keyword("let")
/** A `let` outside all brackets, which declares a constant. */
export const TopLet = createToken({
  name: "TopLet",
  label: "`let`",
  pattern: Lexer.NA,
  categories: [Let],
})
export const Var = keyword("var")
export const Param = keyword("param")
export const State = keyword("state")
export const Frozen = keyword("frozen")
export const Return = keyword("return")
export const If = keyword("if")
export const Else = keyword("else")
export const For = keyword("for")
export const Scan = keyword("scan")
export const True = keyword("true")
export const False = keyword("false")
export const None = keyword("none")

export const From = contextual("from")
export const In = contextual("in")
export const On = contextual("on")
export const Over = contextual("over")
export const With = contextual("with")
export const Split = contextual("split")
export const Val = contextual("val")
export const WindowsWord = contextual("windows")
export const WhereWord = contextual("where")
export const Test = contextual("test")
export const Minimize = contextual("minimize")
export const Report = contextual("report")
export const Checkpoint = contextual("checkpoint")
export const Every = contextual("every")
export const Keep = contextual("keep")
export const Best = contextual("best")
export const Average = contextual("average")
export const Last = contextual("last")
export const Budget = contextual("budget")
export const Memory = contextual("memory")
export const Patience = contextual("patience")
export const Precision = contextual("precision")
export const Mixed = contextual("mixed")
export const As = contextual("as")
export const Follows = contextual("follows")
export const By = contextual("by")

/** Settings of a `train` that take a value, and those that are said by their name alone. */
export const ValueSetting = createToken({ name: "ValueSetting", label: "a setting", pattern: Lexer.NA })
export const FlagSetting = createToken({ name: "FlagSetting", label: "a setting", pattern: Lexer.NA })
/** The units of `every`. */
export const Unit = createToken({ name: "Unit", label: "`steps` or `epochs`", pattern: Lexer.NA })
/** The units of `budget memory`. */
export const ByteUnit = createToken({ name: "ByteUnit", label: "`KiB`, `MiB` or `GiB`", pattern: Lexer.NA })
const byteUnits = ["KiB", "MiB", "GiB"].map((unit) => contextual(unit, ByteUnit))
export const settings = [
  contextual("batch", ValueSetting),
  contextual("epochs", ValueSetting, Unit),
  contextual("steps", ValueSetting, Unit),
  contextual("seed", ValueSetting),
  contextual("clip_norm", ValueSetting),
  contextual("clip_value", ValueSetting),
  contextual("accumulate", ValueSetting),
  contextual("shuffle", FlagSetting),
  contextual("drop_last", FlagSetting),
]
/** Words of the settings, for suggestions. */
export const settingWords = [
  "batch",
  "epochs",
  "steps",
  "seed",
  "clip_norm",
  "clip_value",
  "accumulate",
  "shuffle",
  "drop_last",
  "report",
  "checkpoint",
  "keep",
  "patience",
  "budget",
  "precision",
]

/** Stands between two operands. `precedence.ts` says how tightly. */
export const InfixOp = createToken({ name: "InfixOp", label: "an operator", pattern: Lexer.NA })
/** Stands before an operand. */
export const PrefixOp = createToken({ name: "PrefixOp", label: "an operator", pattern: Lexer.NA })

const symbol = (name: string, text: string, more: Partial<ITokenConfig> = {}): TokenType =>
  createToken({ name, label: `\`${text}\``, pattern: text, ...more })
const infix = (name: string, text: string): TokenType => symbol(name, text, { categories: [InfixOp] })

export const Or = infix("Or", "||")
export const And = infix("And", "&&")
export const Power = infix("Power", "^")
export const Pipe = symbol("Pipe", "|>")
export const Arrow = symbol("Arrow", "->")
export const LeftArrow = symbol("LeftArrow", "<-")
export const Ellipsis = symbol("Ellipsis", "...")
export const Range = infix("Range", "..")
export const Dot = symbol("Dot", ".")
export const Comma = symbol("Comma", ",")
export const Colon = symbol("Colon", ":")
export const Semicolon = symbol("Semicolon", ";")
export const Minus = symbol("Minus", "-", { categories: [InfixOp, PrefixOp] })
/** A `-` that opens a line: never continues the line above. */
export const LineMinus = createToken({
  name: "LineMinus",
  label: "`-`",
  pattern: Lexer.NA,
  categories: [PrefixOp],
})
export const Not = symbol("Not", "!", { categories: [PrefixOp] })
export const Equals = symbol("Equals", "=")

/** `(` and `[` wherever they stand; the plain ones follow on the same line, the `Line` ones open a line. */
export const AnyLParen = createToken({ name: "AnyLParen", label: "`(`", pattern: Lexer.NA })
export const AnyLBracket = createToken({ name: "AnyLBracket", label: "`[`", pattern: Lexer.NA })
export const LParen = symbol("LParen", "(", { categories: [AnyLParen] })
export const LineLParen = createToken({
  name: "LineLParen",
  label: "`(`",
  pattern: Lexer.NA,
  categories: [AnyLParen],
})
export const LBracket = symbol("LBracket", "[", { categories: [AnyLBracket] })
export const LineLBracket = createToken({
  name: "LineLBracket",
  label: "`[`",
  pattern: Lexer.NA,
  categories: [AnyLBracket],
})
export const RParen = symbol("RParen", ")")
export const RBracket = symbol("RBracket", "]")
export const LBrace = symbol("LBrace", "{")
export const RBrace = symbol("RBrace", "}")

export const NumberLiteral = createToken({
  name: "NumberLiteral",
  label: "a number",
  pattern: /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/,
})
export const StringLiteral = createToken({
  name: "StringLiteral",
  label: "a string",
  pattern: /"(?:[^"\\\n\r]|\\.)*"/,
})
export const Comment = createToken({ name: "Comment", pattern: /\/\/[^\n\r]*/, group: "comments" })
/** A comment of Python and shells; a mistake, but one that leaves no doubt. */
export const HashComment = createToken({ name: "HashComment", pattern: /#[^\n\r]*/, group: "hashes" })
/** Likewise. */
export const SingleQuoted = createToken({
  name: "SingleQuoted",
  label: "a string",
  pattern: /'(?:[^'"\\\n\r]|\\.)*'/,
})
/** Likewise: the text that describes a function in Python. */
export const DocString = createToken({
  name: "DocString",
  pattern: /"""[\s\S]*?"""|'''[\s\S]*?'''/,
  group: "docstrings",
  line_breaks: true,
})
/** A pipe or an `or` with a sign missing; the choice of C. */
export const Bar = createToken({ name: "Bar", label: "`|`", pattern: "|" })
export const Question = createToken({ name: "Question", label: "`?`", pattern: "?" })
const Space = createToken({
  name: "Space",
  pattern: /[ \t\r\n\uFEFF]+/,
  group: Lexer.SKIPPED,
  line_breaks: true,
})

/** Words by the constructs that they begin or join. The first three are reserved, the others have a meaning in their place alone. */
export const words = {
  declaration: [Fn, Layer, Model, Optimizer, Data, Train, Import],
  statement: [Let, Var, Param, Frozen, State, Return, If, Else, For, Scan],
  value: [True, False, None],
  joining: [From, In, On, Over, As, Follows, By],
  data: [Split, Val, Test, WindowsWord, WhereWord],
  train: [
    With,
    Minimize,
    Report,
    Checkpoint,
    Every,
    Keep,
    Best,
    Average,
    Last,
    Patience,
    Budget,
    Memory,
    Precision,
    Mixed,
  ],
  setting: settings,
  byteUnit: byteUnits,
} as const satisfies Readonly<Record<string, readonly TokenType[]>>

const categories = [
  AnyWord,
  AnyLParen,
  AnyLBracket,
  ValueSetting,
  FlagSetting,
  Unit,
  ByteUnit,
  InfixOp,
  PrefixOp,
]

export const allTokens: TokenType[] = [
  Space,
  Comment,
  HashComment,
  DocString,
  SingleQuoted,
  NumberLiteral,
  StringLiteral,
  ...Object.values(words).flat(),
  InnerWord,
  TopLet,
  Identifier,
  Pipe,
  Arrow,
  LeftArrow,
  Or,
  And,
  infix("EqualTo", "=="),
  infix("NotEqualTo", "!="),
  infix("AtMost", "<="),
  infix("AtLeast", ">="),
  infix("Less", "<"),
  infix("Greater", ">"),
  infix("Plus", "+"),
  infix("Times", "*"),
  infix("Divide", "/"),
  infix("Modulo", "%"),
  infix("MatMul", "@"),
  Power,
  Bar,
  Question,
  Ellipsis,
  Range,
  Dot,
  Comma,
  Colon,
  Semicolon,
  Minus,
  LineMinus,
  Not,
  Equals,
  LParen,
  LineLParen,
  LBracket,
  LineLBracket,
  RParen,
  RBracket,
  LBrace,
  RBrace,
  ...categories,
]

/** Text -> tokens, comments in `groups.comments`; characters that belong nowhere in `errors`. */
export const lexer = new Lexer(allTokens, { ensureOptimizations: false, skipValidations: true })

/** A reserved word. */
export const isKeyword = (type: TokenType): boolean =>
  (type.CATEGORIES?.includes(AnyWord) ?? false) && type !== Identifier
