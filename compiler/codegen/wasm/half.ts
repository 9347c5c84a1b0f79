/** codegen/wasm: f16 in memory, f32 in registers, one by one and four at a time, with the same bits. Rounds to nearest, halves to
 *  even. */
import {
  choose,
  type Code,
  f32x4Const,
  get,
  i32,
  Locals,
  op,
  set,
  type WasmFunction,
  wordsConst,
} from "./code.js"

export const HALF_FUNCTIONS: Readonly<Record<string, () => WasmFunction>> = {
  from_half: fromHalf,
  to_half: toHalf,
  from_half4: fromHalf4,
  to_half4: toHalf4,
}

/** The exponent moves by a multiplication, which is exact and makes subnormals normal. */
function fromHalf(): WasmFunction {
  const magnitude = op("f32.reinterpret_i32", op("i32.shl", op("i32.and", get(0), i32(0x7fff)), i32(13)))
  const finite = op("i32.reinterpret_f32", op("f32.mul", magnitude, ["f32.const", 2 ** 112]))
  const special = op("i32.or", op("i32.shl", op("i32.and", get(0), i32(0x7fff)), i32(13)), i32(0x7f800000))
  const isSpecial = op("i32.eq", op("i32.and", get(0), i32(0x7c00)), i32(0x7c00))
  const sign = op("i32.shl", op("i32.and", get(0), i32(0x8000)), i32(16))
  return {
    name: "from_half",
    type: { params: ["i32"], results: ["f32"] },
    locals: [],
    code: op("f32.reinterpret_i32", op("i32.or", choose("i32", isSpecial, special, finite), sign)),
  }
}

function toHalf(): WasmFunction {
  const locals = new Locals(1)
  const bits = locals.add("i32")
  const magnitude = locals.add("i32")
  const rebased = locals.add("i32")
  const special = choose("i32", op("i32.gt_u", get(magnitude), i32(0x7f800000)), i32(0x7e00), i32(0x7c00))
  const rounded = op(
    "i32.shr_u",
    op(
      "i32.add",
      get(rebased),
      op("i32.add", i32(0xfff), op("i32.and", op("i32.shr_u", get(rebased), i32(13)), i32(1))),
    ),
    i32(13),
  )
  const normal = [set(rebased, op("i32.sub", get(magnitude), i32(0x38000000))), rounded]
  // Below the smallest normal half: a multiple of 2^-24, rounded by the addition itself.
  const scaled = op("f32.mul", op("f32.abs", get(0)), ["f32.const", 2 ** 24])
  const subnormal = op("i32.trunc_sat_f32_s", op("f32.nearest", scaled))
  const finite = choose("i32", op("i32.ge_u", get(magnitude), i32(0x38800000)), normal, subnormal)
  return {
    name: "to_half",
    type: { params: ["f32"], results: ["i32"] },
    locals: locals.types,
    code: [
      set(bits, op("i32.reinterpret_f32", get(0))),
      set(magnitude, op("i32.and", get(bits), i32(0x7fffffff))),
      op(
        "i32.or",
        op("i32.and", op("i32.shr_u", get(bits), i32(16)), i32(0x8000)),
        choose("i32", op("i32.ge_u", get(magnitude), i32(0x477ff000)), special, finite),
      ),
    ],
  }
}

/** Where a lane of `mask` is set, that of `a`, else that of `b`. */
const select = (mask: Code, a: Code, b: Code): Code => op("v128.bitselect", a, b, mask)
const shift = (by: "i32x4.shl" | "i32x4.shr_u", value: Code, bits: number): Code => op(by, value, i32(bits))

/** `fromHalf` of four words. */
function fromHalf4(): WasmFunction {
  const locals = new Locals(1)
  const magnitude = locals.add("v128")
  const finite = op("f32x4.mul", get(magnitude), f32x4Const(2 ** 112))
  const special = op("v128.or", get(magnitude), wordsConst(0x7f800000))
  const isSpecial = op("i32x4.ge_u", get(magnitude), wordsConst(0x7c00 << 13))
  const sign = shift("i32x4.shl", op("v128.and", get(0), wordsConst(0x8000)), 16)
  return {
    name: "from_half4",
    type: { params: ["v128"], results: ["v128"] },
    locals: locals.types,
    code: [
      set(magnitude, shift("i32x4.shl", op("v128.and", get(0), wordsConst(0x7fff)), 13)),
      op("v128.or", select(isSpecial, special, finite), sign),
    ],
  }
}

/** `toHalf` of four words. */
function toHalf4(): WasmFunction {
  const locals = new Locals(1)
  const magnitude = locals.add("v128")
  const rebased = locals.add("v128")
  const least = (word: number): Code => op("i32x4.ge_u", get(magnitude), wordsConst(word))
  const odd = op("v128.and", shift("i32x4.shr_u", get(rebased), 13), wordsConst(1))
  const rounded = op("i32x4.add", op("i32x4.add", get(rebased), wordsConst(0xfff)), odd)
  const scaled = op("f32x4.mul", get(magnitude), f32x4Const(2 ** 24))
  const subnormal = op("i32x4.trunc_sat_f32x4_s", op("f32x4.nearest", scaled))
  const finite = select(least(0x38800000), shift("i32x4.shr_u", rounded, 13), subnormal)
  const special = select(least(0x7f800001), wordsConst(0x7e00), wordsConst(0x7c00))
  const sign = op("v128.and", shift("i32x4.shr_u", get(0), 16), wordsConst(0x8000))
  return {
    name: "to_half4",
    type: { params: ["v128"], results: ["v128"] },
    locals: locals.types,
    code: [
      set(magnitude, op("v128.and", get(0), wordsConst(0x7fffffff))),
      set(rebased, op("i32x4.sub", get(magnitude), wordsConst(0x38000000))),
      op("v128.or", sign, select(least(0x477ff000), special, finite)),
    ],
  }
}
