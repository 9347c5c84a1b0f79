/** ir/ast: where comments go when a program is printed.
 *  Guarantees: every comment is handed out exactly once, in source order: above an item, or at the end of its line.
 *  A comment in the middle of an expression moves above the statement it is in. */
import type { Span } from "../../source/source.js"
import { comment, hardLine, type Doc } from "./pretty.js"

export interface Comment {
  readonly span: Span
  readonly text: string
}

/** Something that gets a line of its own, or may get one. */
export interface Item {
  readonly span: Span
  readonly print: () => Doc
}

export class CommentFlow {
  private next = 0
  constructor(private readonly comments: readonly Comment[]) {}

  /** Items one under the other: statements, declarations. `blank` says whether an empty line stands between two. */
  stack(items: readonly Item[], end: number, blank: (index: number, inSource: boolean) => boolean): Doc {
    const lines: Doc[] = []
    let last: number | undefined
    const separate = (start: number, file: Span["file"], forced?: number): void => {
      if (last === undefined) return
      const inSource = /\n[ \t\r]*\n/.test(file.text.slice(last, start))
      const empty = forced === undefined ? inSource : blank(forced, inSource)
      lines.push(hardLine, ...(empty ? [hardLine] : []))
    }
    items.forEach((item, index) => {
      const { file } = item.span
      let first: number | undefined = index
      for (const above of this.takeBefore(item.span.start)) {
        separate(above.span.start, file, first)
        first = undefined
        lines.push(above.text)
        last = above.span.end
      }
      const body = item.print()
      const inside = this.takeBefore(item.span.end)
      separate(item.span.start, file, first)
      lines.push(...inside.map((c) => [c.text, hardLine]), body)
      last = Math.max(item.span.end, inside.at(-1)?.span.end ?? 0)
      const trailing = this.takeTrailing(item.span)
      if (trailing !== undefined) {
        lines.push(comment(trailing.text))
        last = trailing.span.end
      }
    })
    for (const below of this.takeBefore(end)) {
      separate(below.span.start, below.span.file)
      lines.push(below.text)
      last = below.span.end
    }
    return lines
  }

  /** An item among others on a line: an argument, a stage of a pipe. `after` is what follows it there, a comma. */
  inline({ span, print }: Item, after: Doc = ""): Doc {
    const above = this.takeBefore(span.start).map((c) => [c.text, hardLine])
    const body = print()
    const trailing = this.takeTrailing(span)
    return [above, body, after, trailing === undefined ? "" : comment(trailing.text)]
  }

  /** A comment on the line of the `{` that was just printed. */
  afterBrace(): Doc {
    const candidate = this.comments[this.next]
    if (candidate === undefined) return ""
    const { file, start } = candidate.span
    if (!/\{[ \t]*$/.test(file.text.slice(file.text.lastIndexOf("\n", start) + 1, start))) return ""
    this.next++
    return comment(candidate.text)
  }

  /** Whether a comment starts before `offset` and has not been printed. */
  hasBefore(offset: number): boolean {
    const comment = this.comments[this.next]
    return comment !== undefined && comment.span.start < offset
  }

  private takeBefore(offset: number): Comment[] {
    const taken: Comment[] = []
    while (this.hasBefore(offset)) taken.push(this.comments[this.next++]!)
    return taken
  }

  private takeTrailing(span: Span): Comment | undefined {
    const candidate = this.comments[this.next]
    if (candidate === undefined || candidate.span.start < span.end) return undefined
    if (!/^[ \t,;]*$/.test(span.file.text.slice(span.end, candidate.span.start))) return undefined
    this.next++
    return candidate
  }
}
