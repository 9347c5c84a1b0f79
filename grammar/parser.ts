/** grammar: tokens -> CST.
 *  Assumes:    layout.ts has marked the tokens that open a line, and made the brackets match.
 *  Guarantees: a CST, also for a text with mistakes (incomplete where they are); the mistakes are in `errors`.
 *  Not here:   how tightly operators bind (from-cst.ts folds `operation`), the wording of mistakes (messages.ts), the rules of
 *              statements and expressions (statement-rules.ts).
 *  Every rule has its section, under its own name, in language.md. */
import type { TokenType } from "chevrotain"
import { StatementParser, type Rule } from "./statement-rules.js"
import * as t from "./tokens.js"

/** Rules only, no actions: those of declarations and of train sections here, those within a body in its base.
 *  `checked` has chevrotain look for ambiguities, which takes longer than a compilation. */
export class NnParser extends StatementParser {
  constructor(checked = false) {
    super(checked)
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

  private nextIs(type: TokenType): boolean {
    return this.LA(1).tokenType === type
  }
}

/** The one instance: building it analyses the grammar. Set `input`, call `module()`, read `errors`. */
export const parser = new NnParser()
