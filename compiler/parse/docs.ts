/** parse: which `///` comments document a declaration. */
import type { IToken } from "chevrotain"
import { tokenSpan } from "../../grammar/layout.js"
import type { SourceFile } from "../source/source.js"

/** The tokens of the `///` lines directly above `start` (blank lines end the run), in order. */
export function docTokens(file: SourceFile, comments: readonly IToken[], start: number): readonly IToken[] {
  let first = firstAtOrAfter(comments, start)
  const after = first
  for (let below = start; first > 0; first--) {
    const comment = comments[first - 1]!
    const gap = file.text.slice(tokenSpan(file, comment).end, below)
    if (!isDoc(comment) || !/^[ \t]*\r?\n[ \t]*$/.test(gap)) break
    below = comment.startOffset
  }
  return comments.slice(first, after)
}

/** Their text, without the slashes. */
export function docBefore(file: SourceFile, comments: readonly IToken[], start: number): string | undefined {
  const lines = docTokens(file, comments, start)
  if (lines.length === 0) return undefined
  return lines.map((line) => line.image.replace(/^\/\/\/ ?/, "").trimEnd()).join("\n")
}

const isDoc = (comment: IToken): boolean => /^\/\/\/(?!\/)/.test(comment.image)

function firstAtOrAfter(comments: readonly IToken[], offset: number): number {
  let low = 0
  let high = comments.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (comments[middle]!.startOffset < offset) low = middle + 1
    else high = middle
  }
  return low
}
