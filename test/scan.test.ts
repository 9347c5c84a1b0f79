/** Loops over time in graphs: against the same computation written out iteration by iteration, gradients against differences, passes. */
import { describe, expect, it } from "vitest"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import { isScan, scanParts, takeResult } from "../compiler/ir/graph/scan.js"
import { parseGraph, printGraph } from "../compiler/ir/graph/text.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { assertGraph, verifyGraph } from "../compiler/ir/graph/verify.js"
import type { Budget } from "../compiler/ir/model/types.js"
import { NOWHERE } from "../compiler/ir/origin.js"
import { BATCH, tensorType } from "../compiler/ir/tensor.js"
import type { Value } from "../compiler/ops/op.js"
import { printKernelProgram } from "../compiler/ir/kernels/text.js"
import { close } from "./support/close.js"
import { gradcheck, randomArgs } from "./support/gradcheck.js"
import { GPU, kernelDifferences, scheduled, SOFTWARE } from "./support/kernels.js"
import { lowered } from "./support/lowered.js"
import { optimized } from "./support/passes.js"

const ITERATIONS = 3
const DIMS = { B: 2, R: 1 }
const X = tensorType("f32", [ITERATIONS, BATCH, 2])
const H = tensorType("f32", [BATCH, 4])
const U = tensorType("f32", [2, 4])
const W = tensorType("f32", [4, 4])

/** One iteration of a small recurrent network: h' = tanh(x U + h W), and a count of the iterations beside it. */
function region(): Graph {
  const g = new GraphBuild("iteration")
  const h = g.input("h", H)
  const x = g.input("x", tensorType("f32", [BATCH, 2]))
  const [u, w] = [g.input("u", U), g.input("w", W)]
  const next = cell(g, h, x, u, w)
  g.output("next.h", next)
  g.output("twice", g.apply("mul", [g.constant(2), next]))
  return g.finish()
}
const cell = (g: GraphBuild, h: Value, x: Value, u: Value, w: Value): Value =>
  g.apply("tanh", [g.apply("add", [g.apply("matmul", [x, u]), g.apply("matmul", [h, w])])])

/** Every state, doubled, plus the last one. */
function looped(g: GraphBuild, [h, x, u, w]: readonly Value[]): Value {
  const loop = g.applyScan([h!, x!, u!, w!], { iterations: ITERATIONS, carries: 1, slices: 1 }, region())
  const last = takeResult(g, loop, 0, H)
  const all = takeResult(g, loop, 1, tensorType("f32", [ITERATIONS, BATCH, 4]))
  return g.binary("add", all, last)
}
/** The same without a loop. */
function unrolled(g: GraphBuild, [h, x, u, w]: readonly Value[]): Value {
  let state = h!
  const rows: Value[] = []
  for (let t = 0; t < ITERATIONS; t++) {
    const row = g.apply("slice", [x!], { starts: [t, 0, 0], stops: [t + 1, BATCH, 2], steps: [1, 1, 1] })
    state = cell(g, state, g.apply("reshape", [row], { shape: [BATCH, 2] }), u!, w!)
    const twice = g.apply("mul", [g.constant(2), state])
    rows.push(g.apply("reshape", [twice], { shape: [1, BATCH, 4] }))
  }
  return g.binary("add", g.apply("concat", rows, { axis: 0 }), state)
}

const TYPES = [H, X, U, W]
const values = randomArgs(TYPES, DIMS)

/** Outputs: the value, and with `order` the gradients (of gradients) of a weighted sum. */
function program(build: typeof looped, order: 0 | 1 | 2): Graph {
  const g = new GraphBuild("p")
  const args = TYPES.map((t, i) => g.input(`a${i}`, t))
  const y = build(g, args)
  g.output("y", y)
  const total = (v: Value): Value =>
    g.apply("sum", [g.apply("mul", [v, v])], { axes: v.type.shape.map((_, i) => i) })
  let loss = total(y)
  if (order === 2)
    loss = args.map((a) => total(g.apply("grad", [loss, a]))).reduce((a, b) => g.binary("add", a, b))
  if (order > 0) args.forEach((a, i) => g.output(`d${i}`, g.apply("grad", [loss, a])))
  return g.finish()
}
const run = (graph: Graph) =>
  evalGraph(graph, { inputs: Object.fromEntries(values.map((v, i) => [`a${i}`, v])), dims: DIMS }).outputs

