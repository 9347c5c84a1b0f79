/** codegen/wasm: exponents and fractions of floating-point numbers, which logarithms and powers begin with. */
import { type Code, op } from "../code.js"
import type { Vectors } from "./builder.js"

/** x = 2^e (1 + f), 1 + f in [sqrt 1/2, sqrt 2). Of |x|; subnormals too. */
export function splitExponent(v: Vectors, x: Code): { e: Code; f: Code } {
  const tiny = v.let(v.lt(x, v.c(1.1754943508222875e-38)))
  const normal = v.select(tiny, v.mul(x, v.c(8388608)), x)
  const bits = v.let(normal)
  const e = v.let(op("i32x4.shr_s", op("i32x4.sub", bits, v.word(0x3f3504f3)), ["i32.const", 23]))
  const m = op("i32x4.sub", bits, op("i32x4.shl", e, ["i32.const", 23]))
  const f = v.let(v.sub(m, v.c(1)))
  const unscaled = op("i32x4.sub", e, op("v128.and", tiny, v.word(23)))
  return { e: v.let(unscaled), f }
}
