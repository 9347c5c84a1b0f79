/** schedule: loops of a constant count, kept as loops by drivers.   KernelProgram[] -> KernelProgram[]
 *  Mesa writes loops of up to 32 turns out: what comes of it takes seconds to compile and, for a tile of sums, runs slower. For a
 *  software adapter such a count gets a summand that is 0 and that the driver cannot know; for every adapter in a kernel that is a
 *  whole program.
 *  Guarantees: the same turns in the same order. */
import { callsOf } from "../ir/kernels/grid.js"
import type { Expr, Kernel, KernelProgram, Stmt } from "../ir/kernels/types.js"
import type { Pass } from "../pass.js"

export const roll: Pass<readonly KernelProgram[], readonly KernelProgram[]> = {
  name: "roll",
  summary: "hide constant counts of loops from drivers that would write them out",
  run: (programs, { target }) => {
    if (target.deviceClass === "wasm") return programs
    const long = (k: Kernel): boolean => target.deviceClass === "software" || callsOf(k) !== undefined
    const kernelOf = (k: Kernel): Kernel => (long(k) ? { ...k, body: rolled(k.body) } : k)
    return programs.map((p) => ({ ...p, kernels: p.kernels.map(kernelOf) }))
  },
}

const rolled = (body: readonly Stmt[]): Stmt[] =>
  body.map((s): Stmt => {
    if (s.kind === "when") return { ...s, then: rolled(s.then) }
    if (s.kind !== "for") return s
    const known = s.on === "serial" && s.extent.kind === "const"
    return { ...s, extent: known ? unknown(s.extent) : s.extent, body: rolled(s.body) }
  })

/** The same number, which the driver cannot know: R is not negative. */
function unknown(count: Expr): Expr {
  const zero: Expr = { kind: "const", type: "i32", value: 0 }
  const rows: Expr = { kind: "dim", symbol: "R" }
  const nothing: Expr = { kind: "op", op: "min", args: [rows, zero], type: "i32", width: 1 }
  return { kind: "op", op: "add", args: [count, nothing], type: "i32", width: 1 }
}
