/** ir/ast: expressions and types -> documents, with only the parentheses that precedence asks for.
 *  Not here:   statements (text.ts), which blocks of an `if` need: they are handed in. */
import { unreachable } from "../../source/bug.js"
import type * as ast from "./types.js"
import type { CommentFlow, Item } from "./comments.js"
import { isRightAssociative, PIPE, POSTFIX, POWER, precedenceOf, PREFIX } from "./precedence.js"
import { fill, group, hardLine, indent, join, line, softLine, type Doc } from "./pretty.js"

/** An `if` binds more loosely than anything: as an operand it needs parentheses. */
const ANY = PIPE - 1

export class ExpressionPrinter {
  constructor(
    private readonly flow: CommentFlow,
    private readonly block: (block: ast.Block) => Doc,
  ) {}

  /** Where any expression may stand. */
  any(expr: ast.Expr): Doc {
    return this.atLeast(ANY, expr)
  }
  /** Where an `if` would be a statement, or its block would be taken for another. */
  header(expr: ast.Expr): Doc {
    return this.atLeast(PIPE, expr)
  }
  /** Where only names, literals, calls, indices and fields may stand. */
  postfix(expr: ast.Expr): Doc {
    return this.atLeast(POSTFIX, expr)
  }

  type(type: ast.TypeExpr): Doc {
    if (type.kind === "tuple-type")
      return [
        "(",
        join(
          ", ",
          type.items.map((item) => this.type(item)),
        ),
        ")",
      ]
    if (type.dims === undefined) return type.base.text
    const dims = type.dims.map((dim) => (dim.kind === "rest" ? `...${dim.name?.text ?? ""}` : this.any(dim)))
    return [type.base.text, "[", join(", ", dims), "]"]
  }

  arg(arg: ast.Arg): Doc {
    return [arg.name === undefined ? "" : `${arg.name.text}: `, this.any(arg.value)]
  }

