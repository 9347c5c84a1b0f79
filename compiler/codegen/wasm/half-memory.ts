/** codegen/wasm: halves in memory: loads that widen them to f32, and stores that round to them.
 *  Not here:   the conversions (half.ts), addresses (expression.ts). */
import { type Code, get, i32, load, type Locals, op, set, store } from "./code.js"
import type { Functions } from "./functions.js"
import { extract } from "./scalar.js"

export interface Address {
  readonly address: Code
  /** Bytes, added by the instruction. */
  readonly offset: number
}

export const loadHalf = ({ call }: Functions, { address, offset }: Address, width: 1 | 4): Code =>
  width === 1
    ? call("from_half", load("i32.load16_u", address, offset))
    : call("from_half4", load("v128.load16x4_u", address, offset))

export function storeHalf(
  { call }: Functions,
  locals: Locals,
  { address, offset }: Address,
  value: Code,
  width: 1 | 4,
): Code {
  if (width === 1) return store("i32.store16", address, call("to_half", value), offset)
  const v = locals.add("v128")
  const [a, b, c, d] = [0, 1, 2, 3].map((lane) => extract("i32", get(v), lane)) as [Code, Code, Code, Code]
  const pair = (low: Code, high: Code): Code => op("i32.or", low, op("i32.shl", high, i32(16)))
  return [
    set(v, call("to_half4", value)),
    store("i32.store", address, pair(a, b), offset),
    store("i32.store", address, pair(c, d), offset + 4),
  ]
}
