/** stdlib: functions the reference cases leave out, against formulas written down here, and their gradients against finite
 *  differences. The last test keeps the tables complete. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import type { NdArray } from "../compiler/ops/op.js"
import { close } from "./support/close.js"
import { differentiated, lowered } from "./support/lowered.js"
import { programs } from "./support/programs.js"

type Inputs = Readonly<Record<string, NdArray>>

const array = (shape: readonly number[], data: readonly number[]): NdArray => ({
  shape,
  data: Float64Array.from(data),
})
/** A pair, turned by an angle. */
const turned = (a: number, b: number, angle: number): number[] => [
  a * Math.cos(angle) - b * Math.sin(angle),
  b * Math.cos(angle) + a * Math.sin(angle),
]
const vector = (...data: number[]): NdArray => array([data.length], data)
const scalar = (value: number): NdArray => array([], [value])
const counted = (shape: readonly number[]): NdArray => {
  const size = shape.reduce((a, b) => a * b, 1)
  return array(
    shape,
    Array.from({ length: size }, (_, i) => Math.round(Math.sin(i * 1.7 + 0.3) * 4096) / 4096),
  )
}

/** Types of inputs that are not f32. */
const integers = new Set(["classes", "index"])

function run(expression: string, inputs: Inputs, results: readonly string[] = []): NdArray[] {
  const params = Object.entries(inputs).map(([name, a]) => `${name}: ${typeOf(name, a)}`)
  const value = results.length === 0 ? "value" : `(value, ${results.join(", ")})`
  const text = `model Case(${params.join(", ")}) {\n  let value = ${expression}\n  ${value}\n}\n`
  const graph = differentiated(lowered(text).get("predict.Case")!)
  return Object.values(evalGraph(graph, { inputs }).outputs)
}
const typeOf = (name: string, a: NdArray): string =>
  (integers.has(name) ? "i32" : "f32") + (a.shape.length === 0 ? "" : `[${a.shape.join(", ")}]`)

/** The gradient of sum(value^2 + value) by every f32 input, against central differences. */
function checkGradients(expression: string, inputs: Inputs): void {
  const objective = (given: Inputs): number =>
    run(expression, given)[0]!.data.reduce((s, v) => s + v * v + v, 0)
  for (const [name, x] of Object.entries(inputs)) {
    if (integers.has(name)) continue
    const [, gradient] = run(expression, inputs, [`grad(sum(value * value + value), ${name})`])
    const numeric = x.data.map((value, i) => {
      const at = (moved: number): number =>
        objective({ ...inputs, [name]: array(x.shape, x.data.map((v, j) => (j === i ? moved : v)) as never) })
      return (at(value + STEP) - at(value - STEP)) / (2 * STEP)
    })
    close(gradient!, array(x.shape, [...numeric]), 1e-5, `gradient by ${name}`)
  }
}
const STEP = 1e-5

const x = vector(-7.3, -1.5, -0.4, 0.2, 0.7, 2.3, 8.1)
const small = vector(-0.9, -0.5, -0.1, 0.2, 0.6, 0.8)
const [a, b] = [
  counted([3, 4]),
  array(
    [3, 4],
    [...counted([3, 4]).data].map((v) => v * v - 0.4),
  ),
]
/** A prediction or a target that is no number must not be taken for one that fits. */
const LOSSES_OF_ELEMENTS = [
  ..."mse l1 smooth_l1 huber bce bce_with_logits kl_div poisson_nll hinge"
    .split(" ")
    .map((f) => `${f}(p, t)`),
  "smooth_l1(p, t, beta: 0)",
  "bce_with_logits(p, t, pos_weight: 2)",
  "cosine_embedding(stack([p, p]), stack([t, t]), signs)",
  "cross_entropy(reshape(p, [1, 3]), reshape(t, [1, 3]), axis: 1)",
  "contrastive(stack([p, p]), stack([t, t]), signs)",
  "triplet(stack([p, p]), stack([t, t]), stack([t, p]))",
]
describe.each(LOSSES_OF_ELEMENTS)("%s", (loss) => {
  const fits = { p: vector(0.2, 0.3, 0.5), t: vector(0.3, 0.7, 0), signs: vector(1, -1) }
  const lost = vector(0.2, NaN, 0.3)
  it.each([{ p: lost }, { t: lost }])("is NaN where a row has one: %j", (some) => {
    const [value] = run(loss, { ...fits, ...some })
    expect([...value!.data].map(Number.isNaN)).toEqual([true])
  })
})

