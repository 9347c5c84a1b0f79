/** codegen/wasm/math: every function over the whole range of f32, against float64, within the bounds it states. */
import { describe, expect, it } from "vitest"
import { BOUNDS, type MathName } from "../compiler/codegen/wasm/math/functions.js"
import { scalarDef } from "../compiler/ir/kernels/scalar.js"
import type { Expr, Kernel } from "../compiler/ir/kernels/types.js"
import { wasmKernels } from "./support/wasm-kernels.js"

const COUNT = 1 << 17
const names = Object.keys(BOUNDS) as MathName[]

const index: Expr = {
  kind: "op",
  op: "mul",
  args: [
    { kind: "ref", name: "g", type: "i32", width: 1 },
    { kind: "const", type: "i32", value: 4 },
  ],
  type: "i32",
  width: 1,
}
const lane = (value: Expr, n: number): Expr => ({ kind: "lane", value, lane: n, type: "f32" })

/** Four elements per workgroup; `scalar`: as four scalars. */
function kernelOf(op: MathName, scalar: boolean): Kernel {
  const inputs = ["a", "b"].slice(0, scalarDef(op).arity)
  const loads = inputs.map((buffer): Expr => ({ kind: "load", buffer, index, type: "f32", width: 4 }))
  const at = (args: readonly Expr[], width: 1 | 4): Expr => ({ kind: "op", op, args, type: "f32", width })
  const one = (n: number): Expr =>
    at(
      loads.map((x) => lane(x, n)),
      1,
    )
  const value: Expr = scalar
    ? { kind: "vec", items: [one(0), one(1), one(2), one(3)], type: "f32", width: 4 }
    : at(loads, 4)
  return {
    name: `${op}_${scalar ? 1 : 4}`,
    template: "test",
    origins: [],
    shared: [],
    params: [
      ...inputs.map((name) => ({ name, dtype: "f32" as const, access: "read" as const, width: 4 as const })),
      { name: "out", dtype: "f32", access: "write", width: 4 },
    ],
    body: [
      {
        kind: "for",
        name: "g",
        on: "grid.x",
        extent: { kind: "const", type: "i32", value: COUNT / 4 },
        body: [{ kind: "store", buffer: "out", index, value }],
      },
    ],
  }
}

/** All exponents and signs, then ranges where the functions are used. */
function inputs(op: MathName): { a: Float32Array; b: Float32Array } {
  let state = 12345
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const a = new Float32Array(COUNT)
  const b = new Float32Array(COUNT)
  const bits = new Uint32Array(a.buffer)
  for (let i = 0; i < COUNT; i++) {
    const mode = i % 4
    if (mode < 2) bits[i] = random() * 2 ** 32
    else a[i] = (random() - 0.5) * (mode === 2 ? 4 : 180)
    if (!Number.isFinite(a[i]!)) a[i] = random()
    b[i] = (random() - 0.5) * (mode % 2 === 0 ? 60 : 6)
    if (op === "asin") a[i] = Math.abs(a[i]!) <= 1 ? a[i]! : 2 * random() - 1
    if (op === "pow" && mode !== 2) a[i] = Math.abs(a[i]!)
    if (op === "pow" && mode === 2) b[i] = Math.round(b[i]!)
  }
  const edges = [0, -0, 1, -1, 0.5, -0.5, 2, 3.4028234663852886e38, 1e-45, 88.5, -88.5, 2 ** 26, 2 ** 100]
  if (op !== "asin") a.set(edges)
  return { a, b }
}

/** Distance in units in the last place of the exact value. */
function ulps(got: number, exact: number): number {
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(exact) || 2 ** -126)))
  return Math.abs(got - exact) / 2 ** (exponent - 23)
}

const runner = wasmKernels(names.flatMap((op) => [kernelOf(op, false), kernelOf(op, true)]))
const none = { step: 0, epoch: 0, seed: 0, start: 0, iteration: 0 }

describe("functions in WebAssembly", () => {
  it.each(names)("%s", (op) => {
    const { a, b } = inputs(op)
    const args = scalarDef(op).arity === 2 ? [a, b] : [a]
    const [vector, scalar] = [new Float32Array(COUNT), new Float32Array(COUNT)]
    runner.run(2 * names.indexOf(op), [...args, vector], { B: 1, R: 1 }, none)
    runner.run(2 * names.indexOf(op) + 1, [...args, scalar], { B: 1, R: 1 }, none)
    let worst = 0
    let where = ""
    for (let i = 0; i < COUNT; i++) {
      const values = args.map((x) => x[i]!)
      const exact = scalarDef(op).eval(values, "f32")
      const [want, got] = [Math.fround(exact), vector[i]!]
      if (!Object.is(got, scalar[i]))
        expect.fail(`${op}(${values.join()}): ${got} in a vector, ${scalar[i]} alone`)
      const error = Number.isFinite(want) ? ulps(got, exact) : Object.is(got, want) ? 0 : Infinity
      if (error <= worst) continue
      worst = error
      where = `${op}(${values.join()}) = ${exact}, got ${got}`
    }
    if (worst > BOUNDS[op].ulp) expect.fail(`${worst} units in the last place: ${where}`)
  })

  it.each(["exp", "log", "tanh", "sin", "pow"] as const)("%s keeps NaN", (op) => {
    const a = new Float32Array(COUNT).fill(NaN)
    const out = new Float32Array(COUNT)
    const args = scalarDef(op).arity === 2 ? [a, new Float32Array(COUNT).fill(2)] : [a]
    runner.run(2 * names.indexOf(op), [...args, out], { B: 1, R: 1 }, none)
    expect(out[0]).toBeNaN()
  })
})
