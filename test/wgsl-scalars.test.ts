/** codegen/wgsl on a device: every scalar operation, as a scalar and as a vector, against its meaning in float64. */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { SCALARS, scalarDef, type ScalarOp } from "../compiler/ir/kernels/scalar.js"
import type { Device } from "../runtime/device/device.js"
import { openNodeDevice } from "../runtime/device/node-gpu.js"
import { type Arguments, runInWgsl, scalarBuffers, scalarKernel } from "./support/scalar-kernel.js"

/** Values to try, and how far off the result may be: relative to the result, and absolute where it is small. */
interface Domain extends Arguments {
  readonly relative: number
  readonly absolute: number
}
const grid = (lo: number, hi: number, n = 41): number[] =>
  Array.from({ length: n }, (_, i) => Math.fround(lo + ((hi - lo) * i) / (n - 1)))
const small = [1e-6, 1e-4, 1e-3, 0.01].flatMap((x) => [x, -x]).map(Math.fround)
const unary = (values: readonly number[], relative = 4e-6, absolute = 1e-7): Domain => ({
  values: values.map((v) => [v]),
  relative,
  absolute,
})
const pairs = (xs: readonly number[], ys: readonly number[]): number[][] =>
  xs.flatMap((x) => ys.map((y) => [x, y]))
const any = [...grid(-5, 5), ...small]
const arithmetic = pairs(grid(-3, 3, 9), grid(-2, 4, 9))
const integers = (type: "i32" | "u32"): Domain => ({
  values: pairs([0, 1, 5, 7, 65535, 65536, 123456789, 2147483647], [1, 3, 8, 17, 31]),
  relative: 0,
  absolute: 0,
  type,
})
const words: Domain = {
  values: pairs([0, 1, 0xffffffff, 0xd2511f53, 123456789], [1, 0xcd9e8d57, 0x9e3779b9, 65537]),
  relative: 0,
  absolute: 0,
  type: "u32",
}
const booleans: Domain = { values: pairs([0, 1], [0, 1]), relative: 0, absolute: 0, type: "bool" }
const exact = (values: readonly (readonly number[])[]): Domain => ({ values, relative: 0, absolute: 0 })

const DOMAINS: Record<ScalarOp, Domain> = {
  neg: unary(any),
  abs: unary(any),
  sign: unary(any),
  floor: unary(any),
  ceil: unary(any),
  round: unary([...any, 0.5, 1.5, 2.5, -0.5, -1.5]),
  exp: unary([...grid(-80, 80), ...small], 2e-5),
  exp2: unary(grid(-20, 20), 2e-5),
  expm1: unary([...grid(-20, 20), ...grid(-0.6, 0.6), ...small], 1e-5, 1e-12),
  log: unary([...grid(0.01, 20), 1e-6, 1e6], 4e-6, 1e-6),
  log2: unary([...grid(0.01, 20), 1e-6, 1e6], 4e-6, 1e-6),
  log1p: unary([...grid(-0.95, 5), ...small], 4e-6, 1e-12),
  sqrt: unary(grid(0, 50)),
  rsqrt: unary(grid(0.01, 50)),
  sin: unary(any, 1e-5, 1e-5),
  cos: unary(any, 1e-5, 1e-5),
  tan: unary(grid(-1.4, 1.4), 3e-5, 1e-5),
  asin: unary([...grid(-1, 1), ...small], 4e-6, 1e-7),
  atan: unary([...grid(-20, 20), ...grid(-1, 1), ...small]),
  sinh: unary([...grid(-10, 10), ...small], 2e-5, 1e-12),
  cosh: unary(grid(-10, 10), 2e-5),
  tanh: unary([...any, 20, -20, 89, -89, 1000], 4e-6, 1e-12),
  erf: unary([...any, 10, -10], 4e-6, 1e-12),
  add: { values: arithmetic, relative: 1e-6, absolute: 1e-7 },
  sub: { values: arithmetic, relative: 1e-6, absolute: 1e-6 },
  mul: { values: arithmetic, relative: 1e-6, absolute: 1e-7 },
  div: { values: pairs(grid(-3, 3, 9), grid(0.5, 4, 9)), relative: 1e-6, absolute: 1e-7 },
  rem: integers("i32"),
  min: { values: arithmetic, relative: 0, absolute: 0 },
  max: { values: arithmetic, relative: 0, absolute: 0 },
  pow: {
    values: [
      ...pairs(grid(0, 4, 9), [-0, 0.5, 1, 2, 2.5, 3]),
      ...pairs(grid(-3, -0.5, 6), [-2, -1, 0, 1, 2, 3]),
    ],
    relative: 3e-5,
    absolute: 1e-6,
  },
  atan2: { values: pairs(grid(-3, 3, 8), grid(-2, 4, 8)), relative: 4e-6, absolute: 1e-6 },
  eq: exact(pairs([1, 2, 3], [1, 2])),
  ne: exact(pairs([1, 2, 3], [1, 2])),
  lt: exact(pairs([1, 2, 3], [1, 2])),
  le: exact(pairs([1, 2, 3], [1, 2])),
  gt: exact(pairs([1, 2, 3], [1, 2])),
  ge: exact(pairs([1, 2, 3], [1, 2])),
  and: booleans,
  or: booleans,
  not: { ...booleans, values: [[0], [1]] },
  bitand: integers("u32"),
  bitor: integers("u32"),
  bitxor: integers("u32"),
  shl: integers("u32"),
  shr: integers("u32"),
  mulhi: words,
  philox: {
    ...words,
    values: [
      [0, 0, 0, 0],
      [1, 7, 123456789, 5],
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    ],
  },
  select: exact([
    [1, 2, 3],
    [0, 2, 3],
  ]),
  isnan: exact([[1], [NaN], [Infinity], [0]]),
  nonfinite: exact([[1], [-3e38], [0]]),
  to_f32: { ...integers("i32"), values: [[-3], [0], [7]] },
  to_f16: exact([]),
  to_i32: exact([[1.5], [-1.5], [3]]),
  to_u32: exact([[1.5], [0.2], [3]]),
  to_bool: exact([[1.5], [0], [-3]]),
  bits_to_f32: { ...words, values: [[0x3f800000], [0x40490fdb], [0]] },
}

describe("scalar operations in WGSL", () => {
  let device: Device
  beforeAll(async () => {
    device = await openNodeDevice({
      device: "webgpu",
      features: [],
      limits: { maxBufferSize: 0, maxStorageBufferBindingSize: 0, maxStorageBuffersPerShaderStage: 5 },
    })
  })
  afterAll(() => device.close())

  const ops = Object.keys(SCALARS).filter((op): op is ScalarOp => op in DOMAINS && op !== "to_f16")
  for (const width of [1, 4] as const)
    test.each(ops)(`%s, width ${width}`, async (op) => {
      const domain = DOMAINS[op]
      const got = await runInWgsl(device, scalarKernel(op, domain, width), scalarBuffers(op, domain))
      domain.values.forEach((args, n) => {
        const want = Math.fround(scalarDef(op).eval(args, domain.type ?? "f32"))
        const error = Math.abs(got[n]! - want)
        const allowed = domain.absolute + domain.relative * Math.abs(want)
        expect(error <= allowed, `${op}(${args.join(", ")}) = ${want}, the device gave ${got[n]}`).toBe(true)
      })
    })
})
