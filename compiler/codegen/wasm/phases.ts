/** codegen/wasm: the lanes of a workgroup run one after another, so a body with barriers is cut at them: every lane runs the
 *  first piece, then every lane the second.
 *  Guarantees: `kept` names each value that one piece needs from another; it has one address per lane.
 *  Not here:   the code of the pieces (emit.ts). */
import { bug } from "../../source/bug.js"
import type { Expr, ScalarType, Stmt } from "../../ir/kernels/types.js"
import { childrenOf, exprsOf, typeOf, widthOf } from "../../ir/kernels/walk.js"

export type Phase =
  /** Statements without a barrier, run by one lane after another. */
  | { readonly kind: "lanes"; readonly body: readonly Stmt[] }
  /** A loop or condition around barriers: the same for all lanes. */
  | { readonly kind: "for"; readonly stmt: Stmt & { kind: "for" }; readonly body: readonly Phase[] }
  | { readonly kind: "when"; readonly stmt: Stmt & { kind: "when" }; readonly body: readonly Phase[] }

export interface KeptName {
  readonly name: string
  readonly type: ScalarType
  readonly width: 1 | 4
}
export interface Phases {
  readonly phases: readonly Phase[]
  readonly kept: readonly KeptName[]
}

export const hasBarrier = (body: readonly Stmt[]): boolean =>
  body.some(
    (s) =>
      s.kind === "barrier" ||
      (s.kind === "for" && hasBarrier(s.body)) ||
      (s.kind === "when" && hasBarrier(s.then)),
  )

export function cutAtBarriers(body: readonly Stmt[]): Phases {
  const phases = cut(body)
  const definedIn = new Map<string, Phase | undefined>()
  const info = new Map<string, KeptName>()
  const kept = new Map<string, KeptName>()
  const define = (name: string, type: ScalarType, width: 1 | 4, phase: Phase | undefined): void => {
    if (definedIn.has(name) && definedIn.get(name) !== phase)
      bug(`${name} is defined in two pieces of a kernel`)
    definedIn.set(name, phase)
    info.set(name, { name, type, width })
  }
  const use = (name: string, phase: Phase | undefined): void => {
    if (!definedIn.has(name) || definedIn.get(name) === phase) return
    kept.set(name, info.get(name)!)
  }
  const uses = (e: Expr, phase: Phase | undefined): void => {
    if (e.kind === "ref") use(e.name, phase)
    for (const part of childrenOf(e)) uses(part, phase)
  }
  const statement = (s: Stmt, phase: Phase): void => {
    for (const e of exprsOf(s)) uses(e, phase)
    if (s.kind === "let") define(s.name, typeOf(s.value), widthOf(s.value), phase)
    if (s.kind === "var") define(s.name, s.type, s.width, phase)
    if (s.kind === "set") use(s.name, phase)
    if (s.kind === "for") s.body.forEach((inner) => statement(inner, phase))
    if (s.kind === "when") s.then.forEach((inner) => statement(inner, phase))
  }
  const walk = (list: readonly Phase[]): void => {
    for (const phase of list) {
      if (phase.kind === "lanes") phase.body.forEach((s) => statement(s, phase))
      else {
        // Evaluated outside the pieces, with the values of the first lane.
        uses(phase.kind === "for" ? phase.stmt.extent : phase.stmt.cond, undefined)
        walk(phase.body)
      }
    }
  }
  walk(phases)
  return { phases, kept: [...kept.values()] }
}

function cut(body: readonly Stmt[]): Phase[] {
  const out: Phase[] = []
  let run: Stmt[] = []
  const close = (): void => {
    if (run.length > 0) out.push({ kind: "lanes", body: run })
    run = []
  }
  for (const s of body) {
    if (s.kind === "barrier") close()
    else if (s.kind === "for" && hasBarrier(s.body)) {
      close()
      out.push({ kind: "for", stmt: s, body: cut(s.body) })
    } else if (s.kind === "when" && hasBarrier(s.then)) {
      close()
      out.push({ kind: "when", stmt: s, body: cut(s.then) })
    } else run.push(s)
  }
  close()
  return out
}
