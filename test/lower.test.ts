/** lower: the form of a program's graphs, and that they mean the same as the program. */
import { describe, expect, it } from "vitest"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { verifyGraph } from "../compiler/ir/graph/verify.js"
import { printType } from "../compiler/ir/tensor.js"
import type { NdArray } from "../compiler/ops/op.js"
import { differentiated, lowered } from "./support/lowered.js"
import { programs } from "./support/programs.js"

const array = (shape: readonly number[], data: readonly number[]): NdArray => ({
  shape,
  data: Float64Array.from(data),
})
const scalar = (value: number): NdArray => array([], [value])
const graph = (text: string, name: string): Graph => lowered(text).get(name)!
const opsOf = (g: Graph, op: string): number => g.nodes.filter((n) => n.op === op).length
const numbers = (values: Readonly<Record<string, NdArray>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(values).map(([name, a]) => [name, [...a.data]]))

/** One weight, squared distance to the mean of the data: easy to follow by hand. */
const pull = (train: string): string => `
data points = csv("points.csv") { x: f32 = column("x") }
model Mean() -> f32 { param at: f32 = full(3)  at }
train on points {
  let at = Mean()
  ${train}
}
`
const rows = { inputs: { x: array([4], [1, 2, 3, 6]) }, dims: { B: 4, R: 4 } }

describe("every example", () => {
  for (const program of programs().filter((p) => p.path.startsWith("examples/")))
    it(program.path, () => {
      for (const g of lowered(program).values()) {
        expect(verifyGraph(g), g.name).toEqual([])
        expect(verifyGraph(differentiated(g)), `${g.name}, differentiated`).toEqual([])
      }
    })
})

describe("step", () => {
  it("gathers the batch from the whole data set by the numbers of its rows", () => {
    const g = graph(
      pull("minimize mean(square(x - at)) with SGD(lr: 0.1)\n shuffle, batch 2, epochs 1"),
      "step",
    )
    expect(g.inputs.map((i) => `${i.name}: ${printType(i.type)}`)).toContain("x: f32[R]")
    const rowsNode = g.nodes.find((n) => n.op === "batch_rows")
    expect(rowsNode?.attrs).toEqual({ shuffle: true })
    expect(g.nodes.find((n) => n.op === "take")?.args[1]).toBe(rowsNode?.id)
  })

  it("gives groups of parameters optimizers of their own, and frozen ones none", () => {
    const text = `
      data points = csv("points.csv") { x: f32 = column("x") }
      layer At()(x: f32[B]) { param at: f32 = full(3)  x - at }
      model Fast(x: f32[B]) { At()(x) }
      model Slow(x: f32[B]) { frozen param scale: f32 = full(2)  At()(x) * scale }
      train on points {
        minimize mean(Fast(x) + Slow(x)) over Fast with SGD(lr: 1) over Slow with SGD(lr: 0.1, momentum: 0.5)
        steps 1
      }`
    const at = { "Fast.at.0.at": scalar(5), "Slow.at.0.at": scalar(5), "Slow.scale": scalar(2) }
    const state = { ...at, "Slow.at.0.at/buf": scalar(0) }
    const { updates } = evalGraph(differentiated(graph(text, "step")), { ...rows, state })
    expect(numbers(updates)).toEqual({ "Fast.at.0.at": [6], "Slow.at.0.at": [5.2], "Slow.at.0.at/buf": [-2] })
  })

  it("descends: at <- at - lr * gradient, and gives the loss before", () => {
    const g = graph(pull("minimize mean(square(x - at)) with SGD(lr: 0.25)\n steps 1"), "step")
    const { outputs, updates } = evalGraph(differentiated(g), { ...rows, state: { "Mean.at": scalar(5) } })
    expect(numbers(outputs)).toEqual({ loss: [(16 + 9 + 4 + 1) / 4] })
    expect(numbers(updates)).toEqual({ "Mean.at": [5 - 0.25 * 4] })
  })

  it("clips by the norm of all gradients of an objective together", () => {
    const g = graph(
      `model M() -> (f32, f32[2]) { param a: f32 = zeros  param b: f32[2] = zeros; (a, b) }
       train { let (a, b) = M()
         minimize 3 * a + sum(4 * b) with SGD(lr: 1)
         clip_norm 1.0, steps 1 }`,
      "step",
    )
    const state = { "M.a": scalar(0), "M.b": array([2], [0, 0]) }
    const { updates } = evalGraph(differentiated(g), { state })
    const norm = Math.sqrt(9 + 16 + 16) + 1e-6
    expect(updates["M.a"]!.data[0]).toBeCloseTo(-3 / norm, 12)
    expect(updates["M.b"]!.data[1]).toBeCloseTo(-4 / norm, 12)
  })

  it("clips every element by value", () => {
    const g = graph(pull("minimize mean(square(x - at)) with SGD(lr: 1)\n steps 1, clip_value 0.5"), "step")
    const { updates } = evalGraph(differentiated(g), { ...rows, state: { "Mean.at": scalar(5) } })
    expect(numbers(updates)).toEqual({ "Mean.at": [4.5] })
  })

  it("takes the gradients of all objectives at the values the step starts with", () => {
    const g = graph(
      `model Critic() -> f32 { param c: f32 = zeros  c }
       model Maker() -> f32 { param m: f32 = zeros  m }
       train { let product = Critic() * Maker()
         minimize product over Critic with SGD(lr: 1)
         minimize -product over Maker with SGD(lr: 1)
         steps 1 }`,
      "step",
    )
    const state = { "Critic.c": scalar(2), "Maker.m": scalar(3) }
    const { outputs, updates } = evalGraph(differentiated(g), { state })
    expect(numbers(outputs)).toEqual({ loss: [6], "loss.1": [-6] })
    expect(numbers(updates)).toEqual({ "Critic.c": [-1], "Maker.m": [5] })
  })

  it("makes one gradient for each parameter, by one loss", () => {
    const g = lowered(programs().find((p) => p.path.endsWith("cancer.nn"))!).get("step")!
    const gradients = g.nodes.filter((n) => n.op === "grad")
    expect(gradients).toHaveLength(4)
    expect(new Set(gradients.map((n) => n.args[0])).size).toBe(1)
  })

  it("keeps the optimizer's state beside its parameter", () => {
    const g = graph(pull("minimize mean(square(x - at)) with SGD(lr: 0.1, momentum: 0.5)\n steps 1"), "step")
    expect(g.state.map((s) => `${s.role} ${s.name}`)).toEqual(["param Mean.at", "optimizer Mean.at/buf"])
    const { updates } = evalGraph(differentiated(g), {
      ...rows,
      state: { "Mean.at": scalar(5), "Mean.at/buf": scalar(2) },
    })
    expect(numbers(updates)).toEqual({ "Mean.at": [4.5], "Mean.at/buf": [5] })
  })
})

