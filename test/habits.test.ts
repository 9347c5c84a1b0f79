// The table of habits is true of the library, and its repairs give programs that compile.

import { describe, expect, it } from "vitest"
import { applyFixes } from "../compiler/source/fixes.js"
import { renderDiagnostics } from "../compiler/source/render.js"
import { NAME_HABITS, SETTING_HABITS, TYPE_HABITS } from "../compiler/source/habits.js"
import { settingWords } from "../grammar/tokens.js"
import { checkText } from "./support/checked.js"

interface Parts {
  readonly body?: string
  readonly loss?: string
  readonly optimizer?: string
  readonly settings?: string
}

/** A program that is right, but for the part that is given. */
const program = ({
  body = "x |> Linear(8) |> relu |> Linear(2)",
  loss = "cross_entropy(Net(x), y)",
  optimizer = "SGD(lr: 0.1)",
  settings = "batch 2, epochs 5, seed 1",
}: Parts): string => `data d = array(a: [1, 2, 3, 4], b: [2, 4, 6, 8], c: [0, 1, 1, 0]) {
  x: f32[2] = columns("a", "b")
  y: i32 = column("c") |> classes(2)
}

model Net(x: f32[B, 2]) -> f32[B, 2] {
  ${body}
}

train on d {
  minimize ${loss} with ${optimizer}
  ${settings}
}
`

const said = (text: string): string => renderDiagnostics(checkText(text).diagnostics.all)

/** With all repairs made, as often as one uncovers another. */
function repaired(text: string): string {
  let current = text
  for (let round = 0; round < 10; round++) {
    const [change] = applyFixes(checkText(current).diagnostics.all)
    if (!change) break
    current = change.text
  }
  return current
}

const names = Object.entries(NAME_HABITS).flatMap(([name, habit]) =>
  "here" in habit ? [[name, habit.here]] : [],
)
it.each([...names, ...Object.entries(TYPE_HABITS)])("`%s` is written `%s`, which there is", (name, here) => {
  const text = `fn f(x: f32[...]) { let known = ${here}\n x }\nmodel M(x: f32[B, 2]) { f(x) }`
  if (name in TYPE_HABITS) expect(["f32", "f16", "i32", "u32", "bool", "string"]).toContain(here)
  else expect(said(text)).not.toContain("name-unknown")
})

it.each(Object.entries(SETTING_HABITS))("the setting `%s` is written `%s`, which there is", (_, here) =>
  expect(settingWords).toContain(here),
)

describe("one message, and its repair makes the program right", () => {
  const right = said(program({}))
  it.each<Parts>([
    { body: "x |> nn.Linear(8) |> relu |> Linear(2)" },
    { body: "x |> Linear(8) |> nn.ReLU() |> Linear(2)" },
    { body: "x |> Linear(8) |> ReLU() |> Linear(2)" },
    { body: "x |> Dense(8) |> relu |> Linear(2)" },
    { body: "F.relu(Linear(8)(x)) |> Linear(2)" },
    { body: "x |> Linear(8) |> torch.nn.functional.gelu |> Linear(2)" },
    { body: "x |> Linear(2, 8) |> relu |> Linear(2)" },
    { body: "x |> Linear(8, bias: True) |> relu |> Linear(2)" },
    { body: "x |> Linear(out_features: 8) |> relu |> Linear(2)" },
    { body: "x ** 2 |> Linear(2)" },
    { body: "h = x |> Linear(8)\n  h |> Linear(2)" },
    { body: "x |> Linear(8) |> softmax(dim: 1) |> Linear(2)" },
    { loss: "CrossEntropyLoss()(Net(x), y)" },
    { loss: "nn.CrossEntropyLoss()(Net(x), y)" },
    { optimizer: "SGD(learning_rate: 0.1)" },
    { optimizer: "SGD(lr=0.1)" },
    { optimizer: "optim.SGD(lr: 0.1)" },
    { optimizer: "Adam(lr: 0.1, beta_1: 0.9)" },
    { settings: "batch: 2, epochs 5, seed 1" },
    { settings: "batch_size 2, epochs 5, seed 1" },
    { settings: "batch 2, epochs = 5, seed 1" },
    { settings: "batch 2, num_epochs 5, seed 1" },
    { settings: "batch 2, epochs 5, seed 1 # as before" },
  ])("%j", (parts) => {
    const text = program(parts)
    expect(checkText(text).diagnostics.all).toHaveLength(1)
    expect(said(repaired(text))).toBe(right)
  })
})

