/** schedule: loops of a constant count, kept as loops by drivers.   KernelProgram[] -> KernelProgram[]
 *  Mesa unrolls loops of up to 32 iterations: the result takes seconds to compile and, for a tile of sums, runs slower. For a
 *  software adapter such a count gets a summand that is 0 and that the driver cannot know; for every adapter in a kernel that is a
 *  whole program.
 *  Nests of a few short iterations are left to the driver.
 *  Guarantees: the same iterations in the same order. */
import { callsOf } from "../../ir/kernels/grid.js"
import type { Expr, Kernel, KernelProgram, Stmt } from "../../ir/kernels/types.js"
import type { Pass } from "../../pass.js"
import { codeSize } from "../../ir/kernels/code-size.js"

export const roll: Pass<readonly KernelProgram[], readonly KernelProgram[]> = {
  name: "roll",
  summary: "hide constant counts of loops from drivers that would write them out",
  run: (programs, { target }) => {
    const kernelOf = (k: Kernel): Kernel => {
      if (callsOf(k) !== undefined) return { ...k, body: rolled(k.body, none) }
      return target.costs.hidesTripCounts ? { ...k, body: rolled(k.body, isShort) } : k
    }
    return programs.map((p) => ({ ...p, kernels: p.kernels.map(kernelOf) }))
  },
}

const rolled = (body: readonly Stmt[], stays: (loop: Loop) => boolean): Stmt[] =>
  body.map((s): Stmt => {
    if (s.kind === "when") return { ...s, then: rolled(s.then, stays) }
    if (s.kind !== "for" || stays(s)) return s
    const serial = s.on === "serial"
    const extent = serial && s.extent.kind === "const" ? unknown(s.extent) : s.extent
    return { ...s, extent, body: rolled(s.body, serial ? none : stays) }
  })

type Loop = Stmt & { kind: "for" }
const none = (): boolean => false
/** Iterations, those of loops within counted, and code that are better written out: those of a small pooling window. */
const SHORT = { iterations: 4, code: 400 } as const
const isShort = (loop: Loop): boolean =>
  loop.on === "serial" &&
  tripCount(loop) <= SHORT.iterations &&
  tripCount(loop) * codeSize(loop.body) <= SHORT.code

function tripCount(loop: Loop): number {
  if (loop.extent.kind !== "const") return Infinity
  const within = loop.body.map((s) => (s.kind === "for" ? tripCount(s) : 1))
  return loop.extent.value * Math.max(1, ...within)
}

/** The same number, which the driver cannot know: R is not negative. */
function unknown(count: Expr): Expr {
  const zero: Expr = { kind: "const", type: "i32", value: 0 }
  const rows: Expr = { kind: "dim", symbol: "R" }
  const nothing: Expr = { kind: "op", op: "min", args: [rows, zero], type: "i32", width: 1 }
  return { kind: "op", op: "add", args: [count, nothing], type: "i32", width: 1 }
}
