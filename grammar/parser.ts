/** grammar: tokens -> CST.
 *  Assumes:    layout.ts has marked the tokens that open a line, and made the brackets match.
 *  Guarantees: a CST, also for a text with mistakes (incomplete where they are); the mistakes are in `errors`.
 *  Not here:   how tightly operators bind (from-cst.ts folds `operation`), the wording of mistakes (messages.ts).
 *  Every rule has its section, under its own name, in language.md. */
import { CstParser, type CstNode, type ParserMethod, type TokenType } from "chevrotain"
import * as t from "./tokens.js"
import { expectedText } from "./messages.js"

/** The tokens that follow a comma at the end of a list. */
const closers = new Set<TokenType>([t.RParen, t.RBracket])

type Rule = ParserMethod<[], CstNode>

/** Rules only, no actions. `checked` has chevrotain look for ambiguities, which takes longer than a compilation. */
export class NnParser extends CstParser {
  constructor(checked = false) {
    super(t.allTokens, {
      recoveryEnabled: true,
      nodeLocationTracking: "onlyOffset",
      errorMessageProvider: expectedText,
      // Where two tokens are needed the rule says so: deciding on one is a table look-up, on two a search.
      maxLookahead: 1,
      skipValidations: !checked,
    })
    this.performSelfAnalysis()
  }

  module: Rule = this.RULE("module", () => {
    this.MANY(() => this.SUBRULE(this.import))
    this.MANY2(() => this.SUBRULE(this.declaration))
  })

  import: Rule = this.RULE("import", () => {
    this.CONSUME(t.Import)
    this.OPTION(() => {
      this.CONSUME(t.LBrace)
      this.MANY_SEP({ SEP: t.Comma, DEF: () => this.CONSUME(t.Identifier) })
      this.CONSUME(t.RBrace)
      this.CONSUME(t.From)
    })
    this.CONSUME(t.StringLiteral)
    this.OPTION2(() => this.CONSUME(t.Semicolon))
  })

