/** check: names that are visible inside a body. Scopes are chained; the outermost is a module's (resolve.ts). */
import type { Span } from "../source/source.js"
import type { Value } from "./values.js"

export interface Binding {
  value: Value
  readonly span: Span
  /** config: a layer's argument, which a `param` may take over. state: may stand left of `<-`. */
  readonly kind: "let" | "var" | "argument" | "config" | "size" | "param" | "state" | "loop"
  /** For a state: the slot that `<-` writes. */
  readonly slot?: string
}
export interface Scope {
  readonly names: Map<string, Binding>
  /** Names of which it was said that they stand for nothing here. */
  unknown: Set<string> | undefined
  /** Names that the body around it has read as the library's, and where first. */
  readonly libraryReads: Map<string, Span>
  readonly parent: Scope | undefined
}

export const newScope = (parent?: Scope): Scope => ({
  names: new Map(),
  unknown: undefined,
  libraryReads: parent?.libraryReads ?? new Map(),
  parent,
})

export function isUnknown(scope: Scope | undefined, name: string): boolean {
  return scope !== undefined && ((scope.unknown?.has(name) ?? false) || isUnknown(scope.parent, name))
}

/** The innermost binding of a name. */
export function lookup(scope: Scope, name: string): Binding | undefined {
  for (let s: Scope | undefined = scope; s; s = s.parent) {
    const found = s.names.get(name)
    if (found) return found
  }
  return undefined
}

/** Every local name in sight, for suggestions. */
export function namesIn(scope: Scope): string[] {
  const out: string[] = []
  for (let s: Scope | undefined = scope; s; s = s.parent) out.push(...s.names.keys())
  return out
}
