/** grammar: the rules of parameters, types, statements and expressions, on which those of declarations stand (parser.ts). */
import { CstParser, type CstNode, type ParserMethod, type TokenType } from "chevrotain"
import { expectedText } from "./messages.js"
import * as t from "./tokens.js"

/** The tokens that follow a comma at the end of a list. */
const closers = new Set<TokenType>([t.RParen, t.RBracket])

export type Rule = ParserMethod<[], CstNode>

/** A subclass adds its rules and has the grammar analysed. */
export abstract class StatementParser extends CstParser {
  constructor(checked: boolean) {
    super(t.allTokens, {
      recoveryEnabled: true,
      nodeLocationTracking: "onlyOffset",
      errorMessageProvider: expectedText,
      // Where two tokens are needed the rule says so: deciding on one is a table look-up, on two a search.
      maxLookahead: 1,
      skipValidations: !checked,
    })
  }

  params: Rule = this.RULE("params", () => {
    this.CONSUME(t.AnyLParen)
    this.itemsWithTrailingComma(this.param)
    this.CONSUME(t.RParen)
  })

  param: Rule = this.RULE("param", () => {
    this.CONSUME(t.Identifier)
    this.OPTION(() => {
      this.CONSUME(t.Colon)
      this.SUBRULE(this.type)
    })
    this.OPTION2(() => {
      this.CONSUME(t.Equals)
      this.SUBRULE(this.expression)
    })
  })

  result: Rule = this.RULE("result", () => {
    this.CONSUME(t.Arrow)
    this.SUBRULE(this.type)
  })

