/** Predictions by onnxruntime are those of the float64 interpreter: of the library's layers and functions, each as the operator that
 *  ONNX has for it, and of random programs. */
import { describe, expect, it } from "vitest"
import { CALLS } from "../compiler/onnx/calls/table.js"
import { OPSETS, type Opset } from "../compiler/onnx/translate.js"
import { Choices } from "./fuzz/choices.js"
import { randomProgram } from "./fuzz/program.js"
import { SMALL } from "./fuzz/run.js"
import { checkText } from "./support/checked.js"
import { comparePredictions } from "./support/onnx-program.js"
import { random } from "./support/random.js"

const TOLERANCE = 1e-5
const LATEST: Opset = 23

/** Expression of x, its type -> the operators that it becomes, in order. */
const SAID: readonly (readonly [expression: string, type: string, operators: readonly string[]])[] = [
  ["x |> Linear(4)", "f32[B, 3]", ["Gemm"]],
  ["x |> Linear(4, bias: false)", "f32[B, 3]", ["Gemm"]],
  ["x |> Linear(4)", "f32[B, 2, 3]", ["Transpose", "MatMul", "Add"]],
  ["x |> Conv1d(4, 3, stride: 2, padding: 1)", "f32[B, 2, 7]", ["Conv"]],
  ["x |> Conv2d(4, 3, padding: 1, groups: 2)", "f32[B, 2, 7, 6]", ["Conv"]],
  ["x |> Conv3d(2, 2, dilation: 2, bias: false)", "f32[B, 2, 4, 5, 3]", ["Conv"]],
  ["x |> ConvTranspose1d(4, 3, stride: 2, padding: 1, output_padding: 1)", "f32[B, 2, 5]", ["ConvTranspose"]],
  ["x |> ConvTranspose2d(3, 2, stride: 2)", "f32[B, 2, 4, 3]", ["ConvTranspose"]],
  ["x |> BatchNorm1d()", "f32[B, 3]", ["BatchNormalization"]],
  ["x |> BatchNorm2d(eps: 0.1)", "f32[B, 3, 2, 2]", ["BatchNormalization"]],
  ["x |> LayerNorm()", "f32[B, 2, 5]", ["LayerNormalization"]],
  ["x |> LayerNorm(axes: 2, eps: 0.01)", "f32[B, 2, 5]", ["LayerNormalization"]],
  ["x |> RMSNorm()", "f32[B, 5]", ["RMSNormalization"]],
  ["mean(x, [0, 2])", "f32[4, 2, 5]", ["ReduceMean"]],
  ["x |> MaxPool2d(3, stride: 2, padding: 1)", "f32[B, 2, 7, 6]", ["MaxPool"]],
  ["x |> AvgPool2d(2)", "f32[B, 2, 6, 4]", ["AveragePool"]],
  ["x |> AvgPool1d(3, stride: 2, padding: 1)", "f32[B, 2, 7]", ["AveragePool"]],
  ["softmax(x, 1)", "f32[B, 4, 2]", ["Softmax"]],
  ["log_softmax(x)", "f32[B, 4]", ["LogSoftmax"]],
  ["relu(x)", "f32[B, 4]", ["Relu"]],
  ["leaky_relu(x, 0.3)", "f32[B, 4]", ["LeakyRelu"]],
  ["x |> PReLU(3)", "f32[B, 3, 2]", ["Reshape", "PRelu"]],
  ["elu(x, 0.7)", "f32[B, 4]", ["Elu"]],
  ["selu(x)", "f32[B, 4]", ["Selu"]],
  ["celu(x, 0.5)", "f32[B, 4]", ["Celu"]],
  ["gelu(x)", "f32[B, 4]", ["Gelu"]],
  ['gelu(x, approximate: "tanh")', "f32[B, 4]", ["Gelu"]],
  ["sigmoid(x)", "f32[B, 4]", ["Sigmoid"]],
  ["silu(x)", "f32[B, 4]", ["Sigmoid", "Mul"]],
  ["softplus(x)", "f32[B, 4]", ["Softplus"]],
  ["mish(x)", "f32[B, 4]", ["Mish"]],
  ["softsign(x)", "f32[B, 4]", ["Softsign"]],
  ["hardtanh(x, -0.5, 0.25)", "f32[B, 4]", ["Clip"]],
  ["relu6(x)", "f32[B, 4]", ["Clip"]],
  ["hardsigmoid(x)", "f32[B, 4]", ["HardSigmoid"]],
  ["hardswish(x)", "f32[B, 4]", ["HardSwish"]],
  ["x |> Embedding(4, 3)", "i32[B, 5]", ["Gather"]],
  ["x |> Dropout(0.5) |> Linear(2)", "f32[B, 3]", ["Gemm"]],
]

