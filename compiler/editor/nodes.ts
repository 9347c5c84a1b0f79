/** editor: every node of a tree, whatever its kind. */
import type { Expr, Module } from "../ir/ast/types.js"
import type { Span } from "../source/source.js"

export type AnyNode = { readonly kind?: string; readonly span: Span }

/** All nodes, in order of their fields; chains of pipes are walked without recursion. */
export function* nodesOf(root: Module): Generator<AnyNode> {
  const waiting: unknown[] = [root]
  while (waiting.length > 0) {
    const each = waiting.pop()
    if (Array.isArray(each)) waiting.push(...(each as readonly unknown[]).toReversed())
    else if (isNode(each)) {
      yield each
      waiting.push(...Object.values(each).toReversed())
    }
  }
}

const isNode = (value: unknown): value is AnyNode =>
  typeof value === "object" && value !== null && "span" in value

export const isCall = (node: AnyNode): node is Extract<Expr, { kind: "call" }> => node.kind === "call"
export const isPipe = (node: AnyNode): node is Extract<Expr, { kind: "pipe" }> => node.kind === "pipe"
