/** ir/ast: Ast -> canonical .nn text, as `nnc fmt` writes it.
 *  Guarantees: reads back as the same Ast (spans aside); printing what was printed changes nothing; every comment
 *              stays; at most one empty line between two statements, where the source had one.
 *              Line breaks a reader would miss are kept: between pipe stages, after an opening bracket, in a block.
 *  Not here:   reading text (parse/), how expressions look (expression-text.ts). */
import { unreachable } from "../../source/bug.js"
import type * as ast from "./types.js"
import { CommentFlow, type Comment, type Item } from "./comments.js"
import { ExpressionPrinter, printString } from "./expression-text.js"
import { group, hardLine, indent, join, line, pretty, type Doc } from "./pretty.js"

export type { Comment } from "./comments.js"

const WIDTH = 110

/** `comments` are those of the source in order, without the `///` that are in the `doc` of a declaration. */
export function printModule(module: ast.Module, comments: readonly Comment[] = []): string {
  const printer = new Printer(comments)
  const text = pretty(printer.module(module), WIDTH)
  return text === "" ? "" : text.trimEnd() + "\n"
}

const isShort = (d: ast.Declaration | undefined): boolean =>
  d?.kind === "let-decl" || (d?.kind === "model" && d.follows !== undefined)

class Printer {
  private readonly flow: CommentFlow
  readonly expressions: ExpressionPrinter

  constructor(comments: readonly Comment[]) {
    this.flow = new CommentFlow(comments)
    this.expressions = new ExpressionPrinter(this.flow, (block) => this.blockBody(block))
  }

  module({ imports, declarations, span }: ast.Module): Doc {
    const items: Item[] = [
      ...imports.map((i) => ({ span: i.span, print: () => printImport(i) })),
      ...declarations.map((d) => ({ span: d.span, print: () => [docComment(d), this.declaration(d)] })),
    ]
    // Imports, and declarations without a body, may stand close together.
    const close = (i: number): boolean => i < imports.length || isShort(declarations[i - imports.length])
    const sameKind = (i: number): boolean => close(i - 1) && close(i) && i !== imports.length
    return this.flow.stack(items, span.end, (i, inSource) => inSource || !sameKind(i))
  }

  private declaration(d: ast.Declaration): Doc {
    const e = this.expressions
    switch (d.kind) {
      case "let-decl":
        return ["let ", d.name.text, " = ", e.any(d.value)]
      case "fn":
        return ["fn ", d.name.text, this.params(d.params), this.result(d.result), " ", this.block(d.body)]
      case "layer": {
        const head = ["layer ", d.name.text, this.params(d.config), this.params(d.inputs)]
        return [head, this.result(d.result), " ", this.block(d.body)]
      }
      case "model":
        if (d.follows)
          return ["model ", d.name.text, " follows ", d.follows.leader.text, " by ", e.postfix(d.follows.by)]
        return [
          ["model ", d.name.text, this.params(d.inputs), this.result(d.result)],
          [d.from === undefined ? "" : [" from ", e.postfix(d.from)], " ", this.block(d.body)],
        ]
      case "optimizer": {
        const names = `(${d.parameter.text}, ${d.gradient.text}) `
        return ["optimizer ", d.name.text, this.params(d.config), names, this.block(d.body)]
      }
      case "data":
        return ["data ", d.name.text, " = ", e.any(d.source), " ", this.braces(this.dataItems(d), d.span.end)]
      case "train": {
        const name = d.name === undefined ? "" : ` ${d.name.text}`
        const sets = d.data === undefined ? [] : [d.data, ...d.beside]
        const on = sets.length === 0 ? "" : ` on ${sets.map(({ text }) => text).join(", ")}`
        return ["train", name, on, " ", this.braces(this.trainItems(d.body), d.span.end)]
      }
      default:
        return unreachable(d)
    }
  }

  private params(params: readonly ast.Param[]): Doc {
    const items = params.map((p) => ({
      span: p.span,
      print: (): Doc => [
        p.name.text,
        p.type === undefined ? "" : [": ", this.expressions.type(p.type)],
        p.default === undefined ? "" : [" = ", this.expressions.any(p.default)],
      ],
    }))
    return this.expressions.bracketed("(", items, ")")
  }

  private result(type: ast.TypeExpr | undefined): Doc {
    return type === undefined ? "" : [" -> ", this.expressions.type(type)]
  }

  /** The items in source order; a program that was not read from text has the fields first. */
  private dataItems(d: ast.DataDecl): Item[] {
    const e = this.expressions
    const items: Item[] = d.fields.map((f) => ({
      span: f.span,
      print: () => [f.name.text, ": ", e.type(f.type), " = ", e.any(f.value)],
    }))
    for (const word of ["split", "windows"] as const) {
      const line = d[word]
      if (line === undefined) continue
      const args = (): Doc[] => line.args.map((a) => e.arg(a))
      items.push({ span: line.span, print: () => [`${word} `, join(", ", args())] })
    }
    for (const { condition, span } of d.where ?? [])
      items.push({ span, print: () => ["where ", e.any(condition)] })
    for (const part of ["val", "test"] as const) {
      const source = d[part]
      if (source !== undefined) items.push({ span: source.span, print: () => [`${part} = `, e.any(source)] })
    }
    return items.sort((a, b) => a.span.start - b.span.start)
  }