it("a size of `None` is the batch's, and nothing else is", () => {
  const text = program({}).replaceAll("B, 2]", "None, 2]")
  expect(checkText(text).diagnostics.all.map(({ code }) => code)).toEqual(["syntax-habit", "syntax-habit"])
  expect(repaired(text)).toBe(program({}))
})

it("Keras' binary cross-entropy takes probabilities, as `bce` does", () => {
  const text = (name: string): string =>
    program({ body: "x |> Linear(2) |> sigmoid", loss: `${name}(Net(x), one_hot(y, 2))` })
  expect(said(text("bce"))).not.toContain("error")
  expect(repaired(text("binary_crossentropy"))).toBe(text("bce"))
})

describe("one message, with advice where the repair depends on more", () => {
  it.each<[Parts, string]>([
    [{ body: "Sequential(Linear(8), relu, Linear(2))(x)" }, "in a pipe"],
    [{ body: "x.reshape(-1, 2) |> Linear(2)" }, "`reshape(x, ...)`"],
    [{ body: "x.view(-1, 2) |> Linear(2)" }, "`reshape(x, ...)`"],
    [{ body: "x.float() |> Linear(2)" }, "`f32(x)`"],
    [{ body: 'x |> Linear(8, activation: "relu") |> Linear(2)' }, "`Linear(64) |> relu`"],
    [{ body: "let w = param f32[2, 2] = zeros\n  x @ w" }, "`param w: f32[16, 30]"],
    [{ settings: "metrics accuracy\n  batch 2, epochs 5" }, "`report accuracy ="],
    [
      { settings: "scheduler step_lr(0.1, every: 10)\n  batch 2, epochs 5" },
      "`SGD(lr: step_lr(0.1, every: 10))`",
    ],
    [{ optimizer: "Adam(lr: 0.1, betas: (0.9, 0.99))" }, "`beta1: 0.9, beta2: 0.999`"],
  ])("%j", (parts, advice) => {
    const { all } = checkText(program(parts)).diagnostics
    expect(all.map(({ help }) => help)).toEqual([expect.stringContaining(advice)])
  })

  it("names that every object of JavaScript has, and names of reports, are no habits", () => {
    const settings = "report epoch = mean(x)\n  report constructor = mean(x)\n  batch 2, epochs 5, seed 1"
    expect(said(program({ settings }))).toBe("")
    const { all } = checkText(program({ body: "x |> Linear(2, constructor: 1) |> toString" })).diagnostics
    expect(all.map(({ code }) => code).sort()).toEqual(["argument-unknown", "name-unknown"])
  })

  it("a convolution with PyTorch's three numbers", () => {
    const net = (made: string) =>
      `model Net(x: f32[B, 3, 32, 32]) { x |> ${made} }\ndata d = array(a: [1]) { a: f32 = column("a") }`
    const wrong = net("Conv2d(3, 16, 3)")
    expect(said(wrong)).toContain("error[argument-order]")
    expect(said(repaired(wrong))).toBe(said(net("Conv2d(16, 3)")))
    expect(said(net("Conv2d(3, 7, 2)"))).not.toContain("argument-order")
    expect(said(net("Conv2d(3, kernel: 16, stride: 3)"))).not.toContain("argument-order")
  })
})
