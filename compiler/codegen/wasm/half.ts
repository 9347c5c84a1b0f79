/** codegen/wasm: f16 in memory, f32 in registers. Rounds to nearest, halves to even. */
import { choose, get, i32, Locals, op, set, type WasmFunction } from "./code.js"

export const HALF_FUNCTIONS: Readonly<Record<string, () => WasmFunction>> = {
  from_half: fromHalf,
  to_half: toHalf,
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
