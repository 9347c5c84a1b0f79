/** codegen/wasm/math: sin, cos, tan: the remainder by pi / 2, then short polynomials in f32 (Cephes' sinf and cosf).
 *  Up to 2^26 the remainder is taken in double precision, where it is exact; beyond, lane by lane, from as many digits of
 *  2 / pi as the exponent asks for. Infinities give NaN. */
import { choose, type Code, get, i32, Locals, op, set, when, type WasmFunction } from "../code.js"
import type { Vectors } from "./builder.js"
import { d, demote, joinLow, mulD, promote, subD } from "./doubles.js"
import type { MathFunction } from "./functions.js"

/** pi / 2 in three parts of at most 27 bits: their products with a quadrant number below 2^26 are exact. */
const HIGH = Math.floor((Math.PI / 2) * 2 ** 25) / 2 ** 25
const MIDDLE = Math.PI / 2 - HIGH
const LOW = 6.123233995736766e-17
const LARGE = 2 ** 26

const SIN = [-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4]
const COS = [4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5]

interface Reduced {
  /** Which quarter turn, modulo 4 in the low bits. */
  readonly quadrant: Code
  readonly sin: Code
  readonly cos: Code
}

function reduce(v: Vectors, x: Code): Reduced {
  const half = (upper: boolean): { r: Code; n: Code } => {
    const wide = v.let(promote(x, upper))
    const n = v.let(op("f64x2.nearest", mulD(wide, d(2 / Math.PI))))
    const r = subD(subD(subD(wide, mulD(n, d(HIGH))), mulD(n, d(MIDDLE))), mulD(n, d(LOW)))
    return { r: v.let(r), n: v.let(op("i32x4.trunc_sat_f64x2_s_zero", n)) }
  }
  const low = half(false)
  const high = half(true)
  const r = v.variable(demote(low.r, high.r))
  const q = v.variable(joinLow(low.n, high.n))
  const large = v.let(v.lt(v.c(LARGE), v.abs(x)))
  const lanes = [0, 1, 2, 3].map((lane): Code => {
    const value: Code = [x, ["f32x4.extract_lane", lane]]
    const put = (local: number, name: string, into: string): Code =>
      set(local, [get(local), v.call(name, value), [into, lane]])
    return when(
      [large, ["i32x4.extract_lane", lane]],
      [put(r, "large_remainder", "f32x4.replace_lane"), put(q, "large_quadrant", "i32x4.replace_lane")],
    )
  })
  v.run(when(op("v128.any_true", large), lanes))
  const z = v.let(v.mul(get(r), get(r)))
  const sin = v.add(v.mul(v.mul(v.polynomial(z, SIN), z), get(r)), get(r))
  const cos = v.add(v.sub(v.mul(v.mul(v.polynomial(z, COS), z), z), v.mul(z, v.c(0.5))), v.c(1))
  return { quadrant: get(q), sin: v.let(sin), cos: v.let(cos) }
}

/** A mask from the bit `bit` of each lane. */
const bitMask = (x: Code, bit: number): Code => op("i32x4.shr_s", op("i32x4.shl", x, i32(31 - bit)), i32(31))

/** The values at `quadrant` + `turns` quarter turns; x * 0 makes infinities NaN. */
function turned(v: Vectors, x: Code, { quadrant, sin, cos }: Reduced, turns: number): Code {
  const q = v.let(op("i32x4.add", quadrant, v.word(turns)))
  const value = v.select(bitMask(q, 0), cos, sin)
  const flipped = op("v128.xor", value, op("v128.and", bitMask(q, 1), v.word(-0x80000000)))
  return v.add(flipped, v.mul(x, v.c(0)))
}

export const trigTable: Readonly<Record<"sin" | "cos" | "tan", MathFunction>> = {
  sin: { arity: 1, build: (v, x) => turned(v, x, reduce(v, x), 0) },
  cos: { arity: 1, build: (v, x) => turned(v, x, reduce(v, x), 1) },
  tan: {
    arity: 1,
    build: (v, x) => {
      const { quadrant, sin, cos } = reduce(v, x)
      const odd = v.let(bitMask(quadrant, 0))
      const value = v.div(v.select(odd, cos, sin), v.select(odd, v.neg(sin), cos))
      return v.add(value, v.mul(x, v.c(0)))
    },
  },
}

/** The first 224 bits of 2 / pi. */
const TWO_OVER_PI = [0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab]

const i64Of = (value: Code): Code => op("i64.extend_i32_u", value)
const i64 = (value: number): Code => ["i64.const", value]

/** x * 2 / pi modulo 4, as a fixed-point number with two bits before the point. For |x| >= 2^26. */
function largeTurns(): WasmFunction {
  const locals = new Locals(1)
  const [bits, offset, shift] = [locals.add("i32"), locals.add("i32"), locals.add("i32")] as const
  const words = [0, 1, 2, 3].map(() => locals.add("i64"))
  const m = locals.add("i64")
  const choices = [0, 1, 2, 3].map((first) =>
    when(
      op("i32.eq", op("i32.shr_u", get(offset), i32(5)), i32(first)),
      words.map((w, n) => set(w, i64Of(i32(TWO_OVER_PI[first + n]!)))),
    ),
  )
  /** 32 bits of the number, from `shift` bits into word n. */
  const window = (n: number): Code =>
    op(
      "i64.shr_u",
      op(
        "i64.shl",
        op("i64.or", op("i64.shl", get(words[n]!), i64(32)), get(words[n + 1]!)),
        i64Of(get(shift)),
      ),
      i64(32),
    )
  const upper = op("i64.mul", get(m), op("i64.or", op("i64.shl", window(0), i64(32)), window(1)))
  const lower = op("i64.shr_u", op("i64.mul", get(m), window(2)), i64(32))
  const sum = locals.add("i64")
  return {
    name: "large_turns",
    type: { params: ["f32"], results: ["i64"] },
    locals: locals.types,
    code: [
      set(bits, op("i32.reinterpret_f32", get(0))),
      // x = m 2^e with e = exponent - 150; the window starts two bits before the point.
      set(offset, op("i32.sub", op("i32.and", op("i32.shr_u", get(bits), i32(23)), i32(255)), i32(152))),
      set(shift, op("i32.and", get(offset), i32(31))),
      set(m, i64Of(op("i32.or", op("i32.and", get(bits), i32(0x7fffff)), i32(0x800000)))),
      choices,
      set(sum, op("i64.add", upper, lower)),
      choose("i64", op("i32.lt_s", get(bits), i32(0)), op("i64.sub", i64(0), get(sum)), get(sum)),
    ],
  }
}

type Call = (name: string, ...args: Code[]) => Code

/** The remainder and the quadrant of one large number. */
export const LARGE_FUNCTIONS: Readonly<Record<string, (call: Call) => WasmFunction>> = {
  large_turns: largeTurns,
  large_remainder: (call) => {
    const fraction = op("f64.convert_i64_s", op("i64.shl", call("large_turns", get(0)), i64(2)))
    return {
      name: "large_remainder",
      type: { params: ["f32"], results: ["f32"] },
      locals: [],
      code: op("f32.demote_f64", op("f64.mul", fraction, ["f64.const", Math.PI / 2 / 2 ** 64])),
    }
  },
  large_quadrant: (call) => {
    const nearest = op("i64.add", call("large_turns", get(0)), op("i64.shl", i64(1), i64(61)))
    return {
      name: "large_quadrant",
      type: { params: ["f32"], results: ["i32"] },
      locals: [],
      code: op("i32.wrap_i64", op("i64.shr_u", nearest, i64(62))),
    }
  },
}