describe("a scan", () => {
  it("is the same computation as its iterations written out", () => {
    const graph = program(looped, 0)
    assertGraph(graph)
    close(run(graph).y!, run(program(unrolled, 0)).y!, 1e-12, "y")
  })
  it.each([1, 2] as const)("has the gradient that differences say, order %i", (order) => {
    const found = gradcheck({ types: TYPES, build: looped, values, dims: DIMS, order, what: "scan" })
    expect(found).toEqual([])
  })
  it.each([0, 1, 2] as const)("keeps its value through all passes, gradients of order %i", (order) => {
    const [one, other] = [run(optimized(program(looped, order))), run(optimized(program(unrolled, order)))]
    for (const [name, value] of Object.entries(other)) close(one[name]!, value, 1e-9, name)
  })
  it("prints and reads back", () => {
    const text = printGraph(optimized(program(looped, 1)))
    expect(printGraph(parseGraph(text))).toBe(text)
  })
  it("runs forward and backward with one loop each, carrying nothing that is not needed", () => {
    const loops = optimized(program(looped, 1)).nodes.filter(isScan).map(scanParts)
    expect(loops.map((s) => [s.carries.length, s.stacked.length])).toEqual([
      [1, 3], // h; what it gives, and for the way back h as it was and as it became, which are rows of one buffer
      [1, 2], // the gradient of h; that of x, and what those of u and w are made of after the loop
    ])
  })
  it("computes the products of an iteration once, and under a budget of memory again for the way back", () => {
    const products = (budgets?: ReadonlyMap<string, Budget>) =>
      optimized(program(looped, 1), budgets)
        .nodes.filter(isScan)
        .map((node) => scanParts(node).region.nodes.filter((n) => n.op === "matmul").length)
    expect(products()).toEqual([2, 2])
    expect(products(new Map([["p", { bytes: 2 ** 30, origin: NOWHERE }]]))).toEqual([2, 4])
  })
  it("is checked against its region", () => {
    const text = printGraph(program(looped, 0)).replace("next.h = %", "next.h = x //")
    expect(verifyGraph(parseGraph(text)).map((c) => c.message)).toEqual(["h is f32[B, 4], next f32[B, 2]"])
  })
})

describe("kernels of a scan", () => {
  it.each([0, 1, 2] as const)("compute what the graph says, gradients of order %i", (order) => {
    for (const target of [SOFTWARE, GPU])
      expect(kernelDifferences(optimized(program(looped, order)), { target, tolerance: 1e-3 })).toEqual([])
  })
})

describe("a scan in the block of another", () => {
  const source = (inner: string): string => `
model M(xs: f32[B, 4, 2], ys: f32[B, 3, 2]) -> (f32[B, 4, 2], f32[B, 2]) {
  let mix = Linear(2)
  var h = zeros([B, 2])
  let all = scan x in xs over 1 {
    var best = x
    ${inner}
    h = h + mean(seen, axis: 1)
    best * h
  }
  (all, h)
}
train {
  let (all, h) = M(xs: ones([2, 4, 2]), ys: ones([2, 3, 2]))
  minimize sum(all) + sum(h) with SGD(lr: 0.1)
  steps 1
}`
  const looped = `let seen = scan y in ys over 1 {
      best = tanh(best + (mix(y) |> Linear(2)))
      h = h + best * y
      best
    }`
  const written = `let out = Linear(2)
    var list = []
    for t in 0..3 {
      best = tanh(best + out(mix(ys[:, t])))
      h = h + best * ys[:, t]
      list = list + [best]
    }
    let seen = stack(list, 1)`
  const rename = (name: string): string => name.replace(".out.", ".linear.0.")
  it.each(["predict.M", "step"])("%s is what its iterations written out give", (program) => {
    const results = [looped, written].map((inner) => {
      const graph = optimized(lowered(source(inner)).get(program)!)
      const values = randomArgs(
        [...graph.inputs, ...[...graph.state].sort((a, b) => (rename(a.name) < rename(b.name) ? -1 : 1))].map(
          (s) => s.type,
        ),
        DIMS,
      )
      const slots = graph.state.map((s) => rename(s.name)).sort()
      const state = new Map(slots.map((name, i) => [name, values[graph.inputs.length + i]!]))
      const { outputs, updates } = evalGraph(graph, {
        inputs: Object.fromEntries(graph.inputs.map((input, i) => [input.name, values[i]!])),
        state: Object.fromEntries(graph.state.map((s) => [s.name, state.get(rename(s.name))!])),
        dims: DIMS,
      })
      return { ...outputs, ...Object.fromEntries(Object.entries(updates).map(([n, u]) => [rename(n), u])) }
    })
    expect(Object.keys(results[0]!).sort()).toEqual(Object.keys(results[1]!).sort())
    for (const [name, value] of Object.entries(results[0]!)) close(value, results[1]![name]!, 1e-10, name)
  })
})

