/** stdlib: layers have PyTorch's parameter names and shapes; optimizers, schedules and initialisers give the numbers of their
 *  definitions. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import { printType } from "../compiler/ir/tensor.js"
import type { NdArray } from "../compiler/ops/op.js"
import { checkText } from "./support/checked.js"
import { close } from "./support/close.js"
import { differentiated, lowered } from "./support/lowered.js"
import { programs } from "./support/programs.js"

const array = (shape: readonly number[], data: readonly number[]): NdArray => ({
  shape,
  data: Float64Array.from(data),
})
const scalar = (value: number): NdArray => array([], [value])

/** layer -> input, and its slots: `name type`. */
const layers: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  "Linear(3)": ["f32[B, 2]", ["weight f32[3, 2]", "bias f32[3]"]],
  "Linear(3, bias: false)": ["f32[B, 4, 2]", ["weight f32[3, 2]"]],
  "Conv1d(4, kernel: 3)": ["f32[B, 2, 9]", ["weight f32[4, 2, 3]", "bias f32[4]"]],
  "Conv2d(4, kernel: [3, 1], groups: 2)": ["f32[B, 2, 9, 9]", ["weight f32[4, 1, 3, 1]", "bias f32[4]"]],
  "Conv3d(4, kernel: 2)": ["f32[B, 2, 3, 3, 3]", ["weight f32[4, 2, 2, 2, 2]", "bias f32[4]"]],
  "ConvTranspose1d(4, kernel: 3)": ["f32[B, 2, 9]", ["weight f32[2, 4, 3]", "bias f32[4]"]],
  "ConvTranspose2d(4, kernel: 3, bias: false)": ["f32[B, 2, 9, 9]", ["weight f32[2, 4, 3, 3]"]],
  "BatchNorm1d()": [
    "f32[B, 3]",
    ["weight f32[3]", "bias f32[3]", "running_mean f32[3]", "running_var f32[3]"],
  ],
  "BatchNorm2d()": [
    "f32[B, 3, 2, 2]",
    ["weight f32[3]", "bias f32[3]", "running_mean f32[3]", "running_var f32[3]"],
  ],
  "LayerNorm()": ["f32[B, 3, 4]", ["weight f32[4]", "bias f32[4]"]],
  "LayerNorm(axes: 2)": ["f32[B, 3, 4]", ["weight f32[3, 4]", "bias f32[3, 4]"]],
  "GroupNorm(2)": ["f32[B, 4, 2]", ["weight f32[4]", "bias f32[4]"]],
  "InstanceNorm1d(affine: true)": ["f32[B, 3, 4]", ["weight f32[3]", "bias f32[3]"]],
  "InstanceNorm1d(track_running_stats: true)": [
    "f32[B, 3, 4]",
    ["running_mean f32[3]", "running_var f32[3]"],
  ],
  "InstanceNorm2d()": ["f32[B, 3, 2, 2]", []],
  "InstanceNorm2d(affine: true)": ["f32[B, 3, 2, 2]", ["weight f32[3]", "bias f32[3]"]],
  "RMSNorm()": ["f32[B, 3]", ["weight f32[3]"]],
  "Embedding(9, 2)": ["i32[B, 5]", ["weight f32[9, 2]"]],
  "PositionEmbedding(2)": ["i32[B, 5]", ["weight f32[5, 2]"]],
  "GRU(2)": [
    "f32[B, 5, 3]",
    ["weight_ih_l0 f32[6, 3]", "weight_hh_l0 f32[6, 2]", "bias_ih_l0 f32[6]", "bias_hh_l0 f32[6]"],
  ],
  "LSTM(2)": [
    "f32[B, 5, 3]",
    ["weight_ih_l0 f32[8, 3]", "weight_hh_l0 f32[8, 2]", "bias_ih_l0 f32[8]", "bias_hh_l0 f32[8]"],
  ],
  "RNN(2, layers: 2, bidirectional: true)": [
    "f32[B, 5, 3]",
    ["", "_reverse"].flatMap((end) => [
      `weight_ih_l0${end} f32[2, 3]`,
      `weight_hh_l0${end} f32[2, 2]`,
      `bias_ih_l0${end} f32[2]`,
      `bias_hh_l0${end} f32[2]`,
      `weight_ih_l1${end} f32[2, 4]`,
      `weight_hh_l1${end} f32[2, 2]`,
      `bias_ih_l1${end} f32[2]`,
      `bias_hh_l1${end} f32[2]`,
    ]),
  ],
  "Bilinear(3)": ["f32[B, 2]", ["weight f32[3, 2, 2]", "bias f32[3]"]],
  "PReLU()": ["f32[B, 3]", ["weight f32[1]"]],
  "Identity()": ["f32[B, 3]", []],
  'EmbeddingBag(9, 2, mode: "max", padding_idx: 0)': ["i32[B, 5]", ["weight f32[9, 2]"]],
  "Dropout2d(0.2)": ["f32[B, 3, 2, 2]", []],
  "DropPath(0.2)": ["f32[B, 3]", []],
  "MaxPool3d(2)": ["f32[B, 3, 2, 2, 4]", []],
  "AdaptiveMaxPool2d(3)": ["f32[B, 3, 4, 4]", []],
  "SwiGLU(6)": [
    "f32[B, 4]",
    ["gate_proj.weight f32[6, 4]", "up_proj.weight f32[6, 4]", "down_proj.weight f32[4, 6]"],
  ],
  "SpectralNorm()": ["f32[3, 2, 2]", ["u f32[3]"]],
  "BatchNorm3d()": [
    "f32[B, 3, 2, 2, 2]",
    ["weight f32[3]", "bias f32[3]", "running_mean f32[3]", "running_var f32[3]"],
  ],
  "MaxPool1d(2)": ["f32[B, 3, 4]", []],
  "MaxPool2d(2)": ["f32[B, 3, 4, 4]", []],
  "AvgPool1d(2)": ["f32[B, 3, 4]", []],
  "AdaptiveAvgPool1d(3)": ["f32[B, 3, 4]", []],
  "PositionalEncoding()": ["f32[B, 5, 4]", []],
  "AvgPool2d(2)": ["f32[B, 3, 4, 4]", []],
  "AdaptiveAvgPool2d([1, 3])": ["f32[B, 3, 4, 4]", []],
  "Flatten()": ["f32[B, 3, 4, 4]", []],
  "Dropout(0.2)": ["f32[B, 3]", []],
  "Upsample(2)": ["f32[B, 3, 2, 2]", []],
  'Upsample(2, mode: "bilinear")': ["f32[B, 3, 2, 2]", []],
  "PixelShuffle(2)": ["f32[B, 4, 2, 2]", []],
  "MultiHeadAttention(2)": [
    "f32[B, 5, 4]",
    [
      "in_proj_weight f32[12, 4]",
      "in_proj_bias f32[12]",
      "out_proj.weight f32[4, 4]",
      "out_proj.bias f32[4]",
    ],
  ],
  "TransformerDecoderLayer(2, feedforward: 8)": [
    "f32[B, 5, 4]",
    [
      ...["self_attn", "multihead_attn"].flatMap((name) => [
        `${name}.in_proj_weight f32[12, 4]`,
        `${name}.in_proj_bias f32[12]`,
        `${name}.out_proj.weight f32[4, 4]`,
        `${name}.out_proj.bias f32[4]`,
      ]),
      "linear1.weight f32[8, 4]",
      "linear1.bias f32[8]",
      "linear2.weight f32[4, 8]",
      "linear2.bias f32[4]",
      ...["norm1", "norm2", "norm3"].flatMap((name) => [`${name}.weight f32[4]`, `${name}.bias f32[4]`]),
    ],
  ],
  "TransformerEncoderLayer(2, feedforward: 8)": [
    "f32[B, 5, 4]",
    [
      "self_attn.in_proj_weight f32[12, 4]",
      "self_attn.in_proj_bias f32[12]",
      "self_attn.out_proj.weight f32[4, 4]",
      "self_attn.out_proj.bias f32[4]",
      "linear1.weight f32[8, 4]",
      "linear1.bias f32[8]",
      "linear2.weight f32[4, 8]",
      "linear2.bias f32[4]",
      "norm1.weight f32[4]",
      "norm1.bias f32[4]",
      "norm2.weight f32[4]",
      "norm2.bias f32[4]",
    ],
  ],
}

