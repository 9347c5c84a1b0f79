/** parse: the context that every part of CST -> Ast shares: the file, the diagnostics, spans, and the handling of holes.
 *  A text with mistakes gives a CST with holes. Reading a hole throws `Incomplete`, which never leaves this room:
 *  `complete` drops the statement, field or declaration around it. The mistake itself has been reported already. */
import type { CstNode, IToken } from "chevrotain"
import { tokenSpan } from "../../grammar/layout.js"
import type { Diagnostics } from "../source/diagnostic.js"
import { linesOf, type SourceFile, type Span } from "../source/source.js"
import type { Name } from "../ir/ast/types.js"

export interface Reading {
  readonly file: SourceFile
  readonly diagnostics: Diagnostics
  /** The spans of statements, fields and declarations that are left out. */
  readonly unread: Span[]
  /** Lines with a syntax mistake, from 1: the reader may have skipped a part of them. */
  readonly brokenLines: Set<number>
}

/** The results of `read` for the nodes without holes. */
export function complete<N extends CstNode, A>(
  cx: Reading,
  nodes: readonly N[] | undefined,
  read: (node: N) => A,
): A[] {
  const result: A[] = []
  for (const node of nodes ?? []) {
    try {
      result.push(read(node))
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error
      const { startOffset, endOffset } = node.location ?? {}
      if (startOffset !== undefined && endOffset !== undefined && endOffset >= startOffset)
        cx.unread.push({ file: cx.file, start: startOffset, end: endOffset + 1 })
    }
  }
  return result
}

/** Children of a statement or a field, none of which the parser had to skip, and nothing on its lines either. Of one that holds
 *  statements, these are looked at one by one. */
export function wholeItem<N extends CstNode>(cx: Reading, node: N, holdsStatements = false): N["children"] {
  if (cx.brokenLines.size > 0) {
    const [first, last] = linesOf(spanOf(cx, node))
    const broken = (line: number): boolean =>
      holdsStatements ? line === first || line === last : first <= line && line <= last
    if ([...cx.brokenLines].some(broken)) {
      // Its part on the next lines was perhaps a statement of its own.
      for (let line = first; line <= last && !holdsStatements; line++) cx.brokenLines.add(line)
      return hole()
    }
  }
  return whole(node)
}

/** The child that the rule requires. */
export function the<T>(children: readonly T[] | undefined): T {
  const first = children?.[0]
  return first === undefined ? hole() : first
}

/** Stops reading the construct around a hole. */
export function hole(): never {
  throw new Incomplete()
}

/** Children of a node, none of which the parser had to skip. */
export function whole<N extends CstNode>(node: N): N["children"] {
  return node.recoveredNode === true ? hole() : node.children
}

export function spanOf(cx: Reading, node: CstNode): Span {
  const { startOffset, endOffset } = node.location ?? hole()
  if (Number.isNaN(startOffset) || endOffset === undefined || Number.isNaN(endOffset)) return hole()
  return { file: cx.file, start: startOffset, end: endOffset + 1 }
}

export function nameOf(cx: Reading, token: IToken): Name {
  // A token that error recovery put in has no text.
  return token.image === "" ? hole() : { text: token.image, span: tokenSpan(cx.file, token) }
}

class Incomplete extends Error {
  override readonly name = "Incomplete"
}
