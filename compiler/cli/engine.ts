/** cli: V8, made to optimise later. A compilation is over before optimised code of its many functions pays: V8 spends more on making
 *  it, on other cores, than the compilation itself takes.
 *  Not here:   anything that is needed for a right result. */
import { setFlagsFromString } from "node:v8"

/** Bytes of bytecode that a function runs before V8 thinks of optimising it; its own choice is 67,584. */
const BUDGET = 500_000
/** Major versions that have the flag (Node 20 to 24). Others might complain of it on stderr. */
const KNOWN = [11, 13] as const

export function optimizeLater(): void {
  const version = Number.parseInt(process.versions.v8, 10)
  if (version >= KNOWN[0] && version <= KNOWN[1]) setFlagsFromString(`--interrupt-budget=${BUDGET}`)
}
