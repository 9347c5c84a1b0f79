/** cli: V8, made to optimise later. A compilation is over before optimised code of its many functions pays: V8 spends more on making
 *  it, on other cores, than the compilation itself takes.
 *  Not here:   anything that is needed for a right result. */
import { setFlagsFromString } from "node:v8"

/** By version of V8, because its flags come and go, and an unknown one prints an error on stderr. A version that is not listed
 *  keeps V8's own choice. In Node 20 a function may run 500,000 bytes of bytecode before V8 thinks of optimising it (67,584 by
 *  default); from Node 22 on, TurboFan waits for 20,000 calls (3,000 by default). */
const LATER: Readonly<Record<string, string>> = {
  "11.3": "--interrupt-budget=500000", // Node 20
  "12.4": "--invocation-count-for-turbofan=20000", // Node 22
  "13.6": "--invocation-count-for-turbofan=20000", // Node 24
  "14.6": "--invocation-count-for-turbofan=20000", // Node 26
}

export function optimizeLater(): void {
  const [major, minor] = process.versions.v8.split(".")
  const flag = LATER[`${major}.${minor}`]
  if (flag !== undefined) setFlagsFromString(flag)
}
