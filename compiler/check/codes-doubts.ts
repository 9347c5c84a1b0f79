/** check: pages of the warnings about train sections that are legal and probably not meant (doubts/). */
import type { ProgramPages } from "../source/codes.js"

const allow = "Where it is meant, a comment says so, on the line or above it: // allow "

const binary = (
  net: string,
  loss = "bce_with_logits(z, y)",
  report = "",
): string => `data d = csv("rows.csv") {
  x: f32[3] = columns("a", "b", "c")
  y: f32[1] = column("d")
}
model M(x: f32[B, 3]) -> f32[B, 1] { ${net} }
train on d {
  let z = M(x)
  minimize ${loss} with SGD(lr: 0.1)
${report === "" ? "" : `  report ${report}\n`}  epochs 1
}`
const line = "x |> Linear(1)"

const free = (
  optimizer: string,
  settings: string,
): string => `model M(x: f32[4, 3]) -> f32[4, 1] { x |> Linear(1) }
train {
  minimize mean(M(ones([4, 3])) ^ 2) with ${optimizer}
  ${settings}
}`

const text = (layer: string): string => `data d = text("book.txt") {
  ids: i32[16] = characters |> vocabulary(90)
  next: i32[16] = characters(shift: 1) |> vocabulary(90)
}
model M(ids: i32[B, 16]) -> f32[B, 16, 90] { ids |> Embedding(90, 8) |> ${layer} |> Linear(90) }
train on d {
  minimize cross_entropy(M(ids), next, axis: -1) with Adam(lr: 0.001)
  epochs 1
}`

const series = (head: string): string => `data d = csv("rows.csv") {
  past: f32[14, 3] = columns("a", "b", "c") |> window
  next: f32[1] = column("a") |> window(shift: 14)
}
model M(past: f32[B, 14, 3]) -> f32[B, 1] {
  let h = past |> GRU(8)
  ${head} |> Linear(1)
}
train on d {
  minimize mse(M(past), next) with Adam(lr: 0.001)
  epochs 1
}`

