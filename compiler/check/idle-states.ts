/** check: states that nothing updates: they keep their first value, as a constant would. Warnings. */
import type { Block, Declaration, StateStmt, Stmt } from "../ir/ast/types.js"
import type { Env } from "./env.js"
import { complain } from "./report.js"

export function warnOfIdleStates(env: Env, declarations: readonly Declaration[]): void {
  for (const decl of declarations) {
    if (decl.kind !== "layer" && decl.kind !== "model" && decl.kind !== "optimizer") continue
    const statements = allOf(decl.body)
    const updated = new Set(statements.flatMap((s) => (s.kind === "update" ? [s.name.text] : [])))
    for (const { name } of statements.filter((s): s is StateStmt => s.kind === "state"))
      if (!updated.has(name.text))
        complain(env, {
          severity: "warning",
          code: "state-idle",
          message: `the state \`${name.text}\` is never updated, and keeps its first value`,
          span: name.span,
          label: `no \`${name.text} <- ...\` in \`${decl.name.text}\``,
          help: `give it its next value with \`${name.text} <- ...\`, or make it a \`let\``,
        })
  }
}

/** With those of the blocks in it. */
const allOf = ({ statements }: Block): Stmt[] =>
  statements.flatMap((s) => {
    if (s.kind === "if") return [s, ...allOf(s.then), ...(s.else ? allOf(s.else) : [])]
    return s.kind === "for" ? [s, ...allOf(s.body)] : [s]
  })