describe("the library in ONNX", () => {
  it.each(SAID)("%s of %s", async (expression, type, operators) => {
    const { model, diagnostics } = checkText(`model M(x: ${type}) { ${expression} }\n`)
    expect(diagnostics.all.filter(({ severity }) => severity === "error")).toEqual([])
    const [latest] = await comparePredictions(model!, LATEST)
    expect(latest).toMatchObject({ operators })
    for (const opset of Object.keys(OPSETS).map(Number) as Opset[])
      for (const { refused, error, shapes } of await comparePredictions(model!, opset)) {
        expect(refused).toBeUndefined()
        expect(error).toBeLessThan(TOLERANCE)
        for (const [found, wanted] of shapes) expect(found).toEqual(wanted)
      }
  })

  it("every call that has an operator is tried", () => {
    const tried = SAID.flatMap(([expression, type]) => callsOf(expression, type))
    expect(Object.keys(CALLS).filter((name) => !tried.includes(name))).toEqual([])
  })

  /** The declarations that a call goes through. */
  function callsOf(expression: string, type: string): string[] {
    const { model } = checkText(`model M(x: ${type}) { ${expression} }\n`)
    return [...JSON.stringify(model).matchAll(/"declaration":"(\w+)"/g)].map(([, name]) => name!)
  }
})

describe("what a body computes decides, not its name", () => {
  it.each([
    ["softplus(x, beta: 2)", "Softplus"],
    ["softplus(x, threshold: 0.5)", "Softplus"],
    ["hardtanh(x, 1, -1)", "Clip"],
    ["x |> AvgPool1d(2, stride: 1, padding: 1, count_pad: false)", "AveragePool"],
  ])("%s is no %s", async (expression, operator) => {
    const { model } = checkText(`model M(x: f32[B, 3, 4]) { ${expression} }\n`)
    const [result] = await comparePredictions(model!, LATEST)
    expect(result!.operators).not.toContain(operator)
    expect(result!.error).toBeLessThan(TOLERANCE)
  })

  it("layers of one instance, called twice, are two operators of the same weights", async () => {
    const { model } = checkText(`model M(x: f32[B, 3]) { let l = Linear(3)\n l(l(x)) }\n`)
    const [result] = await comparePredictions(model!, LATEST)
    expect(result).toMatchObject({ operators: ["Gemm", "Gemm"] })
    expect(result!.error).toBeLessThan(TOLERANCE)
  })
})

describe("what cannot be said", () => {
  it.each([
    [
      "random draws",
      "x + uniform([3])",
      ["random_uniform: it draws random numbers, and no generator of ONNX draws the same"],
    ],
    ["gradients", "grad(sum(x * x), x)", ["grad: it is a gradient, and ONNX computes none"]],
    ["but not what nothing reads", "let unused = uniform([3])\n x", undefined],
  ])("%s", async (_, body, refused) => {
    const { model } = checkText(`model M(x: f32[B, 3]) { ${body} }\n`)
    const [result] = await comparePredictions(model!, LATEST)
    expect(result!.refused).toEqual(refused)
  })
})

const PROGRAMS = 60
it(`${PROGRAMS} random programs`, async () => {
  const wrong: string[] = []
  const counted = { equal: 0, refused: 0 }
  for (let seed = 2000; seed < 2000 + PROGRAMS; seed++) {
    const { text } = randomProgram(Choices.drawn(random(seed)), SMALL)
    const { model } = checkText(text)
    if (model === undefined) continue
    for (const { refused, error, shapes } of await comparePredictions(model, seed % 2 === 0 ? 17 : LATEST)) {
      const fits = shapes.every(([found, wanted]) => found.join() === wanted.join())
      if (refused !== undefined) counted.refused++
      else if (error < TOLERANCE && fits) counted.equal++
      else wrong.push(`seed ${seed}: off by ${error}\n${text}`)
    }
  }
  expect(wrong).toEqual([])
  expect(counted.equal).toBeGreaterThan(4 * counted.refused)
})
