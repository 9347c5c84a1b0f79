/** Gradients at the points that random values miss (ties, zeros, edges), of programs, and their cost. */
import type { OpName } from "../compiler/ir/op-name.js"
import { describe, expect, it } from "vitest"
import { autodiff } from "../compiler/autodiff/backward.js"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import { assertGraph } from "../compiler/ir/graph/verify.js"
import type { Attrs, Graph } from "../compiler/ir/graph/types.js"
import { BATCH, scalarType, tensorType } from "../compiler/ir/tensor.js"
import { philox } from "../compiler/ir/kernels/philox.js"
import type { Value } from "../compiler/ops/op.js"
import { cse } from "../compiler/optimize/cse.js"
import { dce } from "../compiler/optimize/dce.js"
import { simplify } from "../compiler/optimize/simplify.js"
import { runPass } from "../compiler/pass.js"
import type { Pass } from "../compiler/pass.js"
import { Diagnostics } from "../compiler/source/diagnostic.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { gradcheck, randomArgs } from "./support/gradcheck.js"

function expand(graph: Graph, passes: readonly Pass<Graph, Graph>[] = [autodiff]): Graph {
  const diagnostics = new Diagnostics()
  const out = passes.reduce((g, pass) => runPass(pass, g, { diagnostics, target: DEFAULT_TARGET }), graph)
  expect(diagnostics.all).toEqual([])
  assertGraph(out)
  return out
}

/** Derivatives of order 1, 2, ... of sum(f(x)) with respect to x at a point. */
function derivatives(
  f: (g: GraphBuild, x: Value) => Value,
  at: readonly number[],
  orders: number,
): number[][] {
  const g = new GraphBuild("t")
  const x = g.input("x", tensorType("f32", [at.length]))
  const total = (v: Value): Value => (v.type.shape.length === 0 ? v : g.apply("sum", [v], { axes: [0] }))
  let y = total(f(g, x))
  for (let order = 1; order <= orders; order++) {
    const d = g.apply("grad", [y, x])
    g.output(`d${order}`, d)
    y = total(d)
  }
  const { outputs } = evalGraph(expand(g.finish()), {
    inputs: { x: { shape: [at.length], data: Float64Array.from(at) } },
  })
  return Array.from({ length: orders }, (_, i) => [...outputs[`d${i + 1}`]!.data].map((v) => v + 0))
}
const op =
  (name: OpName, attrs?: Attrs) =>
  (g: GraphBuild, x: Value): Value =>
    g.apply(name, [x], attrs)
const withScalar =
  (name: OpName, value: number) =>
  (g: GraphBuild, x: Value): Value =>
    g.apply(name, [x, g.constant(value)])

describe("edges, as PyTorch", () => {
  const all: Attrs = { axes: [0], keepdim: false }
  it.each([
    ["abs at 0", op("abs"), [-2, 0, 3], [-1, 0, 1]],
    ["floor", op("floor"), [1.5, 2], [0, 0]],
    ["sign", op("sign"), [-1, 0], [0, 0]],
    ["maximum at a tie", withScalar("maximum", 1), [0, 1, 2], [0, 0.5, 1]],
    ["minimum at a tie", withScalar("minimum", 1), [0, 1, 2], [1, 0.5, 0]],
    ["max with ties", op("max", all), [3, 1, 3, 2], [0.5, 0, 0.5, 0]],
    ["min with ties", op("min", all), [3, 1, 1, 1], [0, 1 / 3, 1 / 3, 1 / 3]],
    ["prod with one zero", op("prod", all), [2, 0, 5], [0, 10, 0]],
    ["prod with two zeros", op("prod", all), [2, 0, 0], [0, 0, 0]],
    ["x^2 at negative x and 0", withScalar("pow", 2), [-3, 0, 2], [-6, 0, 4]],
    ["x^3", withScalar("pow", 3), [-2, 0], [12, 0]],
    ["x^1 at 0", withScalar("pow", 1), [0, -1], [1, 1]],
    ["x^0 at 0", withScalar("pow", 0), [0, 2], [0, 0]],
    ["stop_gradient", (g, x) => g.apply("mul", [x, g.apply("stop_gradient", [x])]), [3, -4], [3, -4]],
    ["where, other branch infinite", safeLog, [0, 1], [0, 1]],
  ] satisfies [string, (g: GraphBuild, x: Value) => Value, number[], number[]][])(
    "%s",
    (_, f, at, wanted) => {
      expect(derivatives(f, at, 1)[0]).toEqual(wanted)
    },
  )

  it("prod with zeros, twice: what is left without two of the factors", () =>
    expect(derivatives(op("prod", all), [2, 0, 5], 2)[1]).toEqual([5 + 0, 2 + 5, 2 + 0]))
  it("x^2, three times", () =>
    expect(derivatives(withScalar("pow", 2), [-3, 0], 3)).toEqual([
      [-6, 0],
      [2, 2],
      [0, 0],
    ]))
  it("x^0 and 0^x have finite gradients", () =>
    expect(derivatives((g, x) => g.apply("pow", [g.full(0, x.type), x]), [1, 2], 1)[0]).toEqual([0, 0]))
})