export const doubtCodes: ProgramPages = {
  "dropout-last": {
    title: "a dropout between the last layer and the loss",
    explanation: `A dropout sets values to 0 and makes the others larger. Of a prediction nothing is left then that could be compared with
its target. It stands before the last layer, whose weights learn to do without what is dropped.
${allow}dropout-last`,
    pytorch: "nn.Sequential(nn.Linear(16, 1), nn.Dropout(0.5)) trains without a word.",
    bad: binary("x |> Linear(1) |> Dropout(0.5)"),
    good: binary("x |> Dropout(0.5) |> Linear(1)"),
  },
  "loss-direction": {
    title: "training, or a schedule, that goes towards the worse",
    explanation: `minimize makes its value smaller. Of r2 or an accuracy more is better, and of a loss with a minus in front too. A network that
plays against another says with "over" what the loss may move. ReduceOnPlateau waits for a smaller metric with the mode
"min", and for a larger one with "max".
${allow}loss-direction`,
    pytorch: "(-F.mse_loss(p, y)).backward() runs uphill without a word.",
    bad: binary(line, "-bce_with_logits(z, y)"),
    good: binary(line),
  },
  "layers-linear": {
    title: "two linear layers with nothing between them",
    explanation: `A product of two matrices is a matrix: Linear(64) |> Linear(32) can say no more than Linear(32), and is slower. An activation
between them makes the difference. A middle that is narrower than both ends is taken as meant: it bounds the rank.
${allow}layers-linear`,
    pytorch: "nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 1)) trains without a word.",
    bad: binary("x |> Linear(8) |> Linear(1)"),
    good: binary("x |> Linear(8) |> relu |> Linear(1)"),
  },
  "softmax-one": {
    title: "a softmax over a single score",
    explanation: `A softmax makes scores add up to 1. Of one score that is 1, whatever it was, and no gradient gets through. A probability of
yes or no is sigmoid of one score; the losses with logits take the score itself.
${allow}softmax-one`,
    pytorch: "F.softmax(z, dim=1) of a tensor [N, 1] is all ones, without a word.",
    bad: binary(line, "bce_with_logits(z, y)", "sure = mean(softmax(z))"),
    good: binary(line, "bce_with_logits(z, y)", "sure = mean(sigmoid(z))"),
  },
  "softmax-hidden": {
    title: "a softmax between layers",
    explanation: `A softmax is for scores of which one is to be chosen. As an activation between layers it makes all values of a row add up to 1
and leaves little of all but the largest, so the layers below hardly learn.
${allow}softmax-hidden`,
    pytorch: "nn.Softmax() between nn.Linear layers trains without a word.",
    bad: binary("x |> Linear(8) |> softmax |> Linear(1)"),
    good: binary("x |> Linear(8) |> relu |> Linear(1)"),
  },
  "axis-mistaken": {
    title: "an axis taken for another",
    explanation: `A sequence is f32[B, T, E]: rows, places in time, features. What a recurrent layer has seen at the end is h[:, -1], the mean over
time is axis: 1. Images are f32[B, C, H, W], and their mean over places is axis: [2, 3]. Weights of a sum, as in
attention, add up to 1 along the axis that the product adds up: the last.
${allow}axis-mistaken`,
    pytorch:
      "h.mean(dim=2) in place of h.mean(dim=1) runs without a word, as long as the next layer is made to fit.",
    bad: series("mean(h, axis: 2)"),
    good: series("mean(h, axis: 1)"),
  },
  "float-equality": {
    title: "numbers that a network computes, compared with ==",
    explanation: `A sigmoid is 0.9997, not 1. How often a prediction is right is a question of sides: (logits > 0) == (y > 0.5), or
accuracy(logits, y).
${allow}float-equality`,
    pytorch: "(torch.sigmoid(z) == y).float().mean() is 0 without a word.",
    bad: binary(line, "bce_with_logits(z, y)", "right = mean(f32(sigmoid(z) == y))"),
    good: binary(line, "bce_with_logits(z, y)", "right = accuracy(z, y)"),
  },
  "metric-unfit": {
    title: "a metric of something that it does not measure",
    explanation: `accuracy, f1 and their kin take targets of 0 and 1, or classes; of numbers to predict there are mae, rmse and r2. top_k of as many
as there are classes is always 1. perplexity takes a cross-entropy.
${allow}metric-unfit`,
    pytorch: "torchmetrics takes such targets for classes, or fails.",
    bad: binary(line, "mse(z, y)", "right = accuracy(z, y)"),
    good: binary(line, "mse(z, y)", "off = mae(z, y)"),
  },
  "future-seen": {
    title: "a network that reads what it is to predict",
    explanation: `Where the target is the input some places later, a place may see itself and those before it. Attention without "causal", and a
recurrent layer that also reads from the end, see the answer: the loss falls to nearly nothing, and nothing is learned.
${allow}future-seen`,
    pytorch:
      "nn.TransformerEncoderLayer without a src_mask, or nn.GRU(bidirectional=True), in a language model.",
    bad: text("MultiHeadAttention(2)"),
    good: text("MultiHeadAttention(2, causal: true)"),
  },
  "start-equal": {
    title: "matrices one after another that start with all numbers equal",
    explanation: `Units with equal weights compute equal values, get equal gradients, and stay equal: the layer is as good as one unit; with zeros
no gradient gets through at all. One such matrix, as in linear regression, does no harm, nor does one whose input differs by
unit already: the second of two factors (LoRA), or the last matrix of a residual branch.
${allow}start-equal`,
    pytorch: "nn.init.zeros_(layer.weight) or nn.init.constant_ of every layer.",
    bad: `model M(x: f32[4, 3]) -> f32[4, 1] {
  param w1: f32[3, 8] = zeros
  param w2: f32[8, 1] = zeros
  tanh(x @ w1) @ w2
}
train {
  minimize mean((M(ones([4, 3])) - 1) ^ 2) with SGD(lr: 0.1)
  steps 10
}`,
    good: `model M(x: f32[4, 3]) -> f32[4, 1] {
  param w1: f32[3, 8] = normal(0, 0.5)
  param w2: f32[8, 1] = normal(0, 0.5)
  tanh(x @ w1) @ w2
}
train {
  minimize mean((M(ones([4, 3])) - 1) ^ 2) with SGD(lr: 0.1)
  steps 10
}`,
  },
  "rate-small": {
    title: "a learning rate with which nothing is learned",
    explanation: `Parameters are f32 numbers: near 1 two of them are 6e-8 apart. A change that is smaller is lost.
A parameter that is to stay as it is is a "frozen param".
${allow}rate-small`,
    pytorch: "torch.optim.Adam(lr=1e-12) runs without a word.",
    bad: free("Adam(lr: 1e-12)", "steps 100"),
    good: free("Adam(lr: 0.001)", "steps 100"),
  },
  "decay-large": {
    title: "a weight decay that leaves nothing of the weights",
    explanation: `AdamW takes the rate times the decay off every parameter in each step; the other optimizers add the decay times the parameter to
its gradient. Decays are 0.0001 to 0.1 mostly.
${allow}decay-large`,
    pytorch: "weight_decay of torch.optim.AdamW and torch.optim.SGD is meant alike.",
    bad: free("SGD(lr: 0.1, weight_decay: 10)", "steps 100"),
    good: free("SGD(lr: 0.1, weight_decay: 0.01)", "steps 100"),
  },
  "setting-beyond": {
    title: "a setting that the run never gets to",
    explanation: `patience, report every, checkpoint every and accumulate count steps or epochs. What is longer than the run never happens.
${allow}setting-beyond`,
    pytorch: "Lightning's EarlyStopping(patience=50) in a Trainer(max_epochs=30) never stops anything.",
    bad: free("SGD(lr: 0.1)", "steps 100, report every 1000 steps"),
    good: free("SGD(lr: 0.1)", "steps 100, report every 10 steps"),
  },
}
