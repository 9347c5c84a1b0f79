/** ir/kernels: sums that loops add up term by term in a variable. Each addition rounds, so the error of such a sum grows with its
 *  terms: at most as many units in the last place (Higham, "Accuracy and Stability of Numerical Algorithms", 4.2). */
import type { DimValues } from "../tensor.js"
import { Most, MOST_ROWS } from "./most.js"
import type { Expr, ScalarType, Stmt } from "./types.js"
import { childrenOf, eachStmt, exprsOf, typeOf, widthOf } from "./walk.js"

/** The most terms of one sum in floating point. Longer ones are sums of sums. */
export const MOST_TERMS = 1024

/** The sums of `body` that may take more, each with the most terms that it may take. */
export function longSums(body: readonly Stmt[], dims: DimValues): ReadonlyMap<string, number> {
  const most = new Most(dims)
  const iterations = new Map<string, number>()
  const long = new Map<string, number>()
  /** The terms that `list` adds, to whatever it may be: where they are few, no sum takes many. */
  const visit = (list: readonly Stmt[]): number => {
    let added = 0
    for (const s of list) {
      if (s.kind === "let") most.let(s.name, s.value)
      else if (s.kind === "when") added += visit(s.then)
      else if (s.kind === "set") added += termsOf(s.value, s.name)
      else if (s.kind === "for") {
        const times = most.loop(s.name, s.extent) ?? MOST_ROWS
        iterations.set(s.name, times)
        const inner = times * visit(s.body)
        added += inner
        if (inner <= MOST_TERMS) continue
        for (const [name, { terms }] of sumsIn([s], (loop) => iterations.get(loop)!))
          if (terms > MOST_TERMS) long.set(name, terms)
      }
    }
    return added
  }
  visit(body)
  return long
}

export interface Sum {
  readonly type: ScalarType
  readonly width: 1 | 4
  /** The most terms that one run of `body` adds to it. */
  readonly terms: number
}

/** The floating-point variables declared outside `body` of which it does nothing but add to them.
 *  `iterations`: how often a loop in `body` runs at most. */
export function sumsIn(
  body: readonly Stmt[],
  iterations: (loop: string) => number,
): ReadonlyMap<string, Sum> {
  const others = namesReadElse(body)
  const sums = new Map<string, Sum>()
  const visit = (list: readonly Stmt[], times: number): void => {
    for (const s of list) {
      if (s.kind === "for") visit(s.body, times * iterations(s.name))
      else if (s.kind === "when") visit(s.then, times)
      else if (s.kind === "set" && !others.has(s.name)) {
        const terms = times * termsOf(s.value, s.name) + (sums.get(s.name)?.terms ?? 0)
        sums.set(s.name, { type: typeOf(s.value), width: widthOf(s.value), terms })
      }
    }
  }
  visit(body, 1)
  return sums
}

/** Names that are declared in `body`, set to something else than a floating-point sum, or read by anything but their own sums. */
function namesReadElse(body: readonly Stmt[]): Set<string> {
  const out = new Set<string>()
  const seen = new Set<Expr>()
  const read = (e: Expr): void => {
    if (seen.has(e)) return
    seen.add(e)
    if (e.kind === "ref") out.add(e.name)
    childrenOf(e).forEach(read)
  }
  eachStmt(body, (s) => {
    if (s.kind === "var" || s.kind === "let" || s.kind === "for" || s.kind === "join") out.add(s.name)
    if (s.kind !== "set") return exprsOf(s).forEach(read)
    if (termsOf(s.value, s.name) === 0) out.add(s.name)
    addends(s.value, s.name).forEach(read)
  })
  return out
}

/** 2 for `name + a + b`; 0 for an expression of another form. */
const termsOf = (e: Expr, name: string): number =>
  isFloat(e) && startsWith(e, name) ? addends(e, name).length : 0

const isSum = (e: Expr): e is Expr & { kind: "op" } => e.kind === "op" && e.op === "add"
const isFloat = (e: Expr): boolean => typeOf(e) === "f32" || typeOf(e) === "f16"
const startsWith = (e: Expr, name: string): boolean =>
  isSum(e) ? startsWith(e.args[0]!, name) : e.kind === "ref" && e.name === name

/** The terms added to `name`; the whole expression where it is no sum with `name`. */
function addends(e: Expr, name: string): readonly Expr[] {
  if (!startsWith(e, name)) return [e]
  return isSum(e) ? [...addends(e.args[0]!, name), e.args[1]!] : []
}