const pointwise: Readonly<Record<string, readonly [NdArray, (x: number) => number]>> = {
  "exp2(x)": [small, (v) => 2 ** v],
  "expm1(x)": [small, Math.expm1],
  "log2(x * x)": [x, (v) => Math.log2(v * v)],
  "tan(x)": [small, Math.tan],
  "asin(x)": [small, Math.asin],
  "acos(x)": [small, Math.acos],
  "atan(x)": [x, Math.atan],
  "sinh(x)": [small, Math.sinh],
  "cosh(x)": [small, Math.cosh],
  "ceil(x)": [x, Math.ceil],
  "relu6(x)": [x, (v) => Math.min(Math.max(v, 0), 6)],
  "hardtanh(x)": [x, (v) => Math.min(Math.max(v, -1), 1)],
  "hardsigmoid(x)": [x, (v) => Math.min(Math.max(v + 3, 0), 6) / 6],
  "hardswish(x)": [x, (v) => (v * Math.min(Math.max(v + 3, 0), 6)) / 6],
  "softsign(x)": [x, (v) => v / (1 + Math.abs(v))],
  "mish(x)": [x, (v) => v * Math.tanh(Math.log1p(Math.exp(v)))],
  "celu(x, 1.3)": [x, (v) => Math.max(0, v) + Math.min(0, 1.3 * Math.expm1(v / 1.3))],
  "selu(x)": [x, (v) => 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * Math.expm1(v))],
  "masked_fill(x, x > 0, 3)": [x, (v) => (v > 0 ? 3 : v)],
  "lerp(x, 2 * x, 0.25)": [x, (v) => 1.25 * v],
}

describe("functions of one number", () => {
  for (const [expression, [input, formula]] of Object.entries(pointwise))
    it(expression, () => {
      close(
        run(expression, { x: input })[0]!,
        array(input.shape, [...input.data].map(formula)),
        1e-12,
        expression,
      )
      checkGradients(expression, { x: input })
    })
})

const zip = (f: (a: number, b: number) => number): NdArray =>
  array(
    [3, 4],
    Array.from(a.data).map((v, i) => f(v, b.data[i]!)),
  )
const rows = (f: (a: number[], b: number[]) => number): number[] =>
  [0, 1, 2].map((r) =>
    f(Array.from(a.data.slice(4 * r, 4 * r + 4)), Array.from(b.data.slice(4 * r, 4 * r + 4))),
  )
const average = (values: readonly number[]): NdArray =>
  scalar(values.reduce((s, v) => s + v, 0) / values.length)
const distance = (p: number[], q: number[]): number => Math.hypot(...p.map((v, i) => v - q[i]! + 1e-6))
const dotted = (p: number[], q: number[]): number => p.reduce((s, v, i) => s + v * q[i]!, 0)
const cosine = (p: number[], q: number[]): number => dotted(p, q) / Math.sqrt(dotted(p, p) * dotted(q, q))

