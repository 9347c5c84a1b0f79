/** check: leaves out errors that only follow from text that the parser could not read.
 *  Guarantees: in a declaration with an unread statement, the others are checked; there is no error about a part that may be missing in it,
 *              about a line that was not read whole, or about a word that stands on such a line. The value of such a declaration is
 *              unknown. There is no error at all about a declaration whose head or end was not read.
 *  Not here:   the effect of a statement's mistake on later statements (the value `ERROR`). */
import type { Declaration, Module } from "../ir/ast/types.js"
import { positionAt, type Span, spanText } from "../source/source.js"

export class Unread {
  private readonly words = new Set<string>()
  private readonly partly = new Set<Declaration>()
  private readonly ranges: Span[] = []
  /** Declarations in which a name was declared that could not be read. */
  private readonly nameless: Span[] = []
  /** A declaration has lost its name: any that is not known may be it. */
  private lostName = false

  constructor(modules: readonly Module[]) {
    for (const module of modules) {
      for (const span of module.unread) {
        const lines = wholeLines(span)
        const text = spanText(lines)
        for (const word of text.match(WORDS) ?? []) this.words.add(word)
        if (NAMELESS.test(text)) this.lostName = true
        // A declaration that ended too early goes on in the unread text after it; unread text may belong to a declaration before it on its line.
        const before = module.declarations.findLast((d) => d.span.start <= span.start)
        const after = module.declarations.find((d) => d.span.start > span.start)
        const line = after && span.file.text.slice(span.start, after.span.start).includes("\n")
        const body = before && bodyOf(before)
        if (before && body !== undefined && body <= span.start && span.end <= before.span.end) {
          this.partly.add(before)
          this.ranges.push(headOf(before), lines)
          if (DECLARES.test(text) && !DECLARES_NAMES.test(text)) this.nameless.push(before.span)
        } else if (before) this.leaveOut(before)
        if (after && line === false) this.leaveOut(after)
      }
    }
  }

  /** Whether a mistake that seems to be at a place may only follow. */
  explains(span: Span): boolean {
    return isWithin(this.ranges, span) || this.mayStandIn(spanText(span))
  }

  /** Whether a name that is not known may be one of those that were not read. */
  explainsName(span: Span): boolean {
    return this.lostName || isWithin(this.nameless, span)
  }

  /** Whether a part of it, or the text after it, was not read. */
  has(declaration: Declaration): boolean {
    return this.partly.has(declaration)
  }

  /** Whether a name may have been given another value in text that was not read. */
  mayChange(name: string, { file }: Span): boolean {
    return this.ranges.some((range) => range.file === file) && this.words.has(name)
  }

  private leaveOut(declaration: Declaration): void {
    this.partly.add(declaration)
    this.ranges.push(declaration.span)
  }

  /** Whether the word stands in unread text, alone or with characters beside it. */
  private mayStandIn(word: string): boolean {
    if (this.words.has(word)) return true
    return /^\w{3,}$/.test(word) && [...this.words].some((w) => w.startsWith(word) || w.endsWith(word))
  }
}

const isWithin = (ranges: readonly Span[], { file, start }: Span): boolean =>
  ranges.some((range) => range.file === file && range.start <= start && start < range.end)

/** Where it is said of a declaration that something is missing in it: at its name, or its first word. */
const headOf = ({ name, span }: Declaration): Span => name?.span ?? { ...span, end: span.start + 1 }

/** Where the statements, settings or fields of a declaration begin; undefined where it has none. */
function bodyOf(declaration: Declaration): number | undefined {
  if (declaration.kind === "let-decl") return undefined
  if (declaration.kind !== "data" && declaration.kind !== "train") return declaration.body.span.start
  const { file, start, end } = declaration.span
  const brace = file.text.slice(start, end).indexOf("{")
  return brace < 0 ? undefined : start + brace
}

/** The whole lines that a span touches. */
function wholeLines({ file, start, end }: Span): Span {
  const last = file.text.indexOf("\n", end)
  return {
    file,
    start: start - positionAt(file, start).column + 1,
    end: last < 0 ? file.text.length + 1 : last,
  }
}

const DECLARES = /^\s*(let|var|frozen|param|state|for)\b/
const NAMELESS = /^(let|fn|layer|model|optimizer|data)\b\s*(?=[=({:]|->)/
const DECLARES_NAMES =
  /^\s*(let|var|(frozen )?param|state|for)\s+(\w+\s*(=|:|in\b|as\b)|\(\w+(,\s*\w+)*\)\s*=)/
const WORDS = /[A-Za-z_]\w*/g
