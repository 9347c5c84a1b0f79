/** parse: statements that stand next to each other and were meant as one.
 *  Statements need no separator, so `x and y` reads as three of them; here such a pair is told apart from
 *  two statements that make sense on one line. */
import type { ExprStmt, Stmt, TrainStmt } from "../ir/ast/types.js"
import type { Diagnostics } from "../source/diagnostic.js"
import { positionAt } from "../source/source.js"
import { NAME_HABITS } from "../source/habits.js"
import { lineStartsStatement, sameLine } from "./errors.js"

export function checkNeighbours(statements: readonly TrainStmt[], out: Diagnostics): void {
  for (const [i, statement] of statements.entries()) {
    const next = statements[i + 1]
    if (next === undefined) return
    const { file } = statement.span
    const between = file.text.slice(statement.span.end, next.span.start)
    if (isExpression(statement) && /^[ \t]*$/.test(between)) {
      out.add(wordsOnOneLine(statement, next))
      return
    }
    const start = file.text[next.span.start] ?? ""
    if (isExpression(next) && start === "-" && between.includes("\n")) {
      const above = positionAt(file, statement.span.start).column
      if (positionAt(file, next.span.start).column > above)
        out.add(lineStartsStatement(start, next.span, statement.span))
    }
  }
}

const isExpression = (statement: TrainStmt): statement is ExprStmt => statement.kind === "expr"

function wordsOnOneLine(statement: ExprStmt, next: Stmt | TrainStmt): ReturnType<typeof sameLine> {
  const first = nameIn(statement)
  const habit = first === undefined ? undefined : NAME_HABITS[first]
  if (habit && "advice" in habit) return sameLine(statement.span, next.span, habit.advice)
  return sameLine(statement.span, next.span, "put them on two lines, or write the operator that joins them")
}

const nameIn = (statement: ExprStmt): string | undefined =>
  statement.value.kind === "name" ? statement.value.name : undefined
