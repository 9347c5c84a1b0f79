/** check: the constraints that no program can break, because the checker reports the mistake before the operation is asked. They still
 *  guard graphs that passes build. The table says which message a user gets instead. */
import { allOps } from "../ops/index.js"

export interface Unseen {
  readonly why: string
  /** The code that such a program gets; absent where the arguments are not the user's to give. */
  readonly instead?: string
}

const broadcastFirst: Unseen = {
  why: "arguments of pointwise operations are broadcast to one shape first",
  instead: "broadcast",
}
const noEmptyAxis: Unseen = { why: "no size of a type may be 0", instead: "dim-size" }
const madeByCompiler: Unseen = {
  why: "only `scan x in xs over 1 { ... }` makes this operation",
  instead: "op-by-hand",
}
const madeForData: Unseen = {
  why: "only a field of a data set is made of words",
  instead: "op-by-hand",
}
const givenByCompiler: Unseen = { why: "the compiler gives a random draw its step and seed" }

const manyArguments = allOps().filter((op) => op.traits.kind === "pointwise" && op.params.length > 1)

export const unseenConstraints: Readonly<Record<string, Unseen>> = {
  ...Object.fromEntries(manyArguments.map((op) => [`${op.name}-c1`, broadcastFirst])),
  ...Object.fromEntries(["max", "min", "argmax", "argmin"].map((op) => [`${op}-c3`, noEmptyAxis])),
  ...Object.fromEntries(
    ["scan-c1", "scan-c2", "scan-c3", "scan_result-c1"].map((code) => [code, madeByCompiler]),
  ),
  ...Object.fromEntries(["unpack-c1", "unpack-c2", "unpack-c3"].map((code) => [code, madeForData])),
  "random_uniform-c1": givenByCompiler,
  "random_uniform-c2": givenByCompiler,
}
