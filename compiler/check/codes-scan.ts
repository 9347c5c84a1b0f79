/** check: pages about loops over time. */
import type { ProgramPages } from "../source/codes.js"

const loop = (head: string, body: string): string => `model M(xs: f32[B, 5, 3]) {
  var h = zeros([B, 3])
  scan x in ${head} {
    ${body}
    h
  }
}`
const right = loop("xs over 1", "h = tanh(x + h)")

export const scanCodes: ProgramPages = {
  "scan-sequence": {
    title: "a `scan` over something that cannot be walked",
    explanation:
      "`scan x in xs over 1` walks along one axis of a tensor, or of several that have it in the same place and of the same size. The size must be known when compiling, so it cannot be the batch. `for` walks over ranges and lists; `arange(n)` is a tensor.",
    pytorch: "nn.RNN(batch_first=True) walks along axis 1, one without it along axis 0.",
    bad: loop("xs over 0", "h = tanh(x + h)"),
    good: right,
  },
  "scan-carry": {
    title: "what a `scan` carries changes its type",
    explanation:
      "A `var` from outside that the block assigns is carried from iteration to iteration. It keeps its dtype and shape, because one and the same block runs in every iteration. Start with a value of the shape that the block gives it, for instance zeros.",
    pytorch: "torch.scan has the same rule for its carry; a Python loop has none.",
    bad: loop("xs over 1", "h = sum(x + h, axis: 1)"),
    good: right,
  },
  "scan-result": {
    title: "a block of a `scan` whose value cannot be stacked",
    explanation:
      "The values of all iterations are stacked along the axis that is walked, so the block gives tensors (one, or a tuple of them) that have the axes before it.",
    pytorch: "It is torch.stack(outputs, dim=1) after a loop over time.",
    bad: `model M(xs: f32[B, 5, 3]) -> f32[5] {
  scan x in xs over 1 { sum(x) }
}`,
    good: `model M(xs: f32[B, 5, 3]) -> f32[B, 5] {
  scan x in xs over 1 { sum(x, axis: 1) }
}`,
  },
  "scan-block": {
    title: "something that cannot stand in the block of a `scan`",
    explanation:
      "The block is one iteration of a loop that runs on the device: it cannot `return` from the function around it or change a `state`.",
    pytorch: "A return inside a Python loop ends it; the body of torch.scan has no such way out.",
    bad: loop("xs over 1", "return x"),
    good: right,
  },
}
