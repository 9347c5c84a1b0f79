/** codegen/wasm: vectors of four and words of memory: the properties of lanes, and the instruction for each type. */
import type { Expr, ScalarType } from "../../ir/kernels/types.js"
import { childrenOf } from "../../ir/kernels/walk.js"
import { bitsOf, type Code } from "./code.js"

export const isFloat = (t: ScalarType): boolean => t === "f32" || t === "f16"
/** Lanes that are constant, not all of them false. */
export const someTrue = (e: Expr): boolean =>
  e.kind === "vec" &&
  e.items.every((i) => i.kind === "const") &&
  e.items.some((i) => i.kind === "const" && i.value !== 0)
export const isZero = (e: Expr): boolean =>
  e.kind === "splat" && e.value.kind === "const" && Object.is(e.value.value, 0)

export const isSame = (a: Expr, b: Expr): boolean =>
  a === b || (a.kind === "ref" && b.kind === "ref" && a.name === b.name)
export const distinct = (all: readonly Expr[]): Expr[] =>
  all.filter((e, n) => all.findIndex((x) => isSame(x, e)) === n)
/** Four of the eight words of two vectors. */
export const shuffle = (words: readonly number[]): Code => [
  "i8x16.shuffle",
  ...words.flatMap((w) => [4 * w, 4 * w + 1, 4 * w + 2, 4 * w + 3]),
]
export const constVector = (type: ScalarType, values: readonly number[]): Code => {
  const words = values.map((v) => (isFloat(type) ? bitsOf(v) : type === "bool" ? -v : v | 0))
  return ["v128.const", ...words]
}
export const loadsIn = (e: Expr): boolean =>
  e.kind === "load" || e.kind === "shared" || childrenOf(e).some(loadsIn)
export const loadOf = (t: ScalarType, width: 1 | 4): string =>
  width === 4 ? "v128.load" : isFloat(t) ? "f32.load" : "i32.load"
export const storeOf = (t: ScalarType, width: 1 | 4): string =>
  width === 4 ? "v128.store" : isFloat(t) ? "f32.store" : "i32.store"
