/** editor: a declaration in a few words: its signature and its documentation. */
import type { Declaration } from "../ir/ast/types.js"
import type { NamedSymbol } from "./names.js"
import { spanText } from "../source/source.js"

/** `layer Linear(out: int, bias: bool = true)(x: f32[..., in]) -> f32[..., out]`: the declaration without its body. */
export function headText(decl: Declaration): string {
  const { file, start, end } = decl.span
  const from = "doc" in decl && decl.doc !== undefined ? headStart(decl) : start
  const to = bodyStart(decl) ?? end
  return file.text
    .slice(from, to)
    .replace(/\s*\{\s*$/, "")
    .replace(/\s+/g, " ")
    .replace(/(?<=\() | (?=\))/g, "")
    .trim()
}

/** Documentation may belong to the span. */
function headStart({ span, name }: Declaration): number {
  if (name === undefined) return span.start
  const line = span.file.text.lastIndexOf("\n", name.span.start) + 1
  return Math.max(span.start, line)
}

function bodyStart(decl: Declaration): number | undefined {
  if (decl.kind === "let-decl") return undefined
  if (decl.kind === "train" || decl.kind === "data") {
    const brace = decl.span.file.text.indexOf("{", decl.name?.span.end ?? decl.span.start)
    return brace < 0 ? undefined : brace
  }
  return decl.body.span.start
}

const WORDS: Readonly<Partial<Record<NamedSymbol["kind"], string>>> = {
  argument: "argument",
  constant: "let",
  field: "field",
  loop: "for",
  size: "size",
}

/** The first line of a hover. */
export function titleOf({ name, kind, decl, first }: NamedSymbol, type: string | undefined): string {
  if (decl && decl.kind !== "let-decl") return headText(decl)
  const word = WORDS[kind] ?? kind
  const value = first ? ` ${spanText(first).trim()}` : ""
  return `${word} ${name}${type === undefined ? "" : `: ${type}`}${value}`
}

export const docOf = ({ decl }: NamedSymbol): string | undefined =>
  decl && "doc" in decl ? decl.doc : undefined