describe("state", () => {
  const counter = `
layer Counter()(x: f32) { state seen: f32 = zeros  seen <- seen + 1  let first = seen  seen <- seen * 10  x + first + seen }
model M(x: f32) -> f32 { param w: f32 = ones  w * (x |> Counter()) }
train { minimize M(1) with SGD(lr: 0)
  steps 1 }
`
  it("reads what was last written", () => {
    const g = graph(counter, "step")
    const slot = g.state.find((s) => s.role === "state")!.name
    const { outputs, updates } = evalGraph(differentiated(g), {
      state: { "M.w": scalar(1), [slot]: scalar(4) },
    })
    expect(outputs["loss"]!.data[0]).toBe(1 + 5 + 50)
    expect(updates[slot]!.data[0]).toBe(50)
  })
  it("is left alone by evaluate and predict", () => {
    const graphs = lowered(counter)
    expect(graphs.get("evaluate")!.updates).toEqual([])
    expect(graphs.get("predict.M")!.updates).toEqual([])
  })
})

describe("evaluate", () => {
  it("visits rows in order, without dropout, and reports as the step does", () => {
    const g = graph(
      pull(
        "minimize mean(square(dropout(x) - at)) with SGD(lr: 0.1)\n report off = mean(x) - at\n shuffle, batch 2, epochs 1",
      ),
      "evaluate",
    )
    expect(g.nodes.find((n) => n.op === "batch_rows")?.attrs).toEqual({ shuffle: false })
    expect(opsOf(g, "random_uniform") + opsOf(g, "grad")).toBe(0)
    const { outputs } = evalGraph(g, { ...rows, state: { "Mean.at": scalar(5) } })
    expect(numbers(outputs)).toEqual({ loss: [7.5], off: [-2] })
  })
  it("leaves what is no mean over rows to a second graph, for all of them", () => {
    const text = pull(
      "minimize mean(x - at) with SGD(lr: 0.1)\n report off = abs(mean(x) - at)\n batch 2, epochs 1",
    )
    const state = { "Mean.at": scalar(5) }
    const given = evalGraph(graph(text, "evaluate"), { ...rows, state }).outputs
    expect(Object.keys(given)).toEqual(["loss", "rows.sum.0"])
    const joined = { inputs: { "rows.sum.0": scalar(12) }, dims: { B: 4, R: 0 }, state }
    expect(numbers(evalGraph(graph(text, "overall"), { ...rows, ...joined }).outputs)).toEqual({ off: [2] })
  })
})

