// What the outputs of a model stand for: the field that a loss, or else a metric, compares them with.
import { describe, expect, it } from "vitest"
import type { Target, TrainSection } from "../compiler/ir/model/types.js"
import { checkText } from "./support/checked.js"

const DATA = `data d = array(a: [1, 2, 3], b: [0, 1, 1], price: [10.5, 20.5, 40.5]) {
  x: f32[1] = column("a")
  y: i32 = column("b") |> categories(2)
  hot: f32[2] = column("b") |> categories(2) |> one_hot(2)
  bare: f32[1] = column("b")
  price: f32 = column("price") |> standardize
}
`
const MODELS = `model Two(x: f32[B, 1]) -> f32[B, 2] { x |> Linear(2) }
model One(x: f32[B, 1]) -> f32[B, 1] { x |> Linear(1) }
model LogTwo(x: f32[B, 1]) -> f32[B, 2] { log_softmax(x |> Linear(2), 1) }
model Share(x: f32[B, 1]) -> f32[B] { squeeze(sigmoid(x |> Linear(1)), 1) }
model Both(x: f32[B, 1]) { let h = x |> Linear(4) |> relu
  (h |> Linear(2), h |> Linear(1)) }
`
function section(body: string): TrainSection {
  const { model, diagnostics } = checkText(`${DATA}${MODELS}train on d {\n  ${body}\n  steps 1\n}\n`)
  expect(diagnostics.all.filter(({ severity }) => severity === "error")).toEqual([])
  return model!.trains[0]!
}
type OfModel = Omit<Target, "model">
const targets = (model: string, body: string): OfModel[] =>
  section(body)
    .targets.filter((target) => target.model === model)
    .map(({ model: _, ...target }) => target)
const CLASSES = { kind: "classes", count: 2, inner: 1 } as const
const output = (field: string, as: Target["as"]): OfModel => ({ output: "output", field, as })
const SGD = "with SGD(lr: 0.1)"

describe("an output stands for the field that is compared with it", () => {
  it.each<[string, string, string, OfModel[]]>([
    [
      "logits of classes",
      "Two",
      "cross_entropy(Two(x), y)",
      [output("y", { ...CLASSES, scores: "softmax" })],
    ],
    [
      "logits and one-hot classes",
      "Two",
      "cross_entropy(Two(x), hot)",
      [output("hot", { ...CLASSES, scores: "softmax" })],
    ],
    ["log-probabilities", "LogTwo", "nll(LogTwo(x), y)", [output("y", { ...CLASSES, scores: "exp" })]],
    [
      "one logit for two classes",
      "One",
      "bce_with_logits(squeeze(One(x), 1), f32(y))",
      [output("y", { kind: "binary", scores: "sigmoid" })],
    ],
    [
      "one probability for two classes",
      "Share",
      "bce(Share(x), f32(y))",
      [output("y", { kind: "binary", scores: "probs" })],
    ],
    [
      "a logit for each class",
      "Two",
      "bce_with_logits(Two(x), hot)",
      [output("hot", { ...CLASSES, scores: "sigmoid" })],
    ],
    [
      "values, whatever their shape",
      "One",
      "mse(squeeze(One(x), 1), price)",
      [output("price", { kind: "value" })],
    ],
    [
      "values in a loss of the program's own",
      "One",
      "mean(abs(price - reshape(One(x), [-1])))",
      [output("price", { kind: "value" })],
    ],
    ["0 and 1 that are no classes", "One", "bce_with_logits(One(x), bare)", []],
    ["what is computed from a field", "One", "mse(squeeze(One(x), 1), price * 2)", []],
    ["what is computed from the output", "One", "mse(squeeze(One(x) * 2, 1), price)", []],
    ["two fields, and so none", "One", "mse(squeeze(One(x), 1), price) + mse(One(x), x)", []],
    ["nothing but itself", "Two", "mean(square(Two(x)))", []],
  ])("%s", (_, model, loss, expected) => expect(targets(model, `minimize ${loss} ${SGD}`)).toEqual(expected))

  it("each output for its own", () =>
    expect(
      targets(
        "Both",
        `let (c, v) = Both(x)\n  minimize cross_entropy(c, y) + mse(squeeze(v, 1), price) ${SGD}`,
      ),
    ).toEqual([
      { output: "output.0", field: "y", as: { ...CLASSES, scores: "softmax" } },
      { output: "output.1", field: "price", as: { kind: "value" } },
    ]))

  it("by a metric, where the loss does not say: then scores are no probabilities", () =>
    expect(
      targets("Two", `let s = Two(x)\n  minimize mean(square(s)) ${SGD}\n  report accuracy = accuracy(s, y)`),
    ).toEqual([output("y", { ...CLASSES, scores: "none" })]))

  it("as a program says it", () => {
    const own = `estimates(s, y, as: "logits", axis: 1)`
    expect(targets("Two", `let s = Two(x)\n  minimize mean(square(${own})) ${SGD}`)).toEqual([
      output("y", { ...CLASSES, scores: "softmax" }),
    ])
  })
})

describe("axes of a report are the classes of a field", () => {
  it.each([
    ["confusion_matrix(s, y)", [{ report: "r", field: "y" }]],
    ["confusion_matrix(s, y) / 3", [{ report: "r", field: "y" }]],
    ['f1(s, y, average: "none")', [{ report: "r", field: "y" }]],
    ["mean(softmax(s, 1), 0)", []],
    ["per_class(mean(softmax(s, 1), 0), y)", [{ report: "r", field: "y" }]],
  ])("%s", (report, expected) =>
    expect(
      section(`let s = Two(x)\n  minimize cross_entropy(s, y) ${SGD}\n  report r = ${report}`).classReports,
    ).toEqual(expected),
  )
})