describe("parameters", () => {
  for (const [layer, [input, slots]] of Object.entries(layers))
    it(layer, () => {
      const init = lowered(
        `model M(x: ${input}) { let it = ${layer}\n  ${/^(Bilinear|TransformerDecoder)/.test(layer) ? "it(x, x)" : "it(x)"} }`,
      ).get("init")!
      const found = init.state.map((s) => `${s.name.replace("M.it.", "")} ${printType(s.type)}`)
      expect(found.sort()).toEqual([...slots].sort())
    })
})

it("every layer of the library stands above", () => {
  const declared = programs()
    .filter((p) => p.path.startsWith("stdlib/"))
    .flatMap((p) => [...p.text.matchAll(/^layer ([A-Z]\w*)/gm)].map((m) => m[1]!))
  const used = new Set(Object.keys(layers).map((layer) => layer.replace(/\(.*/, "")))
  // A part of attention; a schedule, shown in run-state.test.ts.
  expect(declared.filter((name) => !used.has(name))).toEqual(["ZeroBiasLinear", "ReduceOnPlateau"])
})

describe("instance norms", () => {
  it.each(["InstanceNorm1d", "InstanceNorm2d"])("%s refuses to train on one value per channel", (layer) => {
    const errors = (sizes: string, run: string): readonly string[] =>
      checkText(
        `model M(x: f32[B, 3, ${sizes}]) { let it = ${layer}(track_running_stats: true)\n param w: f32 = ones\n w * it(x) } ${run}`,
      )
        .diagnostics.all.filter((d) => d.severity === "error")
        .map((d) => d.message)
    const [one, two] = layer.endsWith("1d") ? ["1", "2"] : ["1, 1", "1, 2"]
    const training = (sizes: string): string =>
      `train { minimize mean(M(ones([2, 3, ${sizes}]))) with SGD(lr: 0.1)\n steps 1 }`
    expect(errors(one, training(one))).toEqual([
      expect.stringContaining("instance normalisation needs more than one place per channel"),
    ])
    expect(errors(two, training(two))).toEqual([])
  })
})

describe("InstanceNorm1d", () => {
  it("moves running values by the means over the batch, and evaluates with them", () => {
    const text = `data d = csv("d.csv") { x: f32[1, 2] = columns("a", "b") }
      model M(x: f32[B, 1, 2]) { let it = InstanceNorm1d(track_running_stats: true)\n  it(x) * it(x) }
      train on d { param w: f32 = ones\n minimize w * sum(M(x)) with SGD(lr: 0)\n steps 1 }`
    const graphs = lowered(text)
    const state = {
      w: scalar(1),
      "M.it.running_mean": array([1], [0]),
      "M.it.running_var": array([1], [1]),
    }
    const given = { inputs: { x: array([2, 1, 2], [1, 2, 3, 6]) }, dims: { B: 2, R: 2 }, state }
    const { updates, outputs: trained } = evalGraph(differentiated(graphs.get("step")!), given)
    // Called twice: moved twice.
    const twice = (first: number, value: number): number => 0.9 * (0.9 * first + 0.1 * value) + 0.1 * value
    expect(updates["M.it.running_mean"]!.data[0]).toBeCloseTo(twice(0, 3), 12)
    expect(updates["M.it.running_var"]!.data[0]).toBeCloseTo(twice(1, 2.5), 12)
    expect(trained["loss"]!.data[0]).toBeCloseTo(2 / (1 + 4e-5) + 2 / (1 + 1e-5 / 2.25), 9)
    const { outputs } = evalGraph(graphs.get("evaluate")!, given)
    // A sum over rows is joined over batches before it is a loss.
    expect(outputs["rows.sum.0"]!.data[0]).toBeCloseTo((1 + 4 + 9 + 36) / (1 + 1e-5), 9)
  })
})

it("attention drops weights in training alone", () => {
  const graphs =
    lowered(`model M(x: f32[2, 3, 4]) -> f32[2, 3, 4] { x |> MultiHeadAttention(2, dropout: 0.5) }
    train { minimize mean(M(ones([2, 3, 4]))) with SGD(lr: 0.1)\n steps 1 }`)
  const drawn = (name: string): unknown[] =>
    graphs.get(name)!.nodes.flatMap((n) => (n.op === "random_uniform" ? [n.type.shape] : []))
  // One draw for each head, place and place looked at.
  expect(drawn("step")).toEqual([[2, 2, 3, 3]])
  expect(drawn("evaluate")).toEqual([])
})

describe("TransformerDecoderLayer", () => {
  const written = (normFirst: boolean): string =>
    normFirst
      ? `let own = x + it.self_attn(it.norm1(x))
         let both = own + it.multihead_attn(it.norm2(own), m)
         let end = both + it.linear2(relu(it.linear1(it.norm3(both))))`
      : `let own = it.norm1(x + it.self_attn(x))
         let both = it.norm2(own + it.multihead_attn(own, m))
         let end = it.norm3(both + it.linear2(relu(it.linear1(both))))`
  it.each([false, true])("is attention to itself, to the memory, and two Linear, norm_first %s", (first) => {
    const graph = lowered(`model M(x: f32[B, 3, 4], m: f32[B, 5, 4]) -> (f32[B, 3, 4], f32[B, 3, 4]) {
      let it = TransformerDecoderLayer(2, feedforward: 6, norm_first: ${first})
      let y = it(x, m)
      ${written(first)}
      (y, end)
    }`).get("predict.M")!
    const random = (shape: readonly number[], from: number): NdArray => {
      const size = shape.reduce((a, b) => a * b, 1)
      return array(
        shape,
        Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + from)),
      )
    }
    const state = Object.fromEntries(graph.state.map((s, i) => [s.name, random(s.type.shape.map(Number), i)]))
    const inputs = { x: random([2, 3, 4], 50), m: random([2, 5, 4], 60) }
    const { outputs } = evalGraph(graph, { inputs, state, dims: { B: 2, R: 2 } })
    outputs["output.0"]!.data.forEach((v, i) => expect(v).toBeCloseTo(outputs["output.1"]!.data[i]!, 12))
  })
})