  declaration: Rule = this.RULE("declaration", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.constant) },
      { ALT: () => this.SUBRULE(this.fn) },
      { ALT: () => this.SUBRULE(this.layer) },
      { ALT: () => this.SUBRULE(this.model) },
      { ALT: () => this.SUBRULE(this.optimizer) },
      { ALT: () => this.SUBRULE(this.data) },
      { ALT: () => this.SUBRULE(this.train) },
    ])
  })

  constant: Rule = this.RULE("constant", () => {
    this.CONSUME(t.TopLet)
    this.CONSUME(t.Identifier)
    this.CONSUME(t.Equals)
    this.SUBRULE(this.expression)
    this.OPTION(() => this.CONSUME(t.Semicolon))
  })

  fn: Rule = this.RULE("fn", () => {
    this.CONSUME(t.Fn)
    this.CONSUME(t.Identifier)
    this.SUBRULE(this.params)
    this.OPTION(() => this.SUBRULE(this.result))
    this.SUBRULE(this.block)
  })

  layer: Rule = this.RULE("layer", () => {
    this.CONSUME(t.Layer)
    this.CONSUME(t.Identifier)
    this.SUBRULE(this.params, { LABEL: "config" })
    this.SUBRULE2(this.params, { LABEL: "inputs" })
    this.OPTION(() => this.SUBRULE(this.result))
    this.SUBRULE(this.block)
  })

  model: Rule = this.RULE("model", () => {
    this.CONSUME(t.Model)
    this.CONSUME(t.Identifier)
    this.OR([
      { ALT: () => this.SUBRULE(this.follows) },
      {
        ALT: () => {
          this.SUBRULE(this.params)
          this.OPTION(() => this.SUBRULE(this.result))
          this.OPTION2(() => this.SUBRULE(this.weights))
          this.SUBRULE(this.block)
        },
      },
    ])
  })

  follows: Rule = this.RULE("follows", () => {
    this.CONSUME(t.Follows)
    this.CONSUME(t.Identifier)
    this.CONSUME(t.By)
    this.SUBRULE(this.postfix)
  })

  weights: Rule = this.RULE("weights", () => {
    this.CONSUME(t.From)
    this.SUBRULE(this.postfix)
  })

  optimizer: Rule = this.RULE("optimizer", () => {
    this.CONSUME(t.Optimizer)
    this.CONSUME(t.Identifier)
    this.SUBRULE(this.params)
    this.CONSUME(t.AnyLParen)
    this.CONSUME2(t.Identifier, { LABEL: "parameter" })
    this.CONSUME(t.Comma)
    this.CONSUME3(t.Identifier, { LABEL: "gradient" })
    this.CONSUME(t.RParen)
    this.SUBRULE(this.block)
  })

  data: Rule = this.RULE("data", () => {
    this.CONSUME(t.Data)
    this.CONSUME(t.Identifier)
    this.CONSUME(t.Equals)
    this.SUBRULE(this.expression)
    this.CONSUME(t.LBrace)
    this.MANY(() => {
      this.OR({
        MAX_LOOKAHEAD: 2,
        DEF: [
          { ALT: () => this.SUBRULE(this.split) },
          { ALT: () => this.SUBRULE(this.part) },
          { ALT: () => this.SUBRULE(this.windows) },
          { ALT: () => this.SUBRULE(this.where) },
          { ALT: () => this.SUBRULE(this.field) },
        ],
      })
    })
    this.CONSUME(t.RBrace)
  })

  split: Rule = this.RULE("split", () => {
    this.CONSUME(t.Split)
    this.options()
  })

  windows: Rule = this.RULE("windows", () => {
    this.CONSUME(t.WindowsWord)
    this.options()
  })

  where: Rule = this.RULE("where", () => {
    this.CONSUME(t.WhereWord)
    this.SUBRULE(this.expression)
    this.OPTION(() => this.CONSUME(t.Semicolon))
  })

  part: Rule = this.RULE("part", () => {
    this.OR([{ ALT: () => this.CONSUME(t.Val) }, { ALT: () => this.CONSUME(t.Test) }])
    this.CONSUME(t.Equals)
    this.SUBRULE(this.expression)
    this.OPTION(() => this.CONSUME(t.Semicolon))
  })

  field: Rule = this.RULE("field", () => {
    this.CONSUME(t.Identifier)
    this.CONSUME(t.Colon)
    this.SUBRULE(this.type)
    this.CONSUME(t.Equals)
    this.SUBRULE(this.expression)
    this.OPTION(() =>
      this.OR([{ ALT: () => this.CONSUME(t.Semicolon) }, { ALT: () => this.CONSUME(t.Comma) }]),
    )
  })

  train: Rule = this.RULE("train", () => {
    this.CONSUME(t.Train)
    this.OPTION({ GATE: () => !this.nextIs(t.On), DEF: () => this.CONSUME(t.Identifier, { LABEL: "name" }) })
    this.OPTION2(() => {
      this.CONSUME(t.On)
      this.CONSUME2(t.Identifier, { LABEL: "data" })
      this.MANY2(() => {
        this.CONSUME2(t.Comma)
        this.CONSUME3(t.Identifier, { LABEL: "beside" })
      })
    })
    this.CONSUME(t.LBrace)
    this.MANY(() => {
      this.SUBRULE(this.trainStatement)
      this.OPTION3(() =>
        this.OR([{ ALT: () => this.CONSUME(t.Semicolon) }, { ALT: () => this.CONSUME(t.Comma) }]),
      )
    })
    this.CONSUME(t.RBrace)
  })

  trainStatement: Rule = this.RULE("trainStatement", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.minimize), IGNORE_AMBIGUITIES: true },
      { ALT: () => this.SUBRULE(this.report), IGNORE_AMBIGUITIES: true },
      { ALT: () => this.SUBRULE(this.checkpoint), IGNORE_AMBIGUITIES: true },
      { ALT: () => this.SUBRULE(this.keep), IGNORE_AMBIGUITIES: true },
      { ALT: () => this.SUBRULE(this.patience), IGNORE_AMBIGUITIES: true },
      { ALT: () => this.SUBRULE(this.budget), IGNORE_AMBIGUITIES: true },
      { ALT: () => this.SUBRULE(this.precision), IGNORE_AMBIGUITIES: true },
      { ALT: () => this.SUBRULE(this.setting), IGNORE_AMBIGUITIES: true },
      { ALT: () => this.SUBRULE(this.statement) },
    ])
  })

  minimize: Rule = this.RULE("minimize", () => {
    this.CONSUME(t.Minimize)
    this.SUBRULE(this.expression)
    this.AT_LEAST_ONE(() => this.SUBRULE(this.optimizerGroup))
  })

  optimizerGroup: Rule = this.RULE("optimizerGroup", () => {
    this.OPTION(() => {
      this.CONSUME(t.Over)
      this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.postfix, { LABEL: "over" }) })
    })
    this.CONSUME(t.With)
    this.SUBRULE2(this.postfix, { LABEL: "with" })
  })

  report: Rule = this.RULE("report", () => {
    this.CONSUME(t.Report)
    this.OR([
      { ALT: () => this.SUBRULE(this.every), IGNORE_AMBIGUITIES: true },
      {
        ALT: () => {
          this.SUBRULE(this.named)
          this.MANY({
            // Else the comma stands before another setting.
            GATE: () => this.LA(2).tokenType !== t.Every && this.LA(3).tokenType === t.Equals,
            DEF: () => {
              this.CONSUME(t.Comma)
              this.SUBRULE2(this.named)
            },
          })
        },
      },
    ])
  })

  named: Rule = this.RULE("named", () => {
    this.CONSUME(t.Identifier)
    this.CONSUME(t.Equals)
    this.SUBRULE(this.expression)
  })

  checkpoint: Rule = this.RULE("checkpoint", () => {
    this.CONSUME(t.Checkpoint)
    this.SUBRULE(this.every)
  })

  every: Rule = this.RULE("every", () => {
    this.CONSUME(t.Every)
    this.SUBRULE(this.expression)
    this.CONSUME(t.Unit)
  })

  keep: Rule = this.RULE("keep", () => {
    this.CONSUME(t.Keep)
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Best)
          this.CONSUME(t.Identifier)
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Average)
          this.SUBRULE(this.expression)
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Last)
          this.SUBRULE2(this.expression)
        },
      },
    ])
  })

  patience: Rule = this.RULE("patience", () => {
    this.CONSUME(t.Patience)
    this.SUBRULE(this.expression)
    this.CONSUME(t.Unit)
    this.OPTION(() => {
      this.CONSUME(t.On)
      this.CONSUME(t.Identifier, { LABEL: "metric" })
    })
  })

  budget: Rule = this.RULE("budget", () => {
    this.CONSUME(t.Budget)
    this.CONSUME(t.Memory)
    this.SUBRULE(this.expression)
    this.CONSUME(t.ByteUnit)
  })

  precision: Rule = this.RULE("precision", () => {
    this.CONSUME(t.Precision)
    this.CONSUME(t.Mixed)
    this.OPTION(() => {
      this.CONSUME(t.With)
      this.SUBRULE(this.postfix)
    })
  })

  setting: Rule = this.RULE("setting", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.ValueSetting)
          this.SUBRULE(this.expression)
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.FlagSetting)
          this.OPTION({
            // Else the next setting begins, on a line of its own.
            GATE: () => this.LA(2).tokenType === t.Colon,
            DEF: () => {
              this.CONSUME(t.AnyWord)
              this.CONSUME(t.Colon)
              this.SUBRULE2(this.expression)
            },
          })
        },
      },
    ])
  })

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

  // Parts of several rules, not rules of their own: they leave no node in the tree.

  /** `seed: 7, stratify: "benign"` */
  private options(): void {
    this.AT_LEAST_ONE_SEP({
      SEP: t.Comma,
      DEF: () => {
        this.CONSUME(t.AnyWord)
        this.CONSUME(t.Colon)
        this.SUBRULE(this.expression)
      },
    })
    this.OPTION(() => this.CONSUME(t.Semicolon))
  }

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

  private nextIs(type: TokenType): boolean {
    return this.LA(1).tokenType === type
  }
}

/** The one instance: building it analyses the grammar. Set `input`, call `module()`, read `errors`. */
export const parser = new NnParser()
