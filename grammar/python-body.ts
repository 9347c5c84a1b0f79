/** grammar: the lines of a function of Python -> statements. Names that are assigned are declared; `return a, b` is a tuple. */
import type { IToken } from "chevrotain"
import { blockEnd, isName, placeOf, type Line, type Rewriting } from "./rewriting.js"
import * as t from "./tokens.js"

export interface Body {
  readonly lines: readonly Line[]
  /** They may be assigned in Python: such a name goes on as a `var`. */
  readonly params: readonly string[]
  /** Spaces before a statement. */
  readonly margin: number
}

/** `nested` writes the lines of a block within; `statement` the others. */
export function writeBody(
  { lines, params, margin }: Body,
  out: Rewriting,
  nested: (lines: readonly Line[]) => void,
  statement: (tokens: readonly IToken[]) => void = (tokens) => out.keep(tokens),
): void {
  const assigned = new Map<string, number>()
  for (const { tokens } of lines) {
    const [name, sign] = tokens
    if (isName(name) && sign?.image === "=") assigned.set(name!.image, (assigned.get(name!.image) ?? 0) + 1)
  }
  const outer = out.renamed
  out.renamed = new Map([...outer, ...renamings(lines, params, assigned, margin, out)])
  const declared = new Set(
    lines.flatMap(({ tokens: [word, name] }) => (/^(let|var)$/.test(word!.image) ? [name?.image] : [])),
  )
  for (let i = 0; i < lines.length;) {
    const end = blockEnd(lines, i)
    const tokens = lines.slice(i, end).flatMap((line) => line.tokens)
    if (lines[i]!.tokens.at(-1)!.image === ":") nested(lines.slice(i, end))
    else {
      const [name, sign] = tokens
      if (
        sign?.image === "=" &&
        isName(name) &&
        !out.renamed.has(name!.image) &&
        !declared.has(name!.image)
      ) {
        declared.add(name!.image)
        const changes = assigned.get(name!.image)! > 1
        out.before(name!, [changes ? [t.Var, "var"] : [t.Let, "let"]], changes ? "var " : "let ")
      }
      writeStatement(tokens, out, statement)
    }
    i = end
  }
  out.renamed = outer
}

/** `x = relu(x)` of a parameter: `var h = x` before, and `h` in the place of `x` from there on. */
function renamings(
  lines: readonly Line[],
  params: readonly string[],
  assigned: ReadonlyMap<string, number>,
  margin: number,
  out: Rewriting,
): ReadonlyMap<string, string> {
  const renamed = new Map<string, string>()
  const used = new Set(lines.flatMap(({ tokens }) => tokens.map(({ image }) => image)))
  for (const param of params.filter((each) => assigned.has(each))) {
    const other = ["h", "out", "z", `new_${param}`].find((name) => !used.has(name))
    if (other === undefined) continue
    used.add(other)
    out.before(
      lines[0]!.tokens[0]!,
      [
        [t.Var, "var"],
        [t.Identifier, other],
        [t.Equals, "="],
        [t.Identifier, param],
      ],
      `var ${other} = ${param}\n${" ".repeat(margin)}`,
    )
    renamed.set(param, other)
  }
  return renamed
}

function writeStatement(
  tokens: readonly IToken[],
  out: Rewriting,
  statement: (tokens: readonly IToken[]) => void,
): void {
  const [word, ...value] = tokens
  if (word?.image !== "return" || placeOf(value, ",") < 0) return statement(tokens)
  out.keep([word])
  out.inParentheses(value, statement)
}