const others: Readonly<Record<string, readonly [Inputs, NdArray]>> = {
  "round(f32(x > 100) + x)": [{ x: vector(-1.5, 0.5, 2.5, 0.7) }, vector(-2, 0, 2, 1)],
  "atan2(a, b)": [{ a, b }, zip(Math.atan2)],
  "where(a > b, a, b)": [{ a, b }, zip(Math.max)],
  "f32(le(a, b))": [{ a, b }, zip((p, q) => (p <= q ? 1 : 0))],
  "f32(lt(a, b)) + 2 * f32(ge(a, b)) + 4 * f32(gt(a, b)) + 8 * f32(ne(a, b))": [
    { a, b },
    zip((p, q) => (p < q ? 9 : 14)),
  ],
  "f32(eq(a, a))": [{ a }, zip(() => 1)],
  "cumprod(a, 1)": [
    { a },
    array(
      [3, 4],
      [0, 1, 2].flatMap((r) => {
        let product = 1
        return Array.from(a.data.slice(4 * r, 4 * r + 4)).map((v) => (product *= v))
      }),
    ),
  ],
  "l2_normalize(a)": [
    { a },
    array(
      [3, 4],
      rows((p) => Math.hypot(...p)).flatMap((n, r) =>
        Array.from(a.data.slice(4 * r, 4 * r + 4)).map((v) => v / n),
      ),
    ),
  ],
  "outer(x, y)": [{ x: vector(1, 2), y: vector(3, 4, 5) }, array([2, 3], [3, 4, 5, 6, 8, 10])],
  "global_norm([x, y])": [{ x: vector(1, 2), y: array([1, 2], [4, 2]) }, scalar(5)],
  "dot(x, y)": [{ x: vector(1, 2), y: vector(3, 4) }, scalar(11)],
  "diagonal(x)": [{ x: array([2, 3], [1, 2, 3, 4, 5, 6]) }, vector(1, 5)],
  "diagonal(x, 1)": [{ x: array([2, 3], [1, 2, 3, 4, 5, 6]) }, vector(2, 6)],
  "diagonal(x, -1)": [{ x: array([2, 3], [1, 2, 3, 4, 5, 6]) }, vector(4)],
  "triu(x)": [{ x: array([2, 3], [1, 2, 3, 4, 5, 6]) }, array([2, 3], [1, 2, 3, 0, 5, 6])],
  "tril(x, 1)": [{ x: array([2, 3], [1, 2, 3, 4, 5, 6]) }, array([2, 3], [1, 2, 0, 4, 5, 6])],
  "roll(x, 1, 0)": [{ x: vector(1, 2, 3) }, vector(3, 1, 2)],
  "roll(x, -1, 0)": [{ x: vector(1, 2, 3) }, vector(2, 3, 1)],
  "repeat_interleave(x, 2, 0)": [{ x: vector(1, 2) }, vector(1, 1, 2, 2)],
  "sort_values(x)": [{ x: vector(2, 3, 1) }, vector(1, 2, 3)],
  "sort_values(x, descending: true)": [{ x: vector(2, 3, 1) }, vector(3, 2, 1)],
  'pad(x, [[2, 1]], "replicate")': [{ x: vector(1, 2, 3) }, vector(1, 1, 1, 2, 3, 3)],
  'pad(x, [[2, 1]], "reflect")': [{ x: vector(1, 2, 3) }, vector(3, 2, 1, 2, 3, 2)],
  "scatter_add(x, index, y, 0)": [
    { x: vector(1, 2, 3), index: vector(2, 0, 2), y: vector(10, 20, 40) },
    vector(21, 2, 53),
  ],
  "chunk(x, 2)[1]": [{ x: vector(1, 2, 3, 4) }, vector(3, 4)],
  "x + linspace(0, 1, 3)": [{ x: vector(0, 0, 0) }, vector(0, 0.5, 1)],
  "x + arange(7, 1, 2)": [{ x: vector(0, 0, 0) }, vector(1, 3, 5)],
  "x + arange(0, 5, -2)": [{ x: vector(0, 0, 0) }, vector(5, 3, 1)],
  "clamp(x, min: 2, max: 1)": [{ x: vector(-1, 1.5, 5) }, vector(1, 1, 1)],
  "clamp(x, min: -1, max: 2)": [{ x: vector(-3, 1.5, 5) }, vector(-1, 1.5, 2)],
  "gather(x, full_like(index, 2) - ones_like(index) + zeros_like(index), 0)": [
    { x: vector(3, 5, 7), index: vector(0, 1, 2) },
    vector(5, 5, 5),
  ],
  "x @ eye(2, 3)": [{ x: array([1, 2], [5, 6]) }, array([1, 3], [5, 6, 0])],
  "ones_like(x) + zeros_like(x) + full_like(x, 2)": [{ x: vector(7, 8) }, vector(3, 3)],
  "contrastive(a, b, y, 2)": [
    { a, b, y: vector(1, 0, 1) },
    average(rows(distance).map((d, r) => (r === 1 ? Math.max(2 - d, 0) ** 2 : d * d))),
  ],
  "triplet(a, b, c, 2)": [
    { a, b, c: counted([3, 4]) },
    average(rows(distance).map((d) => Math.max(d - 2e-6 + 2, 0))),
  ],
  "cosine_embedding(a, b, y, 0.1)": [
    { a, b, y: vector(1, -1, 1) },
    average(rows(cosine).map((c, r) => (r === 1 ? Math.max(c - 0.1, 0) : 1 - c))),
  ],
  "smooth_l1(a, b, beta: 0.5)": [
    { a, b },
    average([...zip((p, q) => Math.abs(p - q)).data].map((d) => (d < 0.5 ? d * d : d - 0.25))),
  ],
  "poisson_nll(a, b)": [{ a, b }, average([...zip((p, q) => Math.exp(p) - q * p).data])],
  "bilinear(x, y, w, z)": [
    { x: array([1, 2], [1, 2]), y: array([1, 2], [3, 5]), w: array([1, 2, 2], [1, 2, 3, 4]), z: vector(0.5) },
    array([1, 1], [3 + 10 + 18 + 40 + 0.5]),
  ],
  "prelu(x, y)": [{ x: array([1, 2], [-2, -4]), y: vector(0.5, 0.25) }, array([1, 2], [-1, -1])],
  "rms_norm(x, y, 0)": [
    { x: array([1, 2], [3, 4]), y: vector(1, 2) },
    array([1, 2], [3 / Math.sqrt(12.5), 8 / Math.sqrt(12.5)]),
  ],
  "instance_norm(x, y, z, 0)": [
    { x: array([1, 1, 2], [1, 3]), y: vector(2), z: vector(1) },
    array([1, 1, 2], [-1, 3]),
  ],
  "upsample_nearest2d(x, 2)": [
    { x: array([1, 1, 1, 2], [1, 2]) },
    array([1, 1, 2, 4], [1, 1, 2, 2, 1, 1, 2, 2]),
  ],
  "upsample_bilinear2d(x, 2)": [
    { x: array([1, 1, 1, 2], [1, 2]) },
    array([1, 1, 2, 4], [1, 1.25, 1.75, 2, 1, 1.25, 1.75, 2]),
  ],
  "pixel_shuffle(x, 2)": [{ x: array([1, 4, 1, 1], [1, 2, 3, 4]) }, array([1, 1, 2, 2], [1, 2, 3, 4])],
  "adaptive_avg_pool2d(x, [1, 2])": [{ x: array([1, 1, 1, 3], [1, 2, 6]) }, array([1, 1, 1, 2], [1.5, 4])],
  "adaptive_avg_pool2d(x, [1, 1])": [{ x: array([1, 1, 2, 2], [1, 2, 6, 7]) }, array([1, 1, 1, 1], [4])],
  "max_pool1d(x, 2, ceil: true)": [{ x: array([1, 1, 3], [1, 2, 6]) }, array([1, 1, 2], [2, 6])],
  "avg_pool1d(x, 2, ceil: true)": [{ x: array([1, 1, 3], [1, 2, 6]) }, array([1, 1, 2], [1.5, 6])],
  "avg_pool1d(x, 2, padding: 1)": [{ x: array([1, 1, 2], [1, 3]) }, array([1, 1, 2], [0.5, 1.5])],
  "avg_pool1d(x, 2, padding: 1, count_pad: false)": [
    { x: array([1, 1, 2], [1, 3]) },
    array([1, 1, 2], [1, 3]),
  ],
  "avg_pool1d(x, 2, padding: 1, ceil: true)": [
    { x: array([1, 1, 3], [1, 3, 4]) },
    array([1, 1, 2], [0.5, 3.5]),
  ],
  "conv_transpose1d(x, w, z, stride: 2)": [
    { x: array([1, 1, 2], [1, 2]), w: array([1, 1, 3], [1, 10, 100]), z: vector(0.5) },
    array([1, 1, 5], [1.5, 10.5, 102.5, 20.5, 200.5]),
  ],
  "conv_transpose1d(x, w, stride: 2, padding: 1, output_padding: 1)": [
    { x: array([1, 1, 2], [1, 2]), w: array([1, 1, 3], [1, 10, 100]) },
    array([1, 1, 4], [10, 102, 20, 200]),
  ],
  "conv_transpose1d(x, w, dilation: 3, output_padding: 2)": [
    { x: array([1, 1, 5], [1, 2, 3, 4, 5]), w: array([1, 1, 3], [1, 10, 100]) },
    array([1, 1, 13], [1, 2, 3, 14, 25, 30, 140, 250, 300, 400, 500, 0, 0]),
  ],
  "conv_transpose1d(x, w, padding: 1, output_padding: 2, dilation: 3)": [
    { x: array([1, 1, 5], [1, 2, 3, 4, 5]), w: array([1, 1, 3], [1, 10, 100]) },
    array([1, 1, 11], [2, 3, 14, 25, 30, 140, 250, 300, 400, 500, 0]),
  ],
  "conv_transpose1d(x, w, padding: 2, output_padding: 2, dilation: 3)": [
    { x: array([1, 1, 5], [1, 2, 3, 4, 5]), w: array([1, 1, 3], [1, 10, 100]) },
    array([1, 1, 9], [3, 14, 25, 30, 140, 250, 300, 400, 500]),
  ],
  "conv_transpose1d(x, w, stride: 2, padding: 1, output_padding: 3, dilation: 4)": [
    { x: array([1, 1, 5], [1, 2, 3, 4, 5]), w: array([1, 1, 3], [1, 10, 100]) },
    array([1, 1, 18], [0, 2, 0, 13, 0, 24, 0, 135, 0, 240, 0, 350, 0, 400, 0, 500, 0, 0]),
  ],
  "conv_transpose2d(x, w)": [
    { x: array([1, 1, 1, 2], [1, 2]), w: array([1, 1, 1, 2], [1, 10]) },
    array([1, 1, 1, 3], [1, 12, 20]),
  ],
  "conv3d(x, w, z)": [
    { x: array([1, 1, 1, 1, 3], [1, 2, 3]), w: array([1, 1, 1, 1, 2], [1, 10]), z: vector(0.5) },
    array([1, 1, 1, 1, 2], [21.5, 32.5]),
  ],
  "causal_mask_fill(x, -5)": [{ x: array([2, 2], [1, 2, 3, 4]) }, array([2, 2], [1, -5, 3, 4])],
  "cross_entropy(x, classes, weight: y)": [
    { x: array([2, 2], [0, 0, 0, Math.log(3)]), classes: vector(0, 1), y: vector(1, 3) },
    scalar((Math.log(2) + 3 * Math.log(4 / 3)) / 4),
  ],
  "cross_entropy(x, classes, ignore_index: 1)": [
    { x: array([2, 2], [0, 0, 0, Math.log(3)]), classes: vector(0, 1) },
    scalar(Math.log(2)),
  ],
  "cross_entropy(x, classes)": [
    { x: array([1, 2, 3], [0, 0, 0, 0, 0, Math.log(3)]), classes: array([1, 3], [0, 1, 1]) },
    scalar((2 * Math.log(2) + Math.log(4 / 3)) / 3),
  ],
  "cross_entropy(x, classes, axis: -1)": [
    { x: array([1, 2, 2], [0, 0, 0, Math.log(3)]), classes: array([1, 2], [0, 1]) },
    scalar((Math.log(2) + Math.log(4 / 3)) / 2),
  ],
  "bce_with_logits(x, y, pos_weight: 3)": [
    { x: vector(0.5, -0.25), y: vector(1, 0) },
    scalar((3 * Math.log1p(Math.exp(-0.5)) + Math.log1p(Math.exp(-0.25))) / 2),
  ],
  "scaled_dot_product_attention(x, y, z, true)": [
    { x: array([2, 1], [1, 2]), y: array([2, 1], [1, 3]), z: array([2, 1], [10, 20]) },
    array([2, 1], [10, 10 + 10 / (1 + Math.exp(-4))]),
  ],
  "scaled_dot_product_attention(x, y, z, mask: w)": [
    {
      x: array([2, 1], [1, 2]),
      y: array([2, 1], [1, 3]),
      z: array([2, 1], [10, 20]),
      w: array([2, 2], [0.5, -0.5, 0, 0]),
    },
    array([2, 1], [10 + 10 / (1 + Math.exp(-1)), 10 + 10 / (1 + Math.exp(-4))]),
  ],
  "scaled_dot_product_attention(x, y, z, mask: transpose(y < 2))": [
    { x: array([2, 1], [1, 2]), y: array([2, 1], [1, 3]), z: array([2, 1], [10, 20]) },
    array([2, 1], [10, 10]),
  ],
  // Heads 0 and 1 of q share head 0 of k and v.
  "scaled_dot_product_attention(x, y, z, enable_gqa: true)": [
    {
      x: array([1, 2, 1, 1], [1, 2]),
      y: array([1, 1, 2, 1], [1, 3]),
      z: array([1, 1, 2, 1], [10, 20]),
    },
    array([1, 2, 1, 1], [10 + 10 / (1 + Math.exp(-2)), 10 + 10 / (1 + Math.exp(-4))]),
  ],
  "rotary(x, 100)": [
    { x: array([2, 4], [1, 2, 3, 4, 1, 2, 3, 4]) },
    array(
      [2, 4],
      [
        1,
        2,
        3,
        4,
        ...turned(1, 3, 1).slice(0, 1),
        ...turned(2, 4, 0.1).slice(0, 1),
        ...turned(1, 3, 1).slice(1),
        ...turned(2, 4, 0.1).slice(1),
      ],
    ),
  ],
  "accuracy(x, classes)": [{ x: array([2, 2], [1, 2, 4, 3]), classes: vector(1, 1) }, scalar(0.5)],
  "accuracy(x, y)": [{ x: vector(-1, 2, 3), y: vector(0, 1, 0) }, scalar(2 / 3)],
  "top_k(x, classes, 2)": [{ x: array([2, 3], [1, 2, 3, 3, 2, 1]), classes: vector(1, 2) }, scalar(0.5)],
  "mae(x, y)": [{ x: vector(1, 2), y: vector(2, 4) }, scalar(1.5)],
  "rmse(x, y)": [{ x: vector(1, 2), y: vector(2, 4) }, scalar(Math.sqrt(2.5))],
  "r2(x, y)": [{ x: vector(1, 2, 4), y: vector(1, 2, 3) }, scalar(0.5)],
  "perplexity(x)": [{ x: scalar(2) }, scalar(Math.exp(2))],
  "precision(x, y)": [{ x: vector(1, 2, -3, 4), y: vector(1, 0, 1, 1) }, scalar(2 / 3)],
  "recall(x, y)": [{ x: vector(1, 2, -3, 4), y: vector(1, 0, 1, 1) }, scalar(2 / 3)],
  "f1(x, y)": [{ x: vector(1, 2, -3, 4), y: vector(1, 0, 1, 1) }, scalar(2 / 3)],
  "confusion_matrix(x, classes)": [
    { x: array([4, 3], [3, 1, 2, 0, 1, 0, 5, 4, 3, 0, 0, 1]), classes: vector(0, 1, 1, 2) },
    array([3, 3], [1, 0, 0, 1, 1, 0, 0, 0, 1]),
  ],
  "confusion_matrix(x, y)": [{ x: vector(1, 2, -3, 4), y: vector(1, 0, 1, 1) }, array([2, 2], [0, 1, 1, 2])],
  "precision(x, classes)": [
    { x: array([4, 3], [3, 1, 2, 0, 1, 0, 5, 4, 3, 0, 0, 1]), classes: vector(0, 1, 1, 2) },
    scalar((1 / 2 + 1 + 1) / 3),
  ],
  // Class 2 neither occurs nor is called: scikit-learn leaves it out of the mean. 3 is called once, and is none.
  ...Object.fromEntries(
    Object.entries({ precision: 1 / 2, recall: 1 / 3, f1: 7 / 18 }).map(([metric, wanted]) => [
      `${metric}(x, classes) * 1`,
      [
        { x: array([4, 4], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0]), classes: vector(0, 1, 1, 0) },
        scalar(wanted),
      ] as const,
    ]),
  ),
  // Of equal scores the first class counts as larger, as in argmax.
  "top_k(x, classes, k: 1)": [{ x: array([2, 3], [1, 1, 1, 1, 1, 1]), classes: vector(0, 1) }, scalar(1 / 2)],
  "top_k(x, classes, k: 2)": [{ x: array([2, 3], [1, 1, 1, 1, 1, 1]), classes: vector(2, 1) }, scalar(1 / 2)],
  "top_k(x, classes, k: 9)": [{ x: array([2, 2], [NaN, 0, NaN, 0]), classes: vector(0, 1) }, scalar(1 / 2)],
  "top_k(x, classes, k: 3) / 1": [{ x: array([1, 3], [NaN, NaN, NaN]), classes: vector(1) }, scalar(0)],
  // Nothing counts.
  "cross_entropy(x, classes, ignore_index: 7)": [
    { x: array([2, 2], [1, 2, 3, 4]), classes: vector(7, 7) },
    scalar(0),
  ],
  'recall(x, classes, average: "none")': [
    { x: array([4, 3], [3, 1, 2, 0, 1, 0, 5, 4, 3, 0, 0, 1]), classes: vector(0, 1, 1, 2) },
    vector(1, 1 / 2, 1),
  ],
  'f1(x, classes, average: "micro")': [
    { x: array([4, 3], [3, 1, 2, 0, 1, 0, 5, 4, 3, 0, 0, 1]), classes: vector(0, 1, 1, 2) },
    scalar(3 / 4),
  ],
  "hinge(x, y)": [{ x: vector(0.5, -0.25, 3), y: vector(1, -1, 1) }, scalar((0.5 + 0.75) / 3)],
  "adaptive_avg_pool1d(x, 3)": [{ x: array([1, 1, 4], [1, 2, 4, 8]) }, array([1, 1, 3], [1.5, 3, 6])],
  "adaptive_avg_pool1d(x, 2)": [{ x: array([1, 1, 4], [1, 2, 4, 8]) }, array([1, 1, 2], [1.5, 6])],
  "x + sinusoids(3, 4)": [
    {
      x: array(
        [3, 4],
        Array.from({ length: 12 }, () => 0),
      ),
    },
    array(
      [3, 4],
      [0, 1, 2].flatMap((t) => [Math.sin(t), Math.cos(t), Math.sin(t / 100), Math.cos(t / 100)]),
    ),
  ],
  "erfinv(x)": [{ x: vector(-0.5, 0.999) }, vector(-0.4769362762, 2.3267537655)],
}

