/** cli/init: the smallest program: six points in the plane. */
import { guided } from "./template.js"

export const points = guided({
  about: "six points in the plane, the smallest program",
  program: "program.nn",
  files: () => ({ "program.nn": POINTS }),
  commands: [
    ["nnc check program.nn", "every mistake that can be found without running"],
    ["nnc train program.nn", "trains; checkpoints, a log and report.html go to runs/"],
    ["nnc inspect program.nn --after=graph", "what the compiler makes of it, stage by stage"],
    ["nnc compile program.nn -o out/", "a folder that trains and predicts without nnc"],
  ],
  result: "The loss falls from about 0.7 to below 0.05, and all six points end on the right side.",
})

export const POINTS = `// Two classes of three points each in the plane, told apart by logistic regression.

data points = array(
  x1: [0.1, 0.2, 0.35, 0.6, 0.75, 0.9],
  x2: [0.5, 0.25, 0.3, 0.8, 0.65, 0.7],
  class: [0, 0, 0, 1, 1, 1]
) {
  x: f32[2] = columns("x1", "x2")
  y: f32[1] = column("class")
}

model Classifier(x: f32[B, 2]) -> f32[B, 1] {
  x |> Linear(1)
}

train on points {
  let logits = Classifier(x)
  minimize bce_with_logits(logits, y) with SGD(lr: 1.0)
  report accuracy = mean(f32((logits > 0) == (y > 0.5)))

  steps 1000, seed 1
  report every 100 steps
}
`