  /** Settings written on one line stay on one line. */
  private trainItems(body: readonly ast.TrainStmt[]): Item[] {
    const items: Item[] = []
    let run: ast.SettingStmt[] = []
    const flush = (): void => {
      if (run.length === 0) return
      const settings = run
      run = []
      const { file, start } = settings[0]!.span
      const span = { file, start, end: settings.at(-1)!.span.end }
      items.push({
        span,
        print: () =>
          join(
            ", ",
            settings.map((s) => this.setting(s)),
          ),
      })
    }
    for (const statement of body) {
      if (statement.kind !== "setting") {
        flush()
        items.push({ span: statement.span, print: () => this.trainStatement(statement) })
        continue
      }
      const last = run.at(-1)
      if (last?.span.file.text.slice(last.span.end, statement.span.start).includes("\n") === true) flush()
      run.push(statement)
    }
    flush()
    return items
  }

  private setting(s: ast.SettingStmt): Doc {
    const value = s.value === undefined ? "" : [s.with ? " with " : " ", this.expressions.any(s.value)]
    const unit = s.unit === undefined ? "" : ` ${s.unit}`
    const arg = s.arg === undefined ? "" : [" ", this.expressions.arg(s.arg)]
    return [s.name.text, arg, value, unit, s.on === undefined ? "" : ` on ${s.on.text}`]
  }

  private trainStatement(s: Exclude<ast.TrainStmt, ast.SettingStmt>): Doc {
    const e = this.expressions
    switch (s.kind) {
      case "minimize": {
        const groups = s.groups.map((g): Doc => {
          const over =
            g.over === undefined
              ? ""
              : [
                  "over ",
                  join(
                    ", ",
                    g.over.map((o) => e.postfix(o)),
                  ),
                  " ",
                ]
          return [over, "with ", e.postfix(g.optimizer)]
        })
        return group("minimize ", e.any(s.loss), indent(groups.map((g): Doc => [line, g])))
      }
      case "report":
        return ["report ", s.name.text, " = ", e.any(s.value)]
      case "expr":
        // `(batch)` is a value, `batch` would be a setting.
        return startsWithTrainWord(s.value) ? ["(", e.any(s.value), ")"] : this.statement(s)
      default:
        return this.statement(s)
    }
  }

  private statement(s: ast.Stmt): Doc {
    const e = this.expressions
    switch (s.kind) {
      case "let": {
        const names = s.names.map((n) => n.text).join(", ")
        return ["let ", s.names.length === 1 ? names : `(${names})`, " = ", e.any(s.value)]
      }
      case "var":
        return ["var ", s.name.text, " = ", e.any(s.value)]
      case "assign":
        return [s.name.text, " = ", e.any(s.value)]
      case "update":
        return [s.name.text, " <- ", e.any(s.value)]
      case "param": {
        const as = s.as === undefined ? "" : [" as ", e.any(s.as)]
        const head = [s.frozen ? "frozen param " : "param ", s.name.text, as, ": ", e.type(s.type)]
        return s.from === undefined ? [head, " = ", e.any(s.init)] : [head, " from ", e.postfix(s.from)]
      }
      case "state": {
        const type = s.type === undefined ? "" : [": ", e.type(s.type)]
        return ["state ", s.name.text, type, " = ", e.any(s.init)]
      }
      case "return":
        return ["return ", e.any(s.value)]
      case "if":
        return e.branches(s)
      case "for":
        return ["for ", s.name.text, " in ", e.header(s.range), " ", this.block(s.body)]
      case "expr":
        return s.value.kind === "scan" ? e.any(s.value) : e.header(s.value)
      default:
        return unreachable(s)
    }
  }

  private block(block: ast.Block): Doc {
    return group(this.blockBody(block))
  }

  /** On one line when it is one statement and was written so; the group around it decides. */
  private blockBody(block: ast.Block): Doc {
    const items = this.items(block)
    const { file, start, end } = block.span
    const short = items.length === 1 && !file.text.slice(start, end).includes("\n")
    return short && !this.flow.hasBefore(end)
      ? ["{", indent(line, items[0]!.print()), line, "}"]
      : this.braces(items, end)
  }

  private items(block: ast.Block): Item[] {
    return block.statements.map((s) => ({ span: s.span, print: () => this.statement(s) }))
  }

  private braces(items: readonly Item[], end: number): Doc {
    if (items.length === 0 && !this.flow.hasBefore(end)) return "{}"
    const beside = this.flow.afterBrace()
    if (items.length === 0 && !this.flow.hasBefore(end)) return ["{", beside, hardLine, "}"]
    const body = this.flow.stack(items, end, (_, inSource) => inSource)
    return ["{", beside, indent(hardLine, body), hardLine, "}"]
  }
}

function printImport(i: ast.Import): Doc {
  const names = i.names === undefined ? "" : `{ ${i.names.map((n) => n.text).join(", ")} } from `
  return `import ${names}${printString(i.path)}`
}

function docComment({ doc }: ast.Declaration): Doc {
  return doc === undefined ? "" : doc.split("\n").map((text) => [`/// ${text}`.trimEnd(), hardLine])
}

const trainWords = new Set([
  "minimize",
  "report",
  "checkpoint",
  "keep",
  "patience",
  "budget",
  "precision",
  "batch",
  "epochs",
  "steps",
  "seed",
  "clip_norm",
  "clip_value",
  "accumulate",
  "shuffle",
  "drop_last",
])

/** Whether the text of an expression begins with a word that means something else at the start of a line in `train`. */
function startsWithTrainWord(expr: ast.Expr): boolean {
  switch (expr.kind) {
    case "name":
      return trainWords.has(expr.name)
    case "pipe":
      return startsWithTrainWord(expr.value)
    case "binary":
      return startsWithTrainWord(expr.left)
    case "range":
      return startsWithTrainWord(expr.start)
    case "call":
      return startsWithTrainWord(expr.callee)
    case "field":
    case "index":
      return startsWithTrainWord(expr.object)
    default:
      return false
  }
}
