// Models that are called with other parameters. Each case is one step of SGD, whose loss and parameters are those of
// PyTorch (torch.func.functional_call, torch.autograd.grad), computed once.
import { afterAll, beforeAll, expect, test } from "vitest"
import { openBundle, type ReportEvent, type Trainer } from "../runtime/node.js"
import { compileText } from "./reference/compile-text.js"

const program = `data d = array(x: [[0.1], [0.5], [-0.3], [0.8]], y: [[0.2], [0.1], [-0.4], [0.9]]) {
  x: f32[1] = column("x")
  y: f32[1] = column("y")
}
model Net(x: f32[B, 1]) -> f32[B, 1] {
  let first = Linear(3)
  let last = Linear(1)
  x |> first |> tanh |> last
}
model Old follows Net by copy(every: 100)
model Mean(x: f32[B, 1]) -> f32[B, 1] { Net(x, with: (Net.parameters + Old.parameters) / 2) }

train maml on d {
  var fast = Net.parameters
  for i in 0..2 { fast = fast - 0.3 * grad(mse(Net(x, with: fast), y), fast) }
  minimize mse(Net(x + 0.1, with: fast), y * y) with SGD(lr: 0.5)
  steps 1
}
train sam on d {
  let g = stop_gradient(grad(mse(Net(x), y), Net.parameters))
  let near = Net.parameters + 0.05 / global_norm(g) * g
  minimize mse(x |> Net(with: near), y) with SGD(lr: 0.5)
  steps 1
}
train head on d {
  minimize mse(Net(x, with: 2 * Net.last.parameters), y) with SGD(lr: 0.5)
  steps 1
}
`
const START = {
  "Net.first.weight": [0.5, -1, 0.25],
  "Net.first.bias": [0.1, 0.2, -0.3],
  "Net.last.weight": [0.7, -0.4, 0.9],
  "Net.last.bias": [0.05],
}
let trainer: Trainer
beforeAll(async () => {
  trainer = await openBundle(compileText({ path: "functional.nn", text: program }).bundle, ".", {
    device: "wasm",
  })
})
afterAll(() => trainer.close())

/** Trains from the parameters as they are; gives the loss of the first report. */
async function firstLoss(train: string): Promise<number | undefined> {
  const reports: ReportEvent[] = []
  await trainer.train({
    train,
    keepParameters: true,
    onEvent: (event) => event.event === "report" && reports.push(event),
  })
  return reports[0]!.metrics.loss
}

const cases = [
  {
    train: "maml",
    loss: 0.1097545325756073,
    after: {
      "Net.first.weight": [0.469109416, -0.980840325, 0.212090164],
      "Net.first.bias": [0.107923269, 0.202401549, -0.301319242],
      "Net.last.weight": [0.680647373, -0.356038332, 0.889863551],
      "Net.last.bias": [0.054489203],
    },
  },
  {
    train: "sam",
    loss: 0.10733161866664886,
    after: {
      "Net.first.weight": [0.548192024, -1.02531445, 0.329338789],
      "Net.first.bias": [0.253622055, 0.119464442, -0.091127634],
      "Net.last.weight": [0.759435833, -0.430567116, 0.842303157],
      "Net.last.bias": [0.296352118],
    },
  },
]
test.each(cases)("$train", async ({ train, loss, after }) => {
  trainer.setParameters(START)
  expect(await firstLoss(train)).toBeCloseTo(loss, 6)
  const found = await trainer.parameters()
  for (const [name, values] of Object.entries(after))
    values.forEach((value, i) => expect(found.get(name)!.values[i], name).toBeCloseTo(value, 6))
})
test("a part of them, and the mean of two models", async () => {
  const output = async (model: string): Promise<number> =>
    Number((await trainer.predict(model, { x: [0.5] }))["output"]!.values[0])
  const { first, last } = { first: START["Net.first.weight"], last: START["Net.last.weight"] }
  const hidden = first.map((w, i) => Math.tanh(0.5 * w + START["Net.first.bias"][i]!))
  const net = (scale: number): number =>
    scale * (hidden.reduce((sum, h, i) => sum + h * last[i]!, 0) + START["Net.last.bias"][0]!)
  trainer.setParameters(START)
  trainer.setParameters(
    Object.fromEntries(
      Object.entries(START).map(([name, values]) => [
        name.replace("Net", "Old"),
        name.includes("last") ? values.map((value) => 3 * value) : values,
      ]),
    ),
  )
  expect(await output("Net")).toBeCloseTo(net(1), 6)
  expect(await output("Mean")).toBeCloseTo(net(2), 6)
  const found = await firstLoss("head")
  const loss = [0.1, 0.5, -0.3, 0.8].map((x, i) => {
    const h = first.map((w, k) => Math.tanh(x * w + START["Net.first.bias"][k]!))
    const out = 2 * (h.reduce((sum, each, k) => sum + each * last[k]!, 0) + START["Net.last.bias"][0]!)
    return (out - [0.2, 0.1, -0.4, 0.9][i]!) ** 2 / 4
  })
  expect(found).toBeCloseTo(
    loss.reduce((a, b) => a + b),
    5,
  )
})
