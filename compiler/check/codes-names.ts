/** check: pages about names, calls and control. */
import type { ProgramPages } from "../source/codes.js"

export const nameCodes: ProgramPages = {
  "name-unknown": {
    title: "a name that stands for nothing here",
    explanation:
      "A name must be declared before it is used: in the body, as an argument, at the top of the file, in an imported file or in the standard library.",
    pytorch: "Python says it at run time: NameError or AttributeError.",
    bad: `model M(x: f32[B, 3]) { x |> rellu }`,
    good: `model M(x: f32[B, 3]) { x |> relu }`,
  },
  "name-shadowed": {
    title: "a name that would hide another",
    explanation:
      "A name of a program has one meaning wherever it can be seen, so a reader never has to ask which one is meant; what is built in keeps its name. Only a `param` or `state` may take over the name of its layer's own argument. Change a variable with `var` and `=`. A name of the library may be taken: `let norm = LayerNorm()`.",
    pytorch:
      "Python hides the outer name silently: a second `width` in a function leaves the first as it is.",
    bad: `let width = 4
model M(x: f32[B, 3]) {
  let width = 8
  x |> Linear(width)
}`,
    good: `let width = 4
model M(x: f32[B, 3]) {
  let inner = 8
  x |> Linear(inner) |> Linear(width)
}`,
  },
  "name-twice": {
    title: "two declarations of one name",
    explanation: "Each declaration of a file, and each field of a data set, has a name of its own.",
    pytorch: "Python keeps the last of two assignments.",
    bad: `let width = 3
let width = 4`,
    good: `let width = 3
let height = 4`,
  },
  "weights-source": {
    title: "weights from no file that they can come from",
    explanation:
      "After `from` stands the path of a file: of a model a .safetensors file, or the .index.json of several, with `prefix`, `rename` and `transpose` for other names; of a single `param` the array of a .npy file.",
    pytorch: "model.load_state_dict(load_file(path)) says which keys are missing or unexpected.",
    bad: `model M(x: f32[B, 3]) from "m.safetensors"(names: "bert.") { x |> Linear(2) }`,
    good: `model M(x: f32[B, 3]) from "m.safetensors"(prefix: "bert.") { x |> Linear(2) }`,
  },
  "import-missing": {
    title: "an import of a file that is not there",
    explanation: "The path of an import is relative to the file it stands in.",
    pytorch: "Python says ModuleNotFoundError.",
    bad: `import "nowhere.nn"`,
    good: `import "layers.nn"`,
    files: { "layers.nn": "layer Twice()(x: f32[...]) { 2 * x }" },
  },
  "import-name": {
    title: "an import of a name that the file does not declare",
    explanation:
      '`import { A } from "file.nn"` brings what the file itself declares; what it imports is not passed on.',
    pytorch: "Python says ImportError: cannot import name; there, what a module imports is passed on.",
    bad: `import { Thrice } from "layers.nn"`,
    good: `import { Twice } from "layers.nn"`,
    files: { "layers.nn": "layer Twice()(x: f32[...]) { 2 * x }" },
  },
  "not-a-value": {
    title: "a section where a value is needed",
    explanation:
      "`data` and `train` sections are no values. Inside `train on name`, the fields of the data are names.",
    pytorch: "It would be a DataLoader in an expression: iterate over it for its batches.",
    bad: `data d = array(x: [[1], [2]]) { x: f32[1] = column("x") }
model M(x: f32[B, 1]) { x + d }`,
    good: `data d = array(x: [[1], [2]]) { x: f32[1] = column("x") }
model M(x: f32[B, 1]) { x + 1 }`,
  },
  "not-callable": {
    title: "a call of something that cannot be called",
    explanation:
      "Fns, layers, models and instances can be called. A tensor or a number cannot; `x[0]` takes a place of a tensor.",
    pytorch: "x(0) is TypeError: 'Tensor' object is not callable; x[:, 0] is written alike.",
    bad: `model M(x: f32[B, 3]) { x(0) }`,
    good: `model M(x: f32[B, 3]) { x[:, 0] }`,
  },
  "too-many-arguments": {
    title: "more arguments than the callee has",
    explanation:
      "A layer has two lists of arguments: configuration first, inputs second: `Linear(64)(x)` or `x |> Linear(64)`.",
    pytorch: "nn.Linear(3, 64)(x) has the same two lists: __init__ and forward.",
    bad: `model M(x: f32[B, 3]) { relu(x, 1) }`,
    good: `model M(x: f32[B, 3]) { relu(x) }`,
  },
  "argument-missing": {
    title: "a call without an argument that has no default",
    explanation: "Arguments are given in order or by name; only those with a default may be left out.",
    pytorch: "Python says TypeError: missing 1 required positional argument.",
    bad: `model M(x: f32[B, 3]) { x |> Linear() }`,
    good: `model M(x: f32[B, 3]) { x |> Linear(2) }`,
  },
  "argument-unknown": {
    title: "an argument of a name the callee does not have",
    explanation: "Named arguments must match the declaration.",
    pytorch: "Python says TypeError: got an unexpected keyword argument.",
    bad: `model M(x: f32[B, 3]) { x |> Linear(2, bais: false) }`,
    good: `model M(x: f32[B, 3]) { x |> Linear(2, bias: false) }`,
  },
  "argument-twice": {
    title: "an argument given twice",
    explanation: "An argument was given by position and by name, or twice by name.",
    pytorch: "Python says TypeError: got multiple values for argument.",
    bad: `model M(x: f32[B, 3]) { x |> Linear(2, out: 3) }`,
    good: `model M(x: f32[B, 3]) { x |> Linear(out: 3) }`,
  },
  "argument-type": {
    title: "an argument of another kind than declared",
    explanation:
      "`int`, `bool`, `string` and `list` are constants known when compiling; `f32[...]` and the like are tensors.",
    pytorch: 'PyTorch says TypeError in the layer: nn.Linear(3, "2").',
    bad: `model M(x: f32[B, 3]) { x |> Linear("2") }`,
    good: `model M(x: f32[B, 3]) { x |> Linear(2) }`,
  },
  recursion: {
    title: "a declaration that uses itself",
    explanation:
      "Every call is carried out when compiling, so a call of itself would never end. Use `for` over a range.",
    pytorch: "Python says RecursionError at run time.",
    bad: `fn f(x) { f(x) + 1 }
model M(x: f32[B, 3]) { f(x) }`,
    good: `fn f(x) { x + 1 }
model M(x: f32[B, 3]) { f(f(x)) }`,
  },
  assert: {
    title: "a library function refuses its arguments",
    explanation:
      'Layers and fns check what they are given with `assert(condition, "message")`; the message says what is wrong.',
    pytorch: "nn.Dropout(1.5) raises ValueError: dropout probability has to be between 0 and 1.",
    bad: `model M(x: f32[B, 3]) { dropout(x, 1.5) }`,
    good: `model M(x: f32[B, 3]) { dropout(x, 0.5) }`,
  },
  "assign-to-let": {
    title: "an assignment to something that is no `var`",
    explanation:
      "`let` names a value once and for all. Declare with `var` what changes; a state changes with `<-`.",
    pytorch: "Python names can always be assigned again; var is such a name.",
    bad: `model M(x: f32[B, 3]) {
  let h = x
  h = h + 1
  h
}`,
    good: `model M(x: f32[B, 3]) {
  var h = x
  h = h + 1
  h
}`,
  },
  "update-target": {
    title: "`<-` on something that is no state",
    explanation:
      "`<-` gives a `state` its next value. Parameters are changed by an optimizer alone, variables with `=`.",
    pytorch: "A buffer is written with self.count += 1, a parameter under torch.no_grad().",
    bad: `model M(x: f32[B, 3]) {
  param w: f32 = 1
  w <- w + 1
  x * w
}`,
    good: `model M(x: f32[B, 3]) {
  state count: f32 = 1
  count <- count + 1
  x * count
}`,
  },
  destructure: {
    title: "more or fewer names than values",
    explanation: "`let (a, b) = ...` needs a tuple or list of exactly as many items.",
    pytorch: "Python says ValueError: too many values to unpack.",
    bad: `model M(x: f32[B, 3]) {
  let (a, b) = (x, x, x)
  a + b
}`,
    good: `model M(x: f32[B, 3]) {
  let (a, b) = (x, x)
  a + b
}`,
  },
  condition: {
    title: "an `if` that cannot be decided when compiling",
    explanation:
      "`if` chooses code, so its condition must be a constant: a setting, a size, `training`. What depends on data is chosen element by element with `where`.",
    pytorch: "if x.sum() > 0 reads the value back from the GPU in each step; torch.where does not.",
    bad: `model M(x: f32[B, 3]) { if sum(x) > 0 { x } else { -x } }`,
    good: `model M(x: f32[B, 3]) { where(x > 0, x, -x) }`,
  },
  "for-range": {
    title: "a `for` over something that is no list",
    explanation:
      "`for` runs over a range or a list known when compiling and is carried out iteration by iteration.",
    pytorch: "Python writes for i in range(3).",
    bad: `model M(x: f32[B, 3]) {
  var h = x
  for i in 3 { h = h + 1 }
  h
}`,
    good: `model M(x: f32[B, 3]) {
  var h = x
  for i in 0..3 { h = h + 1 }
  h
}`,
  },
  range: {
    title: "a range whose ends are no integers",
    explanation: "`a..b` counts from a up to but not including b; both are integers known when compiling.",
    pytorch: "Python's range(0, 2.5) is a TypeError too.",
    bad: `let r = 0..2.5`,
    good: `let r = 0..3`,
  },
  "constant-needed": {
    title: "a value of the device where a constant is needed",
    explanation:
      "`let` at the top of a file names a constant. What is computed on the device belongs into a `fn`.",
    pytorch: "A module-level torch.zeros(3) makes a tensor at import; make it where it is used.",
    bad: `let noise = zeros([3])`,
    good: `fn noise() { zeros([3]) }`,
  },
  "value-out-of-reach": {
    title: "a tensor from another part of the program",
    explanation:
      "First values of parameters and the settings of an optimizer are computed apart from the training step, so they cannot use its tensors.",
    pytorch: "nn.init sets first values before any batch has been seen.",
    bad: `model M(x: f32[B, 3]) {
  param w: f32 = mean(x)
  x * w
}`,
    good: `model M(x: f32[B, 3]) {
  param w: f32 = 0.5
  x * w
}`,
  },
  "no-result": {
    title: "a body that ends without the value it declares",
    explanation: "The value of a body is its last expression, or what `return` gives.",
    pytorch: "A forward without return gives None.",
    bad: `model M(x: f32[B, 3]) -> f32[B, 3] { let y = x + 1 }`,
    good: `model M(x: f32[B, 3]) -> f32[B, 3] { x + 1 }`,
  },
}
