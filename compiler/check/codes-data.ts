/** check: pages about data. */
import type { ProgramPages } from "../source/codes.js"

/** A program that trains on one data set. */
const ONE_SET = `data d = csv("rows.csv") { x: f32[3] = columns() }
train on d {
  minimize mean(Linear(1)(x)) with SGD(lr: 0.1)
  epochs 1
}`

export const dataCodes: ProgramPages = {
  "data-unknown": {
    title: "a train section on data that is not declared",
    explanation: "`train on name` needs `data name = ...` in this file or an imported one.",
    pytorch: "It is a DataLoader over a dataset that was not made.",
    bad: `train on nothing {
  minimize mean(Linear(1)(ones([4, 3]))) with SGD(lr: 0.1)
  steps 1
}`,
    good: ONE_SET,
  },
  "data-twice": {
    title: "a train section that names a data set twice",
    explanation:
      "`train on labelled, unlabelled` takes rows of each set in every step. Of one set a step takes rows once; two views of them are computed in the section.",
    pytorch:
      "It is one dataset in two loaders of a CombinedLoader, which gives two batches of it that have nothing to do with each other.",
    bad: `data d = csv("rows.csv") { x: f32[3] = columns() }
train on d, d {
  minimize mean(Linear(1)(x)) with SGD(lr: 0.1)
  epochs 1
}`,
    good: ONE_SET,
  },
  "field-clash": {
    title: "a field that several data sets have",
    explanation:
      "In `train on labelled, unlabelled` a field goes by its own name as long as one set has it. Where both do, say which is meant: `labelled.x`, `unlabelled.x`.",
    pytorch: 'It is batch["labelled"]["x"] of a CombinedLoader.',
    bad: `data a = csv("a.csv") { x: f32[3] = columns() }
data b = csv("b.csv") { x: f32[3] = columns() }
train on a, b {
  minimize mean(Linear(1)(x)) with SGD(lr: 0.1)
  epochs 1
}`,
    good: `data a = csv("a.csv") { x: f32[3] = columns() }
data b = csv("b.csv") { x: f32[3] = columns() }
train on a, b {
  minimize mean(Linear(1)(a.x - b.x)) with SGD(lr: 0.1)
  epochs 1
}`,
  },
  "data-source": {
    title: "a source of data that cannot be read",
    explanation:
      'Sources are `csv("file")`, `idx(x: "file")` and `npy(x: "file")` with one file per column, `parquet("file")`, `images("folder")`, `array(x: [[1, 2], [3, 4]])`, and `text("file")`, whose rows are windows of characters.',
    pytorch: "It is pandas.read_csv, numpy.load, torchvision's MNIST and ImageFolder.",
    bad: `data d = cvs("rows.csv") { x: f32[1] = column("x") }`,
    good: `data d = csv("rows.csv") { x: f32[1] = column("x") }`,
  },
  "data-columns": {
    title: "a field that does not say which columns it takes",
    explanation:
      'A field starts with `column("name")`, `columns("a", "b")`, `columns(except: "c")` or `columns()` for all; of a text, with `characters` or `characters(shift: 1)`.',
    pytorch: 'It is df["x"] or df[["a", "b"]].',
    bad: `data d = csv("rows.csv") { x: f32[1] = "x" }`,
    good: `data d = csv("rows.csv") { x: f32[1] = column("x") }`,
  },
  "data-stage": {
    title: "a stage that fields do not have",
    explanation:
      "Stages are `standardize`, `minmax`, `scale(by)`, `one_hot(classes)`, `classes(count)` and, for characters, `vocabulary(size)`.",
    pytorch: "They are scikit-learn's StandardScaler and MinMaxScaler, and F.one_hot.",
    bad: `data d = csv("rows.csv") { x: f32[1] = column("x") |> standardise }`,
    good: `data d = csv("rows.csv") { x: f32[1] = column("x") |> standardize }`,
  },
  "data-split": {
    title: "rows that are not shared out",
    explanation:
      'Shares are fractions of all rows, together at most 1: `split train: 0.7, val: 0.15, test: 0.15, seed: 7`. `folds: 5` in their place cuts the rows in equal parts. `stratify: "label"` and `group: "patient"` name columns. Rows for validation or the test may also come from a source of their own: `test = csv(...)`, and are then no share. Rows are permuted by the seed (windows of a text stay in order), and every part, and every fold, has to get a row when the files are read: with `group` there are at least as many groups as parts, with `stratify` at least two rows of every class.',
    pytorch: "It is torch.utils.data.random_split(dataset, [0.8, 0.2]), which refuses shares above 1 too.",
    bad: `data d = csv("rows.csv") {
  x: f32[1] = column("x")
  split train: 0.8, test: 0.3
}`,
    good: `data d = csv("rows.csv") {
  x: f32[1] = column("x")
  split train: 0.8, test: 0.2
}`,
  },
  "data-where": {
    title: "rows chosen by a condition that is none",
    explanation:
      '`where` compares a column with a number, a text or `missing`: `where column("age") >= 18`. Rows that it does not hold of take no part in training and evaluation, and are counted in the first line of a run. Texts compare by code units, so dates written 2026-01-31 compare as dates.',
    pytorch: 'df = df[df["country"] == "KR"] with pandas, before the Dataset is made.',
    bad: `data d = csv("rows.csv") {
  x: f32[1] = column("x")
  where country == "KR"
}`,
    good: `data d = csv("rows.csv") {
  x: f32[1] = column("x")
  where column("country") == "KR"
}`,
  },
  "data-windows": {
    title: "windows over time that are not clear",
    explanation:
      'A field takes a window where `|> window` comes first: its type begins with how many rows. Then every field of the data set does, `windows stride: 7, order: "day", group: "store"` says how windows follow each other, and a split is in order of time.',
    pytorch: "It is x.unfold(0, 28, 7) on the column, or Keras's timeseries_dataset_from_array.",
    bad: `data d = csv("rows.csv") {
  past: f32[28] = column("x") |> window
  y: f32 = column("y")
}`,
    good: `data d = csv("rows.csv") {
  past: f32[28] = column("x") |> window
  y: f32 = column("y") |> window(shift: 28)
}`,
  },
  "data-no-fields": {
    title: "data without fields",
    explanation: "Fields say what a row holds, and become tensors in `train on`.",
    pytorch: "It is a Dataset whose __getitem__ gives nothing.",
    bad: `data d = csv("rows.csv") {}`,
    good: `data d = csv("rows.csv") { x: f32[1] = column("x") }`,
  },
  "field-type": {
    title: "a field whose type does not fit what it takes",
    explanation:
      "A field has one number per column; one_hot(n) makes n of one; classes are i32. The batch axis is not written.",
    pytorch:
      "The tensor of a DataFrame has as many columns as were chosen; PyTorch compares them at the first layer.",
    bad: `data d = csv("rows.csv") { x: f32[3] = columns("a", "b") }`,
    good: `data d = csv("rows.csv") { x: f32[2] = columns("a", "b") }`,
  },
  "field-unused": {
    title: "a field that nothing uses",
    explanation: "It takes room on the device and is read by no one.",
    pytorch: "It is a part of the batch that the loop unpacks and never reads: for x, _ in loader.",
    bad: `data d = array(x: [[1], [2]], y: [1, 2]) {
  x: f32[1] = column("x")
  y: f32 = column("y")
}
train on d {
  minimize mean(Linear(1)(x)) with SGD(lr: 0.1)
  epochs 1
}`,
    good: `data d = array(x: [[1], [2]]) { x: f32[1] = column("x") }
train on d {
  minimize mean(Linear(1)(x)) with SGD(lr: 0.1)
  epochs 1
}`,
  },
  "test-is-train": {
    title: "test rows that are also training rows",
    explanation:
      "What is fitted and trained on the rows that it is tested with looks better than it is. Give the test rows a file of their own, or hold some back with `split`.",
    pytorch: "It is one file for both, with no train_test_split.",
    bad: `data d = csv("rows.csv") {
  x: f32[1] = column("x")
  test = csv("rows.csv")
}`,
    good: `data d = csv("rows.csv") {
  x: f32[1] = column("x")
  test = csv("test.csv")
}`,
  },
  "class-count": {
    title: "a field with more classes than there is room for",
    explanation:
      "What a field declares with `classes(n)` or `vocabulary(n)` must fit where it is used: the classes of cross_entropy, the rows of an Embedding. Labels without a place would be lost silently.",
    pytorch:
      'F.cross_entropy fails on the CPU with "Target 4 is out of bounds", on a GPU with a device-side assert.',
    bad: `data d = csv("rows.csv") {
  x: f32[2] = columns("a", "b")
  y: i32 = column("y") |> classes(5)
}
train on d {
  minimize cross_entropy(Linear(3)(x), y) with SGD(lr: 0.1)
  epochs 1
}`,
    good: `data d = csv("rows.csv") {
  x: f32[2] = columns("a", "b")
  y: i32 = column("y") |> classes(5)
}
train on d {
  minimize cross_entropy(Linear(5)(x), y) with SGD(lr: 0.1)
  epochs 1
}`,
  },
  "index-range": {
    title: "an index outside of what it picks from",
    explanation: "An index written in the program is checked when compiling: places count from 0.",
    pytorch: "torch.index_select says IndexError: index out of range; on a GPU it is a device-side assert.",
    bad: `model M(x: f32[B, 3]) { index_select(x, indices(4), 1) }`,
    good: `model M(x: f32[B, 3]) { index_select(x, indices(3), 1) }`,
  },
}