describe("BatchNorm2d", () => {
  it("normalises by the batch, moves the running values, and uses them in evaluation", () => {
    const text = `data d = csv("d.csv") { x: f32[1, 1, 2] = columns("a", "b") }
      model M(x: f32[B, 1, 1, 2]) { let norm_layer = BatchNorm2d()\n  norm_layer(x) }
      train on d { minimize sum(square(M(x))) with SGD(lr: 0)\n steps 1 }`
    const graphs = lowered(text)
    const names = ["weight", "bias", "running_mean", "running_var"].map((n) => `M.norm_layer.${n}`)
    const state = Object.fromEntries(names.map((n, i) => [n, array([1], [[1, 0, 0, 1][i]!])]))
    const given = { inputs: { x: array([2, 1, 1, 2], [1, 2, 3, 6]) }, dims: { B: 2, R: 2 }, state }
    const { updates } = evalGraph(differentiated(graphs.get("step")!), given)
    expect(updates[names[2]!]!.data[0]).toBeCloseTo(0.1 * 3, 12)
    expect(updates[names[3]!]!.data[0]).toBeCloseTo(0.9 + (0.1 * 14) / 3, 12)
    const { outputs } = evalGraph(graphs.get("evaluate")!, given)
    // A sum over rows is joined over batches before it is a loss.
    expect(outputs["rows.sum.0"]!.data[0]).toBeCloseTo((1 + 4 + 9 + 36) / (1 + 1e-5), 9)
  })
})