  /** Items between brackets: on one line, or each on its own where they do not fit or were written so. */
  bracketed(open: string, items: readonly Item[], close: string): Doc {
    const first = items[0]
    if (first === undefined) return open + close
    const { file, start } = first.span
    const opensLine = /[([][ \t\r]*\n\s*$/.test(file.text.slice(Math.max(0, start - 200), start))
    const body = items.map((item, i): Doc => [
      i === 0 ? "" : line,
      this.flow.inline(item, i === items.length - 1 ? "" : ","),
    ])
    return group(open, indent(opensLine ? hardLine : softLine, body), softLine, close)
  }

  /** `if ... else if ... else`, all blocks on one line or none. */
  branches(node: ast.IfStmt | ast.IfExpr): Doc {
    const parts: Doc[] = ["if ", this.header(node.condition), " ", this.block(node.then)]
    let otherwise = node.else
    while (otherwise !== undefined) {
      const only: ast.Stmt | undefined =
        otherwise.statements.length === 1 ? otherwise.statements[0] : undefined
      if (only?.kind === "if") {
        parts.push(" else if ", this.header(only.condition), " ", this.block(only.then))
        otherwise = only.else
      } else {
        parts.push(" else ", this.block(otherwise))
        break
      }
    }
    return group(parts)
  }

  private atLeast(precedence: number, expr: ast.Expr): Doc {
    const doc = this.bare(expr)
    return strength(expr) < precedence ? ["(", doc, ")"] : doc
  }

  private bare(expr: ast.Expr): Doc {
    switch (expr.kind) {
      case "number":
        return expr.text
      case "string":
        return printString(expr.value)
      case "bool":
        return expr.value ? "true" : "false"
      case "none":
        return "none"
      case "name":
        return expr.name
      case "list":
        return this.list(expr)
      case "tuple":
        return this.bracketed("(", expr.items.map(this.expressionItem), ")")
      case "range": {
        const own = strength(expr)
        return [this.atLeast(own, expr.start), "..", this.atLeast(own + 1, expr.end)]
      }
      case "unary":
        return [expr.op, this.atLeast(PREFIX, expr.operand)]
      case "binary":
        return this.binary(expr)
      case "pipe":
        return this.pipe(expr)
      case "call": {
        const args = expr.args.map((arg) => ({ span: arg.span, print: () => this.arg(arg) }))
        return [this.postfix(expr.callee), this.bracketed("(", args, ")")]
      }
      case "field":
        return [this.postfix(expr.object), ".", expr.name.text]
      case "index": {
        const items = expr.items.map((item) => this.indexItem(item))
        return [this.postfix(expr.object), "[", join(", ", items), "]"]
      }
      case "scan": {
        const names = join(
          ", ",
          expr.names.map((n) => n.text),
        )
        const head = [
          "scan ",
          expr.names.length === 1 ? names : ["(", names, ")"],
          " in ",
          this.header(expr.sequence),
        ]
        return group(head, " over ", this.header(expr.axis), " ", this.block(expr.body))
      }
      case "if-expr":
        return this.branches(expr)
      default:
        return unreachable(expr)
    }
  }

  private readonly expressionItem = (expr: ast.Expr): Item => ({
    span: expr.span,
    print: () => this.any(expr),
  })

  /** Numbers fill their lines; anything else stands one to a line when it does not fit. */
  private list(expr: ast.ListExpr): Doc {
    const { items } = expr
    if (items.length === 0 || !items.every(isNumber))
      return this.bracketed("[", items.map(this.expressionItem), "]")
    const body = items.map((item, i): Doc => {
      const doc = this.flow.inline(this.expressionItem(item), i === items.length - 1 ? "" : ",")
      return i === 0 ? doc : fill(doc)
    })
    return group("[", indent(softLine, body), softLine, "]")
  }

  /** A chain of equally strong operators; a line ends with its operator. */
  private binary(expr: ast.BinaryExpr): Doc {
    const own = strength(expr)
    if (isRightAssociative(expr.op))
      return [this.atLeast(POSTFIX, expr.left), ` ${expr.op} `, this.atLeast(PREFIX, expr.right)]
    if (comparisons.has(expr.op)) {
      // `(a > 0) == (b > 0)` keeps parentheses that it could do without.
      const operand = (side: ast.Expr): Doc => this.atLeast(precedenceOf(".."), side)
      return [operand(expr.left), ` ${expr.op}`, indent(fill(operand(expr.right)))]
    }
    const chain: ast.BinaryExpr[] = []
    let left: ast.Expr = expr
    while (left.kind === "binary" && strength(left) === own) {
      chain.push(left)
      left = left.left
    }
    const first = this.atLeast(own, left)
    const rest = chain.reverse().map((link): Doc => [` ${link.op}`, fill(this.atLeast(own + 1, link.right))])
    return [first, indent(rest)]
  }

  /** Breaks between stages stay; a stage that does not fit starts a line. */
  private pipe(expr: ast.PipeExpr): Doc {
    const stages: ast.PipeExpr[] = []
    let value: ast.Expr = expr
    while (value.kind === "pipe") {
      stages.push(value)
      value = value.value
    }
    const start = value
    const first = this.flow.inline({ span: start.span, print: () => this.atLeast(PIPE, start) })
    const rest = stages.reverse().map((stage): Doc => {
      const { target } = stage
      const { file, start: begin } = target.span
      const broken = file.text.slice(stage.value.span.end, begin).includes("\n")
      const doc = this.flow.inline({ span: target.span, print: () => ["|> ", this.postfix(target)] })
      return broken ? [hardLine, doc] : fill(doc)
    })
    return [first, indent(rest)]
  }

  private indexItem(item: ast.IndexItem): Doc {
    if (item.kind === "rest") return "..."
    if (item.kind === "at") return this.any(item.value)
    const part = (expr: ast.Expr | undefined): Doc => (expr === undefined ? "" : this.any(expr))
    return [part(item.start), ":", part(item.stop), item.step === undefined ? "" : [":", this.any(item.step)]]
  }
}

export function printString(value: string): string {
  const escaped = value.replace(/["\\\n\r\t]|[^\P{C}]/gu, (c) => {
    const known = escapes[c]
    return known ?? `\\u{${c.codePointAt(0)!.toString(16).toUpperCase()}}`
  })
  return `"${escaped}"`
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
}

const comparisons: ReadonlySet<ast.BinaryOp> = new Set(["==", "!=", "<", "<=", ">", ">="])

const isNumber = (expr: ast.Expr): boolean =>
  expr.kind === "number" || (expr.kind === "unary" && expr.operand.kind === "number")

function strength(expr: ast.Expr): number {
  switch (expr.kind) {
    case "if-expr":
    case "scan":
      return ANY
    case "pipe":
      return PIPE
    case "range":
      return precedenceOf("..")
    case "binary":
      return expr.op === "^" ? POWER : precedenceOf(expr.op)
    case "unary":
      return PREFIX
    default:
      return POSTFIX
  }
}
