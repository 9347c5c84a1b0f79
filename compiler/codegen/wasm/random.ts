/** codegen/wasm: random words, for four elements at once. */
import { PHILOX } from "../../ir/kernels/philox.js"
import { type Code, countLoop, get, i32, Locals, op, set, type WasmFunction, wordsConst } from "./code.js"

export const RANDOM_FUNCTIONS: Readonly<Record<string, () => WasmFunction>> = { philox }

/** Word 0 for (element, step, seed, stream): counter (element, step, 0, 0), key (seed, stream). */
function philox(): WasmFunction {
  const locals = new Locals(4)
  const [c0, c1, k0, k1] = [0, 1, 2, 3]
  const [c2, c3, next0, next2] = [0, 0, 0, 0].map(() => locals.add("v128")) as [
    number,
    number,
    number,
    number,
  ]
  const round = locals.add("i32")
  const xor = (a: Code, b: Code): Code => op("v128.xor", a, b)
  const [m0, m1] = PHILOX.multipliers.map(wordsConst) as [Code, Code]
  const grow = (key: number, by: number): Code => set(key, op("i32x4.add", get(key), wordsConst(by)))
  return {
    name: "philox",
    type: { params: ["v128", "v128", "v128", "v128"], results: ["v128"] },
    locals: locals.types,
    code: [
      countLoop(round, i32(0), i32(PHILOX.rounds), [
        set(next0, xor(xor(highWords(m1, get(c2)), get(c1)), get(k0))),
        set(next2, xor(xor(highWords(m0, get(c0)), get(c3)), get(k1))),
        set(c1, op("i32x4.mul", m1, get(c2))),
        set(c3, op("i32x4.mul", m0, get(c0))),
        set(c0, get(next0)),
        set(c2, get(next2)),
        grow(k0, PHILOX.weyl[0]),
        grow(k1, PHILOX.weyl[1]),
      ]),
      get(c0),
    ],
  }
}

/** The high halves of four products of u32. Both are evaluated twice. */
export function highWords(a: Code, b: Code): Code {
  const odd = [1, 3, 5, 7].flatMap((w) => [4 * w, 4 * w + 1, 4 * w + 2, 4 * w + 3])
  return [
    op("i64x2.extmul_low_i32x4_u", a, b),
    op("i64x2.extmul_high_i32x4_u", a, b),
    [["i8x16.shuffle", ...odd]],
  ]
}
