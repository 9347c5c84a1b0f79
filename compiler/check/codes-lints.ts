/** check: pages about programs that are right by the rules, and probably not meant. */
import type { ProgramPages } from "../source/codes.js"

const allow = "Where it is meant, a comment says so, on the line or above it: // allow "

const data = (fields: string): string => `data d = csv("rows.csv") {\n${fields}\n}`
const loss = (text: string): string =>
  `model M(x: f32[B, 3], y: f32[B, 1]) { let z = x |> Linear(1)\n  ${text} }`

const train = (
  optimizer: string,
  settings: string,
): string => `model M(x: f32[4, 3]) -> f32[4, 1] { x |> Linear(1) }
train {
  minimize mean(M(ones([4, 3])) ^ 2) with ${optimizer}
  ${settings}
}`

const measured = (
  scores: string,
): string => `${data('  x: f32[3] = columns("a", "b", "c")\n  y: i32 = column("d") |> classes(3)')}
model M(x: f32[B, 3]) -> f32[B, 3] { x |> Linear(3) }
train on d {
  minimize cross_entropy(M(x), y) with SGD(lr: 0.1)
  report right = accuracy(${scores}, y)
  epochs 1
}`

export const lintCodes: ProgramPages = {
  "argument-order": {
    title: "the input, or its size, is given where what follows from it is taken",
    explanation: `PyTorch's layers take both sizes: nn.Linear(30, 16), nn.Conv2d(1, 16, 3). Here the size of the input follows
from what comes in, so only the output's is said: Linear(16), Conv2d(16, 3). Where a window of such a size is meant,
name it: Conv2d(1, kernel: 16, stride: 3). A loss compares what the model computes with the target, and does not read the
model's input: mse(Net(x), y), not mse(x, Net(x), y).`,
    pytorch:
      "nn.Linear(30, 16) and nn.Conv2d(1, 16, 3) take both sizes; nn.LazyLinear(16) and Keras's Dense(16) only the output's, as here.",
    bad: "model M(x: f32[B, 30]) { x |> Linear(30, 16) }",
    good: "model M(x: f32[B, 30]) { x |> Linear(16) }",
  },
  "import-hides": {
    title: "an import takes a name of the library without saying so",
    explanation: `\`import "file.nn"\` brings every declaration of a file, and one of them has the name of a function of the library
that is used here. Name it in the import where it is meant, and give it another name where it is not.
${allow}import-hides`,
    pytorch: "from layers import * replaces names that are there, without a word.",
    bad: `import "layers.nn"
model M(x: f32[B, 3]) { x |> relu }`,
    good: `import { relu } from "layers.nn"
model M(x: f32[B, 3]) { x |> relu }`,
    files: { "layers.nn": "fn relu(x: f32[...]) { maximum(x, 0) }" },
  },
  "two-meanings": {
    title: "one body uses a name as the library's, and then for something else",
    explanation: `A local name may be that of a function of the library, which it hides from there to the end of its block. Where the
same body has used the library's before, a reader has to know which line comes first. \`let norm = norm(x)\` is taken as meant.
${allow}two-meanings`,
    pytorch: "Python refuses a function that reads a name before it assigns to it: UnboundLocalError.",
    bad: `model M(x: f32[B, 3]) {
  let size = norm(x, axis: 1)
  let norm = LayerNorm()
  norm(x) + mean(size)
}`,
    good: `model M(x: f32[B, 3]) {
  let size = norm(x, axis: 1)
  let rescale = LayerNorm()
  rescale(x) + mean(size)
}`,
  },
  "batch-broadcast": {
    title: "every row of one tensor meets every row of the other",
    explanation: `f32[B, 1] and f32[B] broadcast to [B, B], as in NumPy and PyTorch. A loss over that compares the prediction of each
row with the target of every other. Give both one shape: squeeze(prediction, 1), or declare the field f32[1]. Two tensors
that both have the axes, one of size 1 in each, are taken as meant.
${allow}batch-broadcast`,
    pytorch:
      'F.mse_loss warns "Using a target size that is different to the input size"; (a - b) ** 2 says nothing.',
    bad: "model M(x: f32[B, 3], y: f32[B]) { mean(((x |> Linear(1)) - y) ^ 2) }",
    good: "model M(x: f32[B, 3], y: f32[B]) { mean((squeeze(x |> Linear(1), 1) - y) ^ 2) }",
  },
  "batch-axis": {
    title: "a softmax or a running sum over the rows of a batch",
    explanation: `Axis 0 holds the rows. A softmax along it makes what one row becomes depend on the rows that happen to be beside it.
Along the features it is axis 1, or -1 for the last.
${allow}batch-axis`,
    pytorch: "F.softmax(x, dim=0) has the same effect, without a word.",
    bad: "model M(x: f32[B, 3]) { softmax(x, axis: 0) }",
    good: "model M(x: f32[B, 3]) { softmax(x, axis: 1) }",
  },
  "channels-last": {
    title: "images with the channels last, where a layer takes them first",
    explanation: `Layers of images take f32[N, C, H, W]. Of f32[B, 32, 32, 3] a convolution would take the 32 rows of the image for its channels,
and slide over the columns and the colours.
${allow}channels-last`,
    pytorch: "nn.Conv2d takes channels first as well, and Keras's Conv2D channels last by default.",
    bad: "model M(x: f32[B, 32, 32, 3]) { x |> Conv2d(8, 3) }",
    good: "model M(x: f32[B, 32, 32, 3]) { permute(x, [0, 3, 1, 2]) |> Conv2d(8, 3) }",
  },
  "state-idle": {
    title: "a state that nothing updates",
    explanation: `A state lives from step to step, and "name <- value" gives it its next value. Without one it keeps its first value, as
a let does. In PyTorch it would be a buffer that forward never writes.
${allow}state-idle`,
    pytorch: "It would be a register_buffer that forward never writes.",
    bad: "model M(x: f32[B, 3]) { state seen: f32[3] = zeros\n  x - seen }",
    good: "model M(x: f32[B, 3]) { state seen: f32[3] = zeros\n  seen <- 0.9 * seen + 0.1 * mean(x, axis: 0)\n  x - seen }",
  },
  "schedule-length": {
    title: "a schedule of another length than the run",
    explanation: `cosine, polynomial and one_cycle count updates up to "total". After that the rate stays at its end; in a shorter run it
never gets there. A run makes epochs * ceil(rows / batch) updates, divided by accumulate. In PyTorch it is T_max of
CosineAnnealingLR, or total_steps of OneCycleLR.
${allow}schedule-length`,
    pytorch:
      "It is T_max of CosineAnnealingLR, or total_steps of OneCycleLR, which fails after its last step.",
    bad: train("SGD(lr: cosine(peak: 0.1, total: 20))", "steps 260"),
    good: train("SGD(lr: cosine(peak: 0.1, total: 260))", "steps 260"),
  },
  "average-longer": {
    title: "an average that is longer than the run",
    explanation: `ema with decay d averages over about 1 / (1 - d) updates: 1000 with 0.999. In a shorter run the average is mostly of the
first parameters. swa begins at update "start". Evaluation and prediction read the average. In PyTorch both are
torch.optim.swa_utils.AveragedModel.
${allow}average-longer`,
    pytorch: "It is the decay of torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn.",
    bad: train("SGD(lr: 0.1)", "steps 260, keep average ema(decay: 0.999)"),
    good: train("SGD(lr: 0.1)", "steps 260, keep average ema(decay: 0.95)"),
  },
  "metric-threshold": {
    title: "a metric of two classes gets probabilities where it takes scores",
    explanation: `accuracy, precision, recall, f1 and confusion_matrix of f32 targets take a score above 0 as the class 1, as the losses with
logits do. After a sigmoid everything is above 0. In PyTorch it would be (sigmoid(z) > 0.5).
${allow}metric-threshold`,
    pytorch: "It is ((z > 0) == y.bool()), or (torch.sigmoid(z) > 0.5); both at once is the mistake.",
    bad: `${data('  x: f32[3] = columns("a", "b", "c")\n  y: f32[1] = column("d")')}
model M(x: f32[B, 3]) -> f32[B, 1] { x |> Linear(1) }
train on d {
  minimize bce_with_logits(M(x), y) with SGD(lr: 0.1)
  report right = accuracy(sigmoid(M(x)), y)
  epochs 1
}`,
    good: `${data('  x: f32[3] = columns("a", "b", "c")\n  y: f32[1] = column("d")')}
model M(x: f32[B, 3]) -> f32[B, 1] { x |> Linear(1) }
train on d {
  minimize bce_with_logits(M(x), y) with SGD(lr: 0.1)
  report right = accuracy(M(x), y)
  epochs 1
}`,
  },
  "scores-from-data": {
    title: "a metric or a loss of a field as it is read",
    explanation: `The scores of a metric are what a model computes. A field in their place, mostly the input of the model, is compared with
the target as it stands in the file.
${allow}scores-from-data`,
    pytorch: "It would be accuracy(x, y) in place of accuracy(model(x), y).",
    bad: measured("x"),
    good: measured("M(x)"),
  },
  "rate-large": {
    title: "a learning rate beyond what the optimizer can use",
    explanation: `Adam and its kin move every parameter by about the rate in each step, whatever the size of the gradients: with 10, every weight
moves by 10. Rates are 0.0001 to 0.01 mostly, as in PyTorch, whose default is 0.001.
${allow}rate-large`,
    pytorch: "torch.optim.Adam has lr=0.001 by default, and takes lr=10 without a word.",
    bad: train("Adam(lr: 10)", "steps 260"),
    good: train("Adam(lr: 0.001)", "steps 260"),
  },
  "prepared-twice": {
    title: "a field that is brought to a range twice",
    explanation: `standardize gives each column mean 0 and deviation 1, minmax the range 0 to 1, whatever they had before: of two in a row the
first has no effect. In scikit-learn it would be a StandardScaler before a MinMaxScaler.
${allow}prepared-twice`,
    pytorch: "In scikit-learn it would be a StandardScaler before a MinMaxScaler.",
    bad: data('  x: f32[3] = columns("a", "b", "c") |> standardize |> minmax\n  y: f32 = column("d")'),
    good: data('  x: f32[3] = columns("a", "b", "c") |> minmax\n  y: f32 = column("d")'),
  },
  "scores-bounded": {
    title: "an activation on the scores before a loss",
    explanation: `Losses that apply softmax or sigmoid themselves take scores of any sign and size. After a relu no class can be less
likely than a score of 0 says, after a tanh no probability gets near 0 or 1.
${allow}scores-bounded`,
    pytorch: "It would be F.binary_cross_entropy_with_logits(F.relu(z), y), which runs without a word.",
    bad: loss("bce_with_logits(relu(z), y)"),
    good: loss("bce_with_logits(z, y)"),
  },
  "scores-as-probabilities": {
    title: "a loss gets scores where it takes probabilities",
    explanation: `bce takes probabilities between 0 and 1; nll and kl_div take their logarithms. The result of a layer is neither:
use bce_with_logits or cross_entropy, which take scores, or apply sigmoid or log_softmax first.
${allow}scores-as-probabilities`,
    pytorch:
      'F.binary_cross_entropy fails on the device ("all elements of input should be between 0 and 1").',
    bad: loss("bce(z, y)"),
    good: loss("bce_with_logits(z, y)"),
  },
  "target-standardized": {
    title: "a standardized field as the target of a loss of probabilities",
    explanation: `A target of 0 and 1 becomes, say, -1.2 and 0.8 by standardize, and then no prediction is right: the loss falls without
end. Take the column as it is.`,
    pytorch: "PyTorch takes such targets without a word; the loss falls below 0.",
    bad: `${data('  x: f32[3] = columns("a", "b", "c")\n  y: f32[1] = column("d") |> standardize')}
model M(x: f32[B, 3]) -> f32[B, 1] { x |> Linear(1) }
train on d {
  minimize bce_with_logits(M(x), y) with SGD(lr: 0.1)
  epochs 1
}`,
    good: `${data('  x: f32[3] = columns("a", "b", "c")\n  y: f32[1] = column("d")')}
model M(x: f32[B, 3]) -> f32[B, 1] { x |> Linear(1) }
train on d {
  minimize bce_with_logits(M(x), y) with SGD(lr: 0.1)
  epochs 1
}`,
  },
  "target-among-features": {
    title: "a field of many columns also takes the column of another field",
    explanation: `Mostly the single column is the target, and a network that is given its target as an input learns to pass it on.
Leave it out with columns(except: "name").
${allow}target-among-features`,
    pytorch: 'It is a DataFrame from which drop(columns="label") was left out.',
    bad: data('  x: f32[3] = columns("a", "b", "label")\n  y: f32 = column("label")'),
    good: data('  x: f32[2] = columns("a", "b")\n  y: f32 = column("label")'),
  },
  "fields-equal": {
    title: "two fields of a row hold the same values",
    explanation: `The target of a text model is the text one character later: characters(shift: 1). In a table, one of the two is
another column.
${allow}fields-equal`,
    pytorch: "For text it is x = ids[:-1] and y = ids[1:].",
    bad: data('  x: f32[2] = columns("a", "b")\n  y: f32[2] = columns("a", "b")'),
    good: data('  x: f32[2] = columns("a", "b")\n  y: f32[2] = columns("c", "d")'),
  },
}