describe("init", () => {
  it("gives every slot its first value", () => {
    const g = graph(pull("minimize mean(square(x - at)) with Adam()\n steps 1"), "init")
    const zero = scalar(0)
    const state = { "Mean.at": zero, "Mean.at/m": zero, "Mean.at/v": zero }
    expect(numbers(evalGraph(g, { state }).updates)).toEqual({
      "Mean.at": [3],
      "Mean.at/m": [0],
      "Mean.at/v": [0],
    })
  })
  it("draws other numbers for every parameter and every seed", () => {
    const g = graph("model M(x: f32[B, 2]) -> f32[B, 3] { x |> Linear(2) |> Linear(3) }", "init")
    const state = Object.fromEntries(
      g.state.map((s) => [
        s.name,
        array(
          s.type.shape as number[],
          new Array(9).fill(0).slice(
            0,
            (s.type.shape as number[]).reduce((p, q) => p * q, 1),
          ),
        ),
      ]),
    )
    const draw = (seed: number): number[] =>
      Object.values(evalGraph(g, { state, scalars: { seed } }).updates).flatMap((a) => [...a.data])
    expect(new Set([...draw(1), ...draw(2)]).size).toBe(2 * (4 + 2 + 6 + 3))
    expect(draw(1)).toEqual(draw(1))
  })
})

describe("predict", () => {
  it("takes what the caller feeds and names its result", () => {
    const g = graph(
      "model M(x: f32[B, 2], unused: f32) -> f32[B] { param w: f32[2] = ones  x @ w }",
      "predict.M",
    )
    expect(g.inputs.map((i) => `${i.source.kind} ${i.name}: ${printType(i.type)}`)).toEqual([
      "feed x: f32[B, 2]",
      "feed unused: f32",
    ])
    expect(g.outputs.map((o) => o.name)).toEqual(["output"])
  })
})

it("names the graphs of a named section after it", () => {
  const text = pull("minimize mean(square(x - at)) with SGD(lr: 0.1)\n steps 1").replace(
    "train on",
    "train warm on",
  )
  expect([...lowered(text).keys()]).toEqual(["init", "finite", "warm.step", "warm.evaluate", "predict.Mean"])
})

describe("accumulate", () => {
  const train =
    "minimize mean(square(x - at)) with SGD(lr: 0.25 + step, momentum: 0.5)\n batch 2, steps 4, accumulate 2"
  it("updates once for every so many batches, by the mean of their gradients", () => {
    const graphs = lowered(pull(train))
    const step = differentiated(graphs.get("step")!)
    const names = graphs.get("init")!.state.map((s) => s.name)
    expect(names).toEqual(["Mean.at", "Mean.at/buf", "Mean.at/grad_sum"])
    let state = Object.fromEntries(names.map((n) => [n, scalar(0)]))
    state = { ...state, ...evalGraph(graphs.get("init")!, { state }).updates }
    const seen = [0, 1, 2, 3].map((i) => {
      const scalars = { step: i, start: 2 * (i % 2) }
      state = { ...state, ...evalGraph(step, { ...rows, dims: { B: 2, R: 4 }, state, scalars }).updates }
      return state["Mean.at"]!.data[0]
    })
    // Gradients 2 (at - 1.5) and 2 (at - 4.5); their mean is 2 (at - 3). The first update starts at 3 and stays.
    expect(seen).toEqual([3, 3, 3, 3])
    expect(state["Mean.at/grad_sum"]!.data[0]).toBe(0)
    state = { ...state, "Mean.at": scalar(5) }
    const moved = [4, 5].map((i) => {
      const scalars = { step: i, start: 2 * (i % 2) }
      state = { ...state, ...evalGraph(step, { ...rows, dims: { B: 2, R: 4 }, state, scalars }).updates }
      return state["Mean.at"]!.data[0]
    })
    expect(moved).toEqual([5, 5 - (0.25 + 2) * 4])
  })
})