/** Runs an optimizer on the loss p^2 / 2 * 3 (gradient 3p) from p = 2. */
function descend(optimizer: string, steps: number): number[] {
  const graphs = lowered(`model M() -> f32 { param p: f32 = full(2)  p }
    train { minimize 1.5 * square(M()) with ${optimizer}\n steps 9 }`)
  const init = graphs.get("init")!
  let state = Object.fromEntries(init.state.map((s) => [s.name, scalar(0)]))
  state = { ...state, ...evalGraph(init, { state }).updates }
  const step = differentiated(graphs.get("step")!)
  return Array.from({ length: steps }, (_, i) => {
    state = { ...state, ...evalGraph(step, { state, scalars: { step: i } }).updates }
    return state["M.p"]!.data[0]!
  })
}

type Memory = Record<string, number>
const optimizers: Readonly<Record<string, (p: number, g: number, m: Memory, t: number) => number>> = {
  "SGD(lr: 0.1, momentum: 0.9, dampening: 0.5)": (p, g, m, t) => {
    m["buf"] = t === 1 ? g : 0.9 * m["buf"]! + 0.5 * g
    return p - 0.1 * m["buf"]
  },
  "SGD(lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.1)": (p, g0, m, t) => {
    const g = g0 + 0.1 * p
    m["buf"] = t === 1 ? g : 0.9 * m["buf"]! + g
    return p - 0.1 * (g + 0.9 * m["buf"])
  },
  "RMSProp(lr: 0.1, centered: true, momentum: 0.9)": (p, g, m) => {
    m["v"] = 0.99 * (m["v"] ?? 0) + 0.01 * g * g
    m["m"] = 0.99 * (m["m"] ?? 0) + 0.01 * g
    m["buf"] = 0.9 * (m["buf"] ?? 0) + g / (Math.sqrt(m["v"] - m["m"] ** 2) + 1e-8)
    return p - 0.1 * m["buf"]
  },
  "Adam(lr: 0.1, amsgrad: true)": (p, g, m, t) => {
    m["m"] = 0.9 * (m["m"] ?? 0) + 0.1 * g
    m["v"] = 0.999 * (m["v"] ?? 0) + 0.001 * g * g
    m["top"] = Math.max(m["top"] ?? 0, m["v"])
    return p - ((0.1 / (1 - 0.9 ** t)) * m["m"]) / (Math.sqrt(m["top"]) / Math.sqrt(1 - 0.999 ** t) + 1e-8)
  },
  "AdamW(lr: 0.1, weight_decay: 0.2)": (p, g, m, t) => {
    m["m"] = 0.9 * (m["m"] ?? 0) + 0.1 * g
    m["v"] = 0.999 * (m["v"] ?? 0) + 0.001 * g * g
    return p * (1 - 0.02) - ((0.1 / (1 - 0.9 ** t)) * m["m"]) / (Math.sqrt(m["v"] / (1 - 0.999 ** t)) + 1e-8)
  },
  "Adagrad(lr: 0.1, lr_decay: 0.5, initial_accumulator_value: 0.1)": (p, g, m, t) => {
    m["s"] = (m["s"] ?? 0.1) + g * g
    return p - ((0.1 / (1 + (t - 1) * 0.5)) * g) / (Math.sqrt(m["s"]) + 1e-10)
  },
  "Adadelta(lr: 0.5)": (p, g, m) => {
    m["v"] = 0.9 * (m["v"] ?? 0) + 0.1 * g * g
    const change = (Math.sqrt((m["u"] ?? 0) + 1e-6) / Math.sqrt(m["v"] + 1e-6)) * g
    m["u"] = 0.9 * (m["u"] ?? 0) + 0.1 * change * change
    return p - 0.5 * change
  },
  "Lion(lr: 0.1, weight_decay: 0.1)": (p, g, m) => {
    const direction = Math.sign(0.9 * (m["m"] ?? 0) + 0.1 * g)
    m["m"] = 0.99 * (m["m"] ?? 0) + 0.01 * g
    return p * (1 - 0.01) - 0.1 * direction
  },
}