/** log x where x > 0, guarded on both sides as numeric code should be. */
function safeLog(g: GraphBuild, x: Value): Value {
  const positive = g.apply("gt", [x, g.constant(0)])
  const log = g.apply("log", [g.apply("where", [positive, x, g.constant(1)])])
  return g.apply("where", [positive, log, g.constant(0)])
}

describe("programs", () => {
  it("softmax cross entropy of a linear layer, to the second order", () => {
    const dims = { B: 3, R: 1 }
    const types = [tensorType("f32", [BATCH, 4]), tensorType("f32", [4, 3]), tensorType("f32", [3])]
    for (const order of [1, 2] as const)
      gradcheck({
        types,
        dims,
        order,
        what: "softmax",
        values: randomArgs(types, dims),
        build: (g, [x, w, b]) => {
          const logits = g.binary("add", g.apply("matmul", [x!, w!]), b!)
          const shift = g.apply("stop_gradient", [g.apply("max", [logits], { axes: [1], keepdim: true })])
          const e = g.apply("exp", [g.binary("sub", logits, shift)])
          return g.apply("log", [g.binary("div", e, g.apply("sum", [e], { axes: [1], keepdim: true }))])
        },
      })
  })
  it("a value used many times adds up", () =>
    expect(
      derivatives((g, x) => g.apply("add", [g.apply("mul", [x, x]), g.apply("add", [x, x])]), [5], 1)[0],
    ).toEqual([12]))
  it("the gradient with respect to an intermediate value, and to the loss itself", () => {
    const g = new GraphBuild("t")
    const x = g.input("x", scalarType("f32"))
    const h = g.apply("exp", [x])
    const y = g.apply("mul", [h, h])
    g.output("dh", g.apply("grad", [y, h]))
    g.output("dy", g.apply("grad", [y, y]))
    const { outputs } = evalGraph(expand(g.finish()), {
      inputs: { x: { shape: [], data: Float64Array.of(1) } },
    })
    expect(outputs.dh!.data[0]).toBeCloseTo(2 * Math.E)
    expect(outputs.dy!.data[0]).toBe(1)
  })
})

describe("cost", () => {
  /** `layers` of x <- tanh(x @ w), with the gradient of every w. */
  function chain(layers: number): Graph {
    const g = new GraphBuild("chain")
    let x = g.input("x", tensorType("f32", [BATCH, 8]))
    const weights = Array.from({ length: layers }, (_, i) =>
      g.slot(`w.${i}`, tensorType("f32", [8, 8]), "param"),
    )
    for (const w of weights) x = g.apply("tanh", [g.apply("matmul", [x, w])])
    const loss = g.apply("sum", [x], { axes: [0, 1] })
    g.output("loss", loss)
    for (const w of weights) g.update(w, g.apply("grad", [loss, w]))
    return g.finish()
  }
  const size = (layers: number): number => expand(chain(layers)).nodes.length

  it("one walk serves all parameters: nodes grow in step with layers", () => {
    const perLayer = size(11) - size(10)
    expect(size(40) - size(10)).toBe(30 * perLayer)
    expect(perLayer).toBeLessThanOrEqual(9)
  })
  it("takes a thousand layers in seconds", () => {
    const started = performance.now()
    const out = expand(chain(1000), [autodiff, simplify, cse, dce])
    expect(out.updates.length).toBe(1000)
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe("philox", () => {
  // The known answers published with the Random123 library.
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] satisfies [[number, number, number, number], [number, number], number[]][])(
    "%j",
    (counter, key, words) => {
      expect(philox(counter, key)).toEqual(words)
    },
  )
})
