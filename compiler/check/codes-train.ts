/** check: pages about models, losses, optimizers and settings. */
import type { ProgramPages } from "../source/codes.js"

const net = `model Net(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(1) }
`
const train = (body: string): string => `${net}train {
  let x = ones([4, 2])
${body}
}`

const onRows = (
  body: string,
): string => `${net}data d = csv("rows.csv") { x: f32[2] = columns("a", "b")  y: f32[1] = column("c") }
train on d {
  minimize mse(Net(x), y) with SGD(lr: 0.1)
${body}
  batch 2, epochs 1
}`

const two = (more: string): string => `${net}train first {
  minimize mean(Net(ones([4, 2]))) with SGD(lr: 0.1)
  steps 5000${more}
}
train second {
  minimize mean(Net(ones([4, 2]))) with SGD(lr: 0.1)
  steps 5000, keep average ema
}`

export const trainCodes: ProgramPages = {
  "model-input-type": {
    title: "a model's input without a tensor type",
    explanation:
      "A model can be compiled for prediction, so its inputs say dtype and shape; `B` is any number of rows.",
    pytorch: "forward declares no types; torch.export asks for an example input to find them.",
    bad: `model M(x) { x + 1 }`,
    good: `model M(x: f32[B, 3]) { x + 1 }`,
  },
  "model-result": {
    title: "a model that gives no tensor",
    explanation: "What a model gives is what `predict` writes, so it must be a tensor or a tuple of tensors.",
    pytorch: "torch.export also asks that forward gives tensors.",
    bad: `model M(x: f32[B, 3]) { "done" }`,
    good: `model M(x: f32[B, 3]) { x }`,
  },
  "model-size": {
    title: "a model of unknown size",
    explanation:
      "Sizes other than B come from a call in a train section. A model that is never called is not compiled.",
    pytorch: "It is torch.export.Dim for every axis; only the batch may stay open here.",
    bad: `model M(x: f32[B, n]) { x }`,
    good: `model M(x: f32[B, 3]) { x }`,
  },
  "train-no-loss": {
    title: "a train section without `minimize`",
    explanation: "Training changes parameters to make a loss smaller.",
    pytorch: "It is a loop without loss.backward().",
    bad: train("  report size = mean(Net(x))\n  steps 10"),
    good: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10"),
  },
  "loss-scalar": {
    title: "a loss that is not one number",
    explanation: "A loss is one f32. Take the mean or the sum of the losses of the rows.",
    pytorch:
      'RuntimeError: grad can be implicitly created only for scalar outputs; mostly reduction="none" was given.',
    bad: train("  minimize Net(x) ^ 2 with SGD(lr: 0.1)\n  steps 10"),
    good: train("  minimize mean(Net(x) ^ 2) with SGD(lr: 0.1)\n  steps 10"),
  },
  "loss-no-param": {
    title: "a loss that no parameter influences",
    explanation: "The loss must be computed from the output of a model or layer with parameters.",
    pytorch: "RuntimeError: element 0 of tensors does not require grad.",
    bad: train("  minimize mean(x) with SGD(lr: 0.1)\n  steps 10"),
    good: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10"),
  },
  "no-gradient": {
    title: "a loss that no gradient flows through",
    explanation:
      "Comparisons, `argmax` and conversions to integers have no gradient: a small change of the parameters does not change them. Minimise something smooth and report the rest.",
    pytorch: "(z > 0).float() has no grad_fn, and backward() fails.",
    bad: train("  minimize mean(f32(Net(x) > 0)) with SGD(lr: 0.1)\n  steps 10"),
    good: train("  minimize mean(sigmoid(Net(x))) with SGD(lr: 0.1)\n  steps 10"),
  },
  "param-no-gradient": {
    title: "a parameter that no gradient reaches",
    explanation:
      "It takes part in no loss, so training leaves it as it is. Declare it `frozen param` if that is meant.",
    pytorch: "Its .grad stays None; DistributedDataParallel calls it an unused parameter.",
    bad: train("  let unused = Linear(3)(x)\n  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10"),
    good: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10"),
  },
  "optimized-twice": {
    title: "a parameter moved by two optimizers",
    explanation: "`over` says which models, layers or parameters a loss may move.",
    pytorch:
      "Two optimizers that hold one parameter both step it; PyTorch says it only within one optimizer.",
    bad: train(
      "  minimize mean(Net(x)) with SGD(lr: 0.1)\n  minimize sum(Net(x)) with SGD(lr: 0.1)\n  steps 10",
    ),
    good: train("  minimize mean(Net(x)) + sum(Net(x)) with SGD(lr: 0.1)\n  steps 10"),
  },
  "optimizer-over-nothing": {
    title: "an optimizer without parameters",
    explanation:
      "What stands after `over` holds no parameter that is not frozen, or other groups have taken them all.",
    pytorch: "ValueError: optimizer got an empty parameter list.",
    bad: train("  let r = Dropout(0.5)\n  minimize mean(r(Net(x))) over r with SGD(lr: 0.1)\n  steps 10"),
    good: train("  let r = Dropout(0.5)\n  minimize mean(r(Net(x))) over Net with SGD(lr: 0.1)\n  steps 10"),
  },
  "over-target": {
    title: "`over` something that has no parameters",
    explanation: "`over` names models, instances of layers, or single parameters.",
    pytorch: "It is what optim.SGD(net.parameters()) is given.",
    bad: train("  minimize mean(Net(x)) over x with SGD(lr: 0.1)\n  steps 10"),
    good: train("  minimize mean(Net(x)) over Net with SGD(lr: 0.1)\n  steps 10"),
  },
  "optimizer-expected": {
    title: "something else where an optimizer is needed",
    explanation: "After `with` stands an optimizer and its settings: `with Adam(lr: 1e-3)`.",
    pytorch: "It is torch.optim.Adam(net.parameters(), lr=1e-3).",
    bad: train("  minimize mean(Net(x)) with relu\n  steps 10"),
    good: train("  minimize mean(Net(x)) with Adam(lr: 1e-3)\n  steps 10"),
  },
  "optimizer-idle": {
    title: "an optimizer that changes nothing",
    explanation: "The body of an optimizer gives its parameter a new value with `p <- ...`.",
    pytorch: "It is a torch.optim.Optimizer whose step changes no p.data.",
    bad: `${net}optimizer Idle()(p, g) { let d = p - g }
train {
  minimize mean(Net(ones([4, 2]))) with Idle()
  steps 10
}`,
    good: `${net}optimizer Simple()(p, g) { p <- p - g }
train {
  minimize mean(Net(ones([4, 2]))) with Simple()
  steps 10
}`,
  },
  "report-rows": {
    title: "a report that is neither a number nor a table",
    explanation:
      "A report is one number, shown over time, or a table of numbers of a fixed size, shown by `nnc evaluate`. What has the rows of a batch is reduced first.",
    pytorch: "logger.log takes one number: loss.item() of a tensor of rows is an error.",
    bad: onRows("  report wrong = (Net(x) > 0.5) != (y > 0.5)"),
    good: onRows("  report wrong = mean(f32((Net(x) > 0.5) != (y > 0.5)))"),
  },
  "keep-direction": {
    title: "`keep best` of a metric that may be better higher or lower",
    explanation:
      "Which checkpoint is the best depends on whether the metric should grow or fall. Losses and metrics of the library say so; of a value that a program computes itself, the report does.",
    pytorch: 'It is mode="min" or mode="max" of Lightning\'s and Keras\'s ModelCheckpoint.',
    bad: onRows("  report off = mean(abs(Net(x) - y))\n  keep best off"),
    good: onRows("  report off = lower_is_better(mean(abs(Net(x) - y)))\n  keep best off"),
  },
  "report-twice": {
    title: "two reports of one name",
    explanation: "Each report has a name of its own; `loss` is always reported.",
    pytorch: "A dict of metrics keeps the last of two equal keys.",
    bad: train("  let y = Net(x)\n  minimize mean(y) with SGD(lr: 0.1)\n  report loss = max(y)\n  steps 10"),
    good: train(
      "  let y = Net(x)\n  minimize mean(y) with SGD(lr: 0.1)\n  report largest = max(y)\n  steps 10",
    ),
  },
  "setting-duration": {
    title: "how long to train is not clear",
    explanation:
      "Say `epochs` (passes over the data) or `steps` (updates), not both. Without data there are only steps.",
    pytorch: "It is max_epochs or max_steps of a Lightning Trainer.",
    bad: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  epochs 10"),
    good: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10"),
  },
  "setting-draw": {
    title: "rows that are drawn in no known way",
    explanation:
      '`shuffle weight: "w"` draws rows as often as the numbers in a column say, `shuffle balanced: "label"` so that all values of a column come equally often. Windows overlap, so they have no weights.',
    pytorch: "It is a WeightedRandomSampler over the weights, with replacement.",
    bad: `data d = csv("rows.csv") {
  x: f32[1] = column("x")
}
train on d {
  minimize mse(Linear(1)(x), x) with SGD(lr: 0.1)
  epochs 10, shuffle stratify: "label"
}`,
    good: `data d = csv("rows.csv") {
  x: f32[1] = column("x")
}
train on d {
  minimize mse(Linear(1)(x), x) with SGD(lr: 0.1)
  epochs 10, shuffle balanced: "label"
}`,
  },
  "setting-value": {
    title: "a setting with a value it cannot have",
    explanation: "Settings are constants: counts are integers of at least 1, limits are greater than 0.",
    pytorch: "DataLoader(batch_size=0) raises ValueError.",
    bad: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10, batch 0"),
    good: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10, batch 2"),
  },
  "setting-twice": {
    title: "a setting given twice",
    explanation: "Each setting has one value.",
    pytorch: "Python says SyntaxError: keyword argument repeated.",
    bad: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10, steps 20"),
    good: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10"),
  },
  "setting-keep": {
    title: "`keep best` of something that is not reported",
    explanation:
      "The best checkpoint is chosen by a report of this section, or by `loss`: over the rows for validation where there are some, else over the test rows, else over the training rows. `val_` or `test_` before the name says which; with rows for validation, the test rows are not looked at along the way.",
    pytorch: "It is the monitor of ModelCheckpoint, which has to be a logged metric.",
    bad: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10, keep best accuracy"),
    good: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10, keep best loss"),
  },
  "setting-patience": {
    title: "`patience` for a metric that is never reported",
    explanation:
      "`patience 3 epochs` ends a run when `val_loss` has not become smaller for three epochs, so the data needs rows for validation. `patience 3 epochs on accuracy` follows a report of the section, or `loss`.",
    pytorch: "It is patience of Keras's and Lightning's EarlyStopping.",
    bad: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10, patience 3 steps"),
    good: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10, patience 3 steps on loss"),
  },
  "average-expected": {
    title: "`keep average` of something that is no average",
    explanation:
      "`keep average` names a fn whose first two arguments are filled in: the average so far and the parameter after an update. `ema` and `swa` are in the library.",
    pytorch: "It is avg_fn of torch.optim.swa_utils.AveragedModel.",
    bad: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 10, keep average 0.99"),
    good: train("  minimize mean(Net(x)) with SGD(lr: 0.1)\n  steps 1000, keep average ema(decay: 0.99)"),
  },
  "average-partly": {
    title: "a parameter that one train section averages and another does not",
    explanation:
      "Evaluation and prediction read the average of a parameter. A section that moves the parameter without it would leave the average behind.",
    pytorch: "An AveragedModel is a second model, and nothing says when it is left behind.",
    bad: two(""),
    good: two(", keep average ema"),
  },
  "follows-model": {
    title: "a model that follows something that is no model, or itself",
    explanation:
      "`model Target follows Online by ema(decay: 0.99)` names a model that is declared or imported. It may follow another one, but not in a circle.",
    pytorch: "target = copy.deepcopy(online).",
    bad: "layer L()(x: f32[B, 3]) { x |> Linear(2) }\nmodel T follows L by copy",
    good: "model M(x: f32[B, 3]) { x |> Linear(2) }\nmodel T follows M by copy",
  },
  "follows-by": {
    title: "a model that follows another by something that is no fn",
    explanation:
      "After `by` stands a fn whose first two arguments are filled in: the value so far and the one it follows. `ema` and `copy` are in the library.",
    pytorch: "It is what is written by hand after optimizer.step(): p_target.lerp_(p, 1 - decay).",
    bad: "model M(x: f32[B, 3]) { x |> Linear(2) }\nmodel T follows M by 0.99",
    good: "model M(x: f32[B, 3]) { x |> Linear(2) }\nmodel T follows M by ema(decay: 0.99)",
  },
  "observed-place": {
    title: "`observed` where no metrics are known",
    explanation:
      "Only a train section has metrics. A layer that observes one, such as `ReduceOnPlateau`, is called in the section itself.",
    pytorch: "Only the training loop calls scheduler.step(val_loss).",
    bad: `model M(x: f32[B, 3]) -> f32[B, 3] { let (value, fresh) = observed("loss")\n  x * value }`,
    good: train(
      '  let (value, fresh) = observed("loss")\n  minimize mean(Net(x)) with SGD(lr: 0.1 * (1 + value))\n  steps 10',
    ),
  },
  "observed-unknown": {
    title: "a metric that cannot be observed",
    explanation: "What is observed is the loss, or a report of this section that is one number.",
    pytorch: "It is the value given to ReduceLROnPlateau.step.",
    bad: train(
      '  let rate = ReduceOnPlateau(0.1, metric: "accuracy")()\n  minimize mean(Net(x)) with SGD(lr: rate)\n  steps 10',
    ),
    good: train(
      "  let rate = ReduceOnPlateau(0.1)()\n  minimize mean(Net(x)) with SGD(lr: rate)\n  steps 100",
    ),
  },
  "dropout-idle": {
    title: "a dropout that never runs",
    explanation:
      "Dropout acts in training only, with a probability above 0. One with probability 0, or inside `if !training`, does nothing.",
    pytorch: "nn.Dropout(0), and any dropout under model.eval(), does nothing, without a word.",
    bad: train("  minimize mean(Net(x) |> Dropout(0)) with SGD(lr: 0.1)\n  steps 10"),
    good: train("  minimize mean(Net(x) |> Dropout(0.5)) with SGD(lr: 0.1)\n  steps 10"),
  },
  "batch-norm-one": {
    title: "batch normalisation of a single value",
    explanation:
      "In training, each channel is normalised by the mean and variance of the batch. Of a single value the variance is 0: whatever comes in, the bias comes out. torch.nn.BatchNorm refuses it too. A last batch of one row counts: `drop_last` leaves it out.",
    pytorch: "ValueError: Expected more than 1 value per channel when training.",
    bad: `data d = csv("rows.csv") { x: f32[2] = columns("a", "b") }
train on d {
  minimize mean(x |> Linear(3) |> BatchNorm1d) with SGD(lr: 0.1)
  epochs 1, batch 1
}`,
    good: `data d = csv("rows.csv") { x: f32[2] = columns("a", "b") }
train on d {
  minimize mean(x |> Linear(3) |> BatchNorm1d) with SGD(lr: 0.1)
  epochs 1, batch 16
}`,
  },
  "softmax-twice": {
    title: "softmax before a loss that applies it itself",
    explanation:
      "`cross_entropy` takes logits. Applied to probabilities it still trains, but slowly and to a worse result.",
    pytorch: "nn.CrossEntropyLoss takes logits as well; softmax before it goes unnoticed.",
    bad: `model M(x: f32[B, 3], y: i32[B]) { cross_entropy(softmax(x), y) }`,
    good: `model M(x: f32[B, 3], y: i32[B]) { cross_entropy(x, y) }`,
  },
  "sigmoid-then-bce": {
    title: "sigmoid, then bce",
    explanation:
      "Where the sigmoid saturates its logarithm is lost. `bce_with_logits` computes both together without that loss.",
    pytorch: "It is nn.BCEWithLogitsLoss in place of nn.Sigmoid and nn.BCELoss.",
    bad: `model M(x: f32[B, 3]) { bce(sigmoid(x), x) }`,
    good: `model M(x: f32[B, 3]) { bce_with_logits(x, x) }`,
  },
  "sigmoid-twice": {
    title: "sigmoid before a loss that applies it itself",
    explanation: "`bce_with_logits` takes logits.",
    pytorch: "nn.BCEWithLogitsLoss takes logits as well; sigmoid before it goes unnoticed.",
    bad: `model M(x: f32[B, 3]) { bce_with_logits(sigmoid(x), x) }`,
    good: `model M(x: f32[B, 3]) { bce_with_logits(x, x) }`,
  },
  "log-of-softmax": {
    title: "the logarithm of a softmax",
    explanation: "A probability can underflow to 0, whose logarithm is -inf. `log_softmax` does not.",
    pytorch: "It is F.log_softmax(x, dim=1) in place of torch.log(F.softmax(x, dim=1)).",
    bad: `model M(x: f32[B, 3]) { log(softmax(x)) }`,
    good: `model M(x: f32[B, 3]) { log_softmax(x) }`,
  },
}