describe("recurrent layers", () => {
  const source = (layer: string, iterations: number): string => `
data d = array(x: [[${Array.from({ length: iterations * 2 }, (_, i) => i % 3).join(", ")}]], y: [[1]]) {
  x: f32[${iterations}, 2] = column("x")
  y: f32[1] = column("y")
}
model Net(x: f32[B, ${iterations}, 2]) -> f32[B, 1] { (x |> ${layer})[:, -1] |> Linear(1) }
train on d { minimize mse(Net(x), y) with Adam()  epochs 1 }
`
  const graphs = (layer: string, iterations: number): Graph[] =>
    [...lowered(source(layer, iterations)).values()].map((graph) => optimized(graph))
  const layers = [
    "RNN(3)",
    "RNN(4, nonlinearity: relu)",
    "GRU(3)",
    "LSTM(4)",
    "LSTM(2, layers: 2, dropout: 0.5)",
    "GRU(3, layers: 2, bidirectional: true)",
  ]
  it.each(layers)("%s: kernels compute what the graphs say", (layer) => {
    for (const graph of graphs(layer, 5)) {
      expect(kernelDifferences(graph, { integers: [0, 7], tolerance: 2e-3 }), graph.name).toEqual([])
    }
  })
  it.each([
    [
      "rnn(x, a, w, b, d, first: h0, nonlinearity: relu)",
      "h = relu(linear(x[:, t], a, b) + linear(h, w, d))",
      3,
    ],
    [
      "lstm_states(x, a, w, b, d, h0, c0)[0]",
      `let g = linear(x[:, t], a, b) + linear(h, w, d)
      c = sigmoid(g[:, 3:6]) * c + sigmoid(g[:, 0:3]) * tanh(g[:, 6:9])
      h = sigmoid(g[:, 9:12]) * tanh(c)`,
      12,
    ],
  ])("%s is its iterations written out", (call, iteration, rows) => {
    const inputs = `x: f32[B, 4, 2], a: f32[${rows}, 2], w: f32[${rows}, 3], b: f32[${rows}], d: f32[${rows}], h0: f32[B, 3], c0: f32[B, 3]`
    const both = lowered(`
model Loop(${inputs}) -> f32[B, 4, 3] { ${call} }
model Written(${inputs}) -> f32[B, 4, 3] {
  var h = h0
  var c = c0
  var hs = []
  for t in 0..4 {
    ${iteration}
    hs = hs + [h]
  }
  stack(hs, 1)
}`)
    const graph = both.get("predict.Loop")!
    const given = randomArgs(
      graph.inputs.map((input) => input.type),
      DIMS,
    )
    const named = Object.fromEntries(graph.inputs.map((input, n) => [input.name, given[n]!]))
    const outputOf = (name: string) =>
      evalGraph(both.get(name)!, { inputs: named, dims: DIMS }).outputs["output"]!
    close(outputOf("predict.Loop"), outputOf("predict.Written"), 1e-12, call)
  })
  it("of several layers and both directions are made of single ones", () => {
    const one = (l: number, end: string): string =>
      ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map((n) => `it.${n}_l${l}${end}`).join(", ")
    const both = (x: string, l: number): string =>
      `cat([gru(${x}, ${one(l, "")}), flip(gru(flip(${x}, 1), ${one(l, "_reverse")}), 1)], 2)`
    const graphs = lowered(`
model M(x: f32[B, 4, 2]) -> (f32[B, 4, 6], f32[B, 4, 6]) {
  let it = GRU(3, layers: 2, bidirectional: true)
  let y = it(x)
  let below = ${both("x", 0)}
  (y, ${both("below", 1)})
}`)
    const graph = graphs.get("predict.M")!
    const [x, ...state] = randomArgs(
      [...graph.inputs, ...graph.state].map((v) => v.type),
      DIMS,
    )
    const { outputs } = evalGraph(graph, {
      inputs: { x: x! },
      state: Object.fromEntries(graph.state.map((s, i) => [s.name, state[i]!])),
      dims: DIMS,
    })
    close(outputs["output.0"]!, outputs["output.1"]!, 1e-12, "GRU")
  })
  it("are programs whose size does not depend on the number of iterations", () => {
    const lines = (text: string): number => text.split("\n").length
    const sizes = (iterations: number) =>
      graphs("LSTM(4)", iterations).map((graph) => {
        const program = scheduled(graph)
        const counts = [lines(printGraph(graph)), program.kernels.length, program.dispatches.length]
        return { counts, text: lines(printKernelProgram(program)) }
      })
    const [short, long] = [sizes(10), sizes(100)]
    expect(long.map((s) => s.counts)).toEqual(short.map((s) => s.counts))
    // Tiles follow the sizes of what is computed for all iterations at once.
    long.forEach((s, i) => expect(s.text / short[i]!.text).toBeLessThan(1.1))
  })
})