  type: Rule = this.RULE("type", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Identifier)
          this.OPTION(() => this.SUBRULE(this.dims))
        },
      },
      { ALT: () => this.SUBRULE(this.tupleType) },
    ])
  })

  dims: Rule = this.RULE("dims", () => {
    this.CONSUME(t.LBracket)
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.dim) })
    this.CONSUME(t.RBracket)
  })

  dim: Rule = this.RULE("dim", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Ellipsis)
          this.OPTION(() => this.CONSUME(t.Identifier))
        },
      },
      { ALT: () => this.SUBRULE(this.expression) },
    ])
  })

  tupleType: Rule = this.RULE("tupleType", () => {
    this.CONSUME(t.AnyLParen)
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.type) })
    this.CONSUME(t.RParen)
  })

  block: Rule = this.RULE("block", () => {
    this.CONSUME(t.LBrace)
    this.MANY(() => {
      this.SUBRULE(this.statement)
      this.OPTION(() => this.CONSUME(t.Semicolon))
    })
    this.CONSUME(t.RBrace)
  })

  statement: Rule = this.RULE("statement", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.let) },
      { ALT: () => this.SUBRULE(this.var) },
      { ALT: () => this.SUBRULE(this.parameter) },
      { ALT: () => this.SUBRULE(this.state) },
      { ALT: () => this.SUBRULE(this.return) },
      { ALT: () => this.SUBRULE(this.if), IGNORE_AMBIGUITIES: true },
      { ALT: () => this.SUBRULE(this.for) },
      { ALT: () => this.SUBRULE(this.assignment) },
    ])
  })

  let: Rule = this.RULE("let", () => {
    this.CONSUME(t.Let)
    this.nameOrNames()
    this.CONSUME(t.Equals)
    this.SUBRULE(this.expression)
  })

  var: Rule = this.RULE("var", () => {
    this.CONSUME(t.Var)
    this.CONSUME(t.Identifier)
    this.CONSUME(t.Equals)
    this.SUBRULE(this.expression)
  })

  parameter: Rule = this.RULE("parameter", () => {
    this.OPTION(() => this.CONSUME(t.Frozen))
    this.CONSUME(t.Param)
    this.CONSUME(t.Identifier)
    this.OPTION2(() => {
      this.CONSUME(t.As)
      this.SUBRULE2(this.expression, { LABEL: "as" })
    })
    this.CONSUME(t.Colon)
    this.SUBRULE(this.type)
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Equals)
          this.SUBRULE(this.expression)
        },
      },
      { ALT: () => this.SUBRULE(this.weights) },
    ])
  })

  state: Rule = this.RULE("state", () => {
    this.CONSUME(t.State)
    this.CONSUME(t.Identifier)
    this.OPTION(() => {
      this.CONSUME(t.Colon)
      this.SUBRULE(this.type)
    })
    this.CONSUME(t.Equals)
    this.SUBRULE(this.expression)
  })

  return: Rule = this.RULE("return", () => {
    this.CONSUME(t.Return)
    this.SUBRULE(this.expression)
  })

  /** `if` as a statement and as a value are written alike. */
  if: Rule = this.RULE("if", () => {
    this.CONSUME(t.If)
    this.SUBRULE(this.expression)
    this.SUBRULE(this.block)
    this.MANY({
      GATE: () => this.LA(2).tokenType === t.If,
      DEF: () => {
        this.CONSUME(t.Else)
        this.CONSUME2(t.If)
        this.SUBRULE2(this.expression)
        this.SUBRULE2(this.block)
      },
    })
    this.OPTION(() => {
      this.CONSUME2(t.Else)
      this.SUBRULE3(this.block, { LABEL: "otherwise" })
    })
  })

  for: Rule = this.RULE("for", () => {
    this.CONSUME(t.For)
    this.CONSUME(t.Identifier)
    this.CONSUME(t.In)
    this.SUBRULE(this.expression)
    this.SUBRULE(this.block)
  })

  /** A loop over an axis: `scan x in xs over 1 { h = f(x, h)  h }`. */
  scan: Rule = this.RULE("scan", () => {
    this.CONSUME(t.Scan)
    this.nameOrNames()
    this.CONSUME(t.In)
    this.SUBRULE(this.expression)
    this.CONSUME(t.Over)
    this.SUBRULE2(this.expression, { LABEL: "axis" })
    this.SUBRULE(this.block)
  })

  /** An expression, or an assignment of one: `h = e`, `m <- e`. */
  assignment: Rule = this.RULE("assignment", () => {
    this.SUBRULE(this.expression)
    this.OPTION(() => {
      this.OR([{ ALT: () => this.CONSUME(t.Equals) }, { ALT: () => this.CONSUME(t.LeftArrow) }])
      this.SUBRULE2(this.expression, { LABEL: "value" })
    })
  })

  expression: Rule = this.RULE("expression", () => {
    this.SUBRULE(this.operation)
    this.MANY(() => {
      this.CONSUME(t.Pipe)
      this.SUBRULE(this.postfix)
    })
  })

  operation: Rule = this.RULE("operation", () => {
    this.SUBRULE(this.operand)
    this.MANY(() => {
      this.CONSUME(t.InfixOp)
      this.SUBRULE2(this.operand)
    })
  })

  operand: Rule = this.RULE("operand", () => {
    this.MANY(() => this.CONSUME(t.PrefixOp))
    this.SUBRULE(this.postfix)
  })

  postfix: Rule = this.RULE("postfix", () => {
    this.SUBRULE(this.atom)
    this.MANY(() => this.SUBRULE(this.suffix))
  })

  suffix: Rule = this.RULE("suffix", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.call) },
      { ALT: () => this.SUBRULE(this.index) },
      {
        ALT: () => {
          this.CONSUME(t.Dot)
          this.CONSUME(t.AnyWord)
        },
      },
    ])
  })

  call: Rule = this.RULE("call", () => {
    this.CONSUME(t.LParen)
    this.itemsWithTrailingComma(this.arg)
    this.CONSUME(t.RParen)
  })

  arg: Rule = this.RULE("arg", () => {
    this.OPTION({
      GATE: () => this.LA(2).tokenType === t.Colon,
      DEF: () => {
        this.CONSUME(t.AnyWord)
        this.CONSUME(t.Colon)
      },
    })
    this.SUBRULE(this.expression)
  })

  index: Rule = this.RULE("index", () => {
    this.CONSUME(t.LBracket)
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.indexItem) })
    this.CONSUME(t.RBracket)
  })

  indexItem: Rule = this.RULE("indexItem", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Ellipsis) },
      { ALT: () => this.SUBRULE(this.slice) },
      {
        ALT: () => {
          this.SUBRULE(this.expression)
          this.OPTION(() => this.SUBRULE2(this.slice))
        },
      },
    ])
  })

  slice: Rule = this.RULE("slice", () => {
    this.CONSUME(t.Colon)
    this.OPTION(() => this.SUBRULE(this.expression, { LABEL: "stop" }))
    this.OPTION2(() => {
      this.CONSUME2(t.Colon)
      this.OPTION3(() => this.SUBRULE2(this.expression, { LABEL: "step" }))
    })
  })

  atom: Rule = this.RULE("atom", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.NumberLiteral) },
      { ALT: () => this.CONSUME(t.StringLiteral) },
      { ALT: () => this.CONSUME(t.True) },
      { ALT: () => this.CONSUME(t.False) },
      { ALT: () => this.CONSUME(t.None) },
      { ALT: () => this.CONSUME(t.Identifier) },
      { ALT: () => this.SUBRULE(this.if) },
      { ALT: () => this.SUBRULE(this.scan) },
      { ALT: () => this.SUBRULE(this.group) },
      { ALT: () => this.SUBRULE(this.list) },
    ])
  })

  /** `(a)` is a; `(a, b)` is a tuple. */
  group: Rule = this.RULE("group", () => {
    this.CONSUME(t.AnyLParen)
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.expression) })
    this.CONSUME(t.RParen)
  })

  list: Rule = this.RULE("list", () => {
    this.CONSUME(t.AnyLBracket)
    this.itemsWithTrailingComma(this.expression)
    this.CONSUME(t.RBracket)
  })

  weights: Rule = this.RULE("weights", () => {
    this.CONSUME(t.From)
    this.SUBRULE(this.postfix)
  })

  // Parts of several rules, not rules of their own: they leave no node in the tree.

  /** `x`, or `(x, y)` */
  private nameOrNames(): void {
    this.OR([
      { ALT: () => this.CONSUME(t.Identifier) },
      {
        ALT: () => {
          this.CONSUME(t.AnyLParen)
          this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.CONSUME2(t.Identifier) })
          this.CONSUME(t.RParen)
        },
      },
    ])
  }

  /** None or more, with a comma after the last one or without. */
  private itemsWithTrailingComma(item: Rule): void {
    this.OPTION(() => {
      this.SUBRULE(item)
      this.MANY({
        GATE: () => !closers.has(this.LA(2).tokenType),
        DEF: () => {
          this.CONSUME(t.Comma)
          this.SUBRULE2(item)
        },
      })
      this.OPTION2(() => this.CONSUME2(t.Comma))
    })
  }
}
