/** codegen/wasm/math: writes functions of f32x4 vectors, nearly all of it straight-line code, to be called or to stand in a loop.
 *  A scalar goes through the same function, so a vector's tail has the bits that its body would have. */
import { type Code, f32x4Const, get, Locals, op, set, type WasmFunction, wordsConst } from "../code.js"

export class Vectors {
  private readonly body: Code[] = []

  constructor(
    private readonly params: number,
    /** A call of another function of this room. */
    readonly call: (name: string, ...args: Code[]) => Code,
    /** Those of the function that the code stands in. */
    private readonly locals = new Locals(params),
  ) {}

  /** Computes `value` once; the result can be used many times. */
  let(value: Code): Code {
    const local = this.locals.add("v128")
    this.body.push(set(local, value))
    return get(local)
  }
  /** A local that later code may set. */
  variable(value: Code): number {
    const local = this.locals.add("v128")
    this.body.push(set(local, value))
    return local
  }
  /** Code that leaves nothing on the stack. */
  run(code: Code): void {
    this.body.push(code)
  }
  finish(name: string, result: Code): WasmFunction {
    return {
      name,
      type: { params: Array.from({ length: this.params }, () => "v128" as const), results: ["v128"] },
      locals: this.locals.types,
      code: this.written(result),
    }
  }

  /** All of the code, leaving the result. */
  written(result: Code): Code {
    return [this.body, result]
  }

  c(value: number): Code {
    return f32x4Const(value)
  }
  word(value: number): Code {
    return wordsConst(value)
  }
  add = (a: Code, b: Code): Code => op("f32x4.add", a, b)
  sub = (a: Code, b: Code): Code => op("f32x4.sub", a, b)
  mul = (a: Code, b: Code): Code => op("f32x4.mul", a, b)
  div = (a: Code, b: Code): Code => op("f32x4.div", a, b)
  abs = (a: Code): Code => op("f32x4.abs", a)
  neg = (a: Code): Code => op("f32x4.neg", a)
  /** NaN stays NaN: the constant comes second. */
  clamp = (a: Code, lo: number, hi: number): Code =>
    op("f32x4.pmin", op("f32x4.pmax", a, this.c(lo)), this.c(hi))
  lt = (a: Code, b: Code): Code => op("f32x4.lt", a, b)
  /** `a` where the mask is set. */
  select = (mask: Code, a: Code, b: Code): Code => op("v128.bitselect", a, b, mask)
  /** `magnitude` with the sign bit of `sign`. */
  withSign = (magnitude: Code, sign: Code): Code =>
    op("v128.bitselect", sign, magnitude, this.word(-0x80000000))
  /** c[0] + x c[1] + x^2 c[2] + ..., in pairs (Estrin): a processor works on several of them at once. */
  polynomial(x: Code, coefficients: readonly number[]): Code {
    let terms = coefficients.map((c) => this.c(c))
    for (let power = x; terms.length > 1; power = this.let(this.mul(power, power))) {
      const by = power
      terms = Array.from({ length: Math.ceil(terms.length / 2) }, (_, n) => {
        const [low, high] = [terms[2 * n]!, terms[2 * n + 1]]
        return high === undefined ? low : this.add(low, this.mul(high, by))
      })
    }
    return terms[0]!
  }
  /** The same polynomial term by term (Horner): the last term is rounded last. */
  nested(x: Code, coefficients: readonly number[]): Code {
    const [last, ...rest] = [...coefficients].reverse()
    return rest.reduce<Code>((sum, c) => this.add(this.mul(sum, x), this.c(c)), this.c(last ?? 0))
  }
  /** y * 2^n in two factors, so that results may be subnormal or overflow. n within [-252, 254]. */
  scale(y: Code, n: Code): Code {
    const half = this.let(op("i32x4.shr_s", n, ["i32.const", 1]))
    const power = (e: Code): Code => op("i32x4.shl", op("i32x4.add", e, this.word(127)), ["i32.const", 23])
    return this.mul(this.mul(y, power(half)), power(op("i32x4.sub", n, half)))
  }
}
