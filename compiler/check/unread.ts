/** check: what follows from text that the parser could not read, and is not said again.
 *  Guarantees: nothing is said of a declaration that was not read whole, nor of a word that stands in unread text; whatever comes of
 *              such a declaration is unknown.
 *  Not here:   what a statement's mistake does to the statements after it (the value `ERROR`). */
import type { Declaration, Module } from "../ir/ast/types.js"
import type { SourceFile, Span } from "../source/source.js"

export class Unread {
  private readonly words = new Set<string>()
  private readonly partly = new Set<Declaration>()
  private readonly ranges: Span[] = []

  constructor(modules: readonly Module[]) {
    for (const module of modules) {
      for (const span of module.unread) {
        for (const word of span.file.text.slice(span.start, span.end).match(WORDS) ?? []) this.words.add(word)
        // What ended too early is continued by what was not read after it; what stands before it on its line may belong to it.
        const before = module.declarations.findLast((d) => d.span.start <= span.start)
        const after = module.declarations.find((d) => d.span.start > span.start)
        const line = after && span.file.text.slice(span.start, after.span.start).includes("\n")
        for (const each of [before, line === false ? after : undefined]) {
          if (each === undefined || this.partly.has(each)) continue
          this.partly.add(each)
          this.ranges.push(each.span)
        }
      }
    }
  }

  /** Whether a mistake that seems to be at a place may only follow. */
  explains({ file, start }: Span): boolean {
    return this.isWithin(file, start) || this.words.has(wordAt(file, start))
  }

  /** Whether a part of it was not read, or what follows it. */
  has(declaration: Declaration): boolean {
    return this.partly.has(declaration)
  }

  private isWithin(file: SourceFile, at: number): boolean {
    return this.ranges.some((range) => range.file === file && range.start <= at && at < range.end)
  }
}

const WORDS = /[A-Za-z_]\w*/g
const wordAt = ({ text }: SourceFile, at: number): string => {
  WORD.lastIndex = at
  return WORD.exec(text)?.[0] ?? ""
}
const WORD = /[A-Za-z_]\w*/y