describe("other functions", () => {
  for (const [expression, [inputs, wanted]] of Object.entries(others))
    it(expression, () => {
      const tolerance = expression.startsWith("erfinv") ? 1e-6 : 1e-9
      close(run(expression, inputs)[0]!, wanted, tolerance, expression)
    })
  // Comparisons have no gradient, and erfinv is an approximation.
  const compared = /erfinv|accuracy|top_k|f32\(|confusion|precision|recall|f1|triplet|cosine_embedding|>/
  const smooth = Object.entries(others).filter(([expression]) => !compared.test(expression))
  for (const [expression, [inputs]] of smooth)
    it(`gradient of ${expression}`, () => checkGradients(expression, inputs))
})

describe("attention", () => {
  it("of one head is softmax(q k^T / sqrt(E)) v between its projections", () => {
    const inputs = {
      x: counted([2, 3, 2]),
      w: counted([6, 2]),
      c: counted([6]),
      o: counted([2, 2]),
      d: counted([2]),
    }
    const direct = run(
      "linear(softmax(linear(x, w[0:2], c[0:2]) @ transpose(linear(x, w[2:4], c[2:4])) / sqrt(2)) @ linear(x, w[4:6], c[4:6]), o, d)",
      inputs,
    )
    close(run("multi_head_attention(x, x, x, w, c, o, d, 1)", inputs)[0]!, direct[0]!, 1e-12, "attention")
  })
})

it("every function of the library is used by a test", () => {
  const tested = [...Object.keys(pointwise), ...Object.keys(others), ...elsewhere].join(" ")
  const missing = programs()
    .filter(
      (p) =>
        p.path.startsWith("stdlib/") && !/(optimizers|schedules|initializers|averages)\.nn$/.test(p.path),
    )
    .flatMap((p) => [...p.text.matchAll(/^fn ([a-z]\w*)/gm)].map((m) => m[1]!))
    .filter((name) => !new RegExp(`\\b${name}\\b`).test(tested))
  expect(missing).toEqual([])
})

/** In the reference cases, in tests of layers, or used by one of the above. */
const elsewhere = [
  "neg abs exp sin cos tanh erf sigmoid relu silu square floor sign log_sigmoid log sqrt rsqrt reciprocal log1p",
  "leaky_relu elu gelu softplus clamp pow affine add sub mul div maximum minimum sum mean max min prod variance std",
  "logsumexp norm argmax argmin cumsum topk_values topk_indices dist matmul linear reshape flatten transpose permute",
  "squeeze unsqueeze expand cat concat stack split_sizes select gather index_select embedding one_hot pad flip repeat",
  "softmax log_softmax cosine_similarity normalize layer_norm group_norm batch_norm conv1d conv2d max_pool2d avg_pool2d",
  "global_avg_pool2d mse l1 huber bce cross_entropy nll kl_div narrow indices argsort pairwise_distance detach stop_gradient",
  "random_flip random_crop cutout color_jitter random_rotate gaussian_noise mixup",
  readFileSync(new URL("data/library.jsonl", import.meta.url), "utf8"),
  "randint randperm permutation multinomial gumbel_softmax dropout2d drop_path",
  "dropout rand_like randn_like bernoulli multi_head_attention gru lstm rnn lstm_states",
]

it("every declaration of the library says what it is", () => {
  const silent = programs()
    .filter((p) => p.path.startsWith("stdlib/"))
    .flatMap((p) => [...p.text.matchAll(/(.*)\n(?:fn|layer|optimizer|let) (\w+)/g)])
    .filter(([, before]) => !before!.startsWith("///"))
    .map(([, , name]) => name)
  expect(silent).toEqual([])
})