describe("optimizers", () => {
  for (const [optimizer, rule] of Object.entries(optimizers))
    it(optimizer, () => {
      let p = 2
      const memory: Memory = {}
      descend(optimizer, 5).forEach((found, i) => {
        p = rule(p, 3 * p, memory, i + 1)
        expect(found).toBeCloseTo(p, 10)
      })
    })
})

interface Optimized {
  readonly optimizer: string
  readonly steps: number
  readonly start: Readonly<Record<"weight" | "bias" | "x" | "y", NdArray>>
  readonly after: Readonly<Record<"weight" | "bias", readonly number[]>>
}
const optimized = readFileSync(new URL("data/optimizers.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Optimized)

/** A matrix and a vector, as PyTorch in double precision: data/library.py. */
describe("optimizers of parameters with axes", () => {
  it.each(optimized)("$optimizer", ({ optimizer, steps, start, after }) => {
    const text = `data d = csv("d.csv") { x: f32[2] = columns("a", "b")\n y: f32[3] = columns("c", "d", "e") }
      model M(x: f32[B, 2]) -> f32[B, 3] { let it = Linear(3)\n it(x) }
      train on d { minimize mse(M(x), y) with ${optimizer}\n steps 9 }`
    const step = differentiated(lowered(text).get("step")!)
    const zero = ({ type }: (typeof step.state)[number]): NdArray => {
      const size = type.shape.map(Number).reduce((a, b) => a * b, 1)
      return array(type.shape.map(Number), new Array<number>(size).fill(0))
    }
    const path = (name: string): string => `M.it.${name}`
    let state: Record<string, NdArray> = Object.fromEntries(step.state.map((s) => [s.name, zero(s)]))
    for (const name of ["weight", "bias"] as const)
      state[path(name)] = array(start[name].shape, [...start[name].data])
    const inputs = { x: start.x, y: start.y }
    for (let i = 0; i < steps; i++)
      state = {
        ...state,
        ...evalGraph(step, { inputs, state, scalars: { step: i }, dims: { B: 4, R: 4 } }).updates,
      }
    for (const name of ["weight", "bias"] as const)
      close(state[path(name)]!, array(start[name].shape, after[name]), 1e-8, name)
  })
})

const half = (part: number): number => 0.5 * (1 + Math.cos(Math.PI * part))
/** Schedule -> its values at some steps. */
const schedules: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  "constant(2)": { 0: 2, 9: 2 },
  "constant(2, warmup: 4)": { 0: 0.5, 3: 2, 9: 2 },
  "step_lr(2, every: 3, gamma: 0.5)": { 0: 2, 2: 2, 3: 1, 7: 0.5 },
  "step_lr(2, every: 3, gamma: 0.5, warmup: 2)": { 0: 1, 1: 2, 4: 2, 5: 1 },
  "multistep(2, [2, 5], gamma: 0.5)": { 1: 2, 2: 1, 5: 0.5 },
  "exponential(2, 0.5)": { 0: 2, 3: 0.25 },
  "polynomial(2, total: 10, power: 2)": { 0: 2, 5: 0.5, 10: 0, 12: 0 },
  "cosine(peak: 2, warmup: 2, total: 10, min_lr: 1)": { 0: 1, 2: 2, 6: 1 + half(0.5), 10: 1, 20: 1 },
  "cosine_restarts(2, period: 4)": { 0: 2, 2: 1, 4: 2, 6: 1 },
  "cosine_restarts(2, period: 2, growth: 2)": { 0: 2, 1: 1, 2: 2, 4: 1, 6: 2, 10: 1, 14: 2 },
  "one_cycle(25, total: 11, rise: 0.5)": { 0: 1, 10: 1e-4 },
}

describe("schedules", () => {
  for (const [schedule, values] of Object.entries(schedules))
    it(schedule, () => {
      const g = lowered(`model M() -> f32 { param p: f32 = ones  p }
        train { minimize M() with SGD(lr: 1)\n report rate = 0 * M() + ${schedule}\n steps 1 }`).get(
        "evaluate",
      )!
      for (const [step, value] of Object.entries(values)) {
        const { outputs } = evalGraph(g, { state: { "M.p": scalar(1) }, scalars: { step: Number(step) } })
        expect(outputs["rate"]!.data[0], `step ${step}`).toBeCloseTo(value, 6)
      }
    })
})

/** Initialiser -> mean, standard deviation, bound. The parameter has 50 inputs and 40 outputs. */
const initialisers: Readonly<Record<string, readonly [number, number, number]>> = {
  zeros: [0, 0, 0],
  ones: [1, 0, 1],
  "full(2)": [2, 0, 2],
  "uniform(-1, 3)": [1, 4 / Math.sqrt(12), 3],
  "normal(1, 0.5)": [1, 0.5, Infinity],
  trunc_normal: [0, 0.8796, 2],
  kaiming_uniform: [0, Math.sqrt(2 / 50), Math.sqrt(6 / 50)],
  kaiming_normal: [0, Math.sqrt(2 / 50), Infinity],
  xavier_uniform: [0, Math.sqrt(2 / 90), Math.sqrt(6 / 90)],
  xavier_normal: [0, Math.sqrt(2 / 90), Infinity],
}

/** Expression in the shape of `x` -> mean and standard deviation. */
const draws: Readonly<Record<string, readonly [number, number]>> = {
  "rand_like(x)": [0.5, 1 / Math.sqrt(12)],
  "randn_like(x)": [0, 1],
  "bernoulli(full([40, 50], 0.3))": [0.3, Math.sqrt(0.3 * 0.7)],
  "f32(randint(-2, 3, [40, 50]))": [0, Math.sqrt(2)],
  "x + f32(randperm(50))": [24.5, Math.sqrt((50 ** 2 - 1) / 12)],
  "permutation(x + unsqueeze(f32(indices(40)), 1))": [19.5, Math.sqrt((40 ** 2 - 1) / 12)],
  "f32(multinomial(full([40, 5], 2), 50, replacement: true))": [2, Math.sqrt(2)],
  // Two of three: each as often as the others.
  "f32(reshape(multinomial(full([1000, 3], 1), 2), [40, 50]))": [1, Math.sqrt(2 / 3)],
  "gumbel_softmax(full([40, 50], 3), hard: true)": [1 / 50, Math.sqrt(49) / 50],
}

describe("random numbers", () => {
  for (const [draw, [mean, deviation]] of Object.entries(draws))
    it(`${draw} draws anew in every step`, () => {
      const g = lowered(`model M(x: f32[40, 50]) -> f32[40, 50] { ${draw} }`).get("predict.M")!
      const inputs = { x: array([40, 50], new Array(2000).fill(0)) }
      const drawn = (step: number): readonly number[] =>
        Array.from(Object.values(evalGraph(g, { inputs, scalars: { seed: 3, step } }).outputs)[0]!.data)
      const data = drawn(7)
      const average = data.reduce((s, v) => s + v, 0) / 2000
      const spread = Math.sqrt(data.reduce((s, v) => s + (v - average) ** 2, 0) / 2000)
      expect(Math.abs(average - mean)).toBeLessThan(0.1 * deviation)
      expect(Math.abs(spread - deviation)).toBeLessThan(0.05 * deviation)
      expect(drawn(7)).toEqual(data)
      expect(drawn(8)).not.toEqual(data)
    })
})

describe("initialisers", () => {
  for (const [init, [mean, deviation, bound]] of Object.entries(initialisers))
    it(init, () => {
      const g = lowered(`model M() { param w: f32[40, 50] = ${init}\n  w }`).get("init")!
      const state = { "M.w": array([40, 50], new Array(2000).fill(0)) }
      const { data } = evalGraph(g, { state, scalars: { seed: 3 } }).updates["M.w"]!
      const average = data.reduce((s, v) => s + v, 0) / 2000
      const spread = Math.sqrt(data.reduce((s, v) => s + (v - average) ** 2, 0) / 2000)
      expect(Math.abs(average - mean)).toBeLessThan(0.1 * deviation + 1e-12)
      expect(Math.abs(spread - deviation)).toBeLessThan(0.05 * deviation + 1e-12)
      expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(bound + 1e-12)
    })
})
