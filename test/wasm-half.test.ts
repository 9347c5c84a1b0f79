/** codegen/wasm/half: f16 in memory, one by one and four at a time, over every half and over floats of all sizes, with the bits that
 *  the runtime gives them. */
import { expect, it } from "vitest"
import { parseKernel } from "../compiler/ir/kernels/parse.js"
import { fromHalf, toHalf } from "../runtime/bundle/half.js"
import { wasmKernels } from "./support/wasm-kernels.js"

const COUNT = 1 << 16
const kernels = [
  { name: "narrow", from: "f32", to: "f16" },
  { name: "widen", from: "f16", to: "f32" },
].flatMap(({ name, from, to }) =>
  [1, 4].map((width) => {
    const [wide, at] = width === 4 ? [" x4", "g * 4"] : ["", "g"]
    return parseKernel(`kernel ${name}_${width}(a: read ${from}${wide}, out: write ${to}${wide}) "test" {
  for g on grid.x in ${COUNT / width} {
    store out[${at}] = to_${to}(a[${at}])
  }
}`)
  }),
)
const runner = wasmKernels(kernels)
const none = { step: 0, epoch: 0, seed: 0, start: 0, iteration: 0 }

/** Every half, those in the middle between two, and what lies beside. */
const halves = Uint16Array.from({ length: COUNT }, (_, i) => i)
const floats = Float32Array.from(halves, (half) => {
  const [x, next] = [fromHalf(half), fromHalf(half + 1)]
  const shift = half % 4
  return shift === 0 ? x : shift === 1 ? (x + next) / 2 : ((x + next) / 2) * (1 + (shift - 2.5) * 1e-6)
})
floats.set([0, -0, Infinity, -Infinity, NaN, 65504, 65519, 65520, -65520, 1e38, 1e-45, 2 ** -25, -(2 ** -24)])

it.each([0, 1])("f32 -> f16, kernel %i", (n) => {
  const out = new Uint16Array(COUNT)
  runner.run(n, [floats, out], { B: 1, R: 1 }, none)
  floats.forEach((x, i) => {
    if (Number.isNaN(x)) expect(out[i]! & 0x7fff).toBeGreaterThan(0x7c00)
    else if (out[i] !== toHalf(x)) expect.fail(`${x}: ${out[i]}, not ${toHalf(x)}`)
  })
})

it.each([2, 3])("f16 -> f32, kernel %i", (n) => {
  const out = new Float32Array(COUNT)
  runner.run(n, [halves, out], { B: 1, R: 1 }, none)
  halves.forEach((half, i) => {
    if (!Object.is(out[i], Math.fround(fromHalf(half))))
      expect.fail(`${half}: ${out[i]}, not ${fromHalf(half)}`)
  })
})
