/** check: pages about dtypes, shapes and primitives. */
import type { ProgramPages } from "../source/codes.js"

export const typeCodes: ProgramPages = {
  "dtype-mismatch": {
    title: "two dtypes where one is needed",
    explanation:
      "f32, f16, i32, u32 and bool are never converted silently, because a conversion can lose what matters. Literals adapt to the other side. Convert with `f32(x)`, `i32(x)`, ...",
    pytorch: "PyTorch promotes a bool or an int tensor to float32 without a word; here x.float() is f32(x).",
    bad: `model M(x: f32[B, 3]) { x + (x > 0) }`,
    good: `model M(x: f32[B, 3]) { x + f32(x > 0) }`,
  },
  "rank-mismatch": {
    title: "another number of axes than declared",
    explanation:
      "`f32[B, 3]` has two axes. `unsqueeze` adds one of size 1, `squeeze` drops one, `flatten` and `reshape` join axes.",
    pytorch:
      "x.unsqueeze(0), x.squeeze(1) and x.flatten(1) are unsqueeze(x, 0), squeeze(x, 1) and flatten(x) here.",
    bad: `layer Pair()(x: f32[N, d]) -> f32[N, d] { x }
model M(x: f32[B, 3, 3]) { x |> Pair() }`,
    good: `layer Pair()(x: f32[N, d]) -> f32[N, d] { x }
model M(x: f32[B, 3, 3]) { x |> Flatten() |> Pair() }`,
  },
  "shape-mismatch": {
    title: "an axis of another size than declared",
    explanation:
      "A name in a signature means the same size everywhere in it; the first argument that shows the name settles it. `...` stands for the same axes everywhere.",
    pytorch: "forward declares no shapes; PyTorch says it where an operation fails, or not at all.",
    bad: `model M(x: f32[B, 3]) -> f32[B, 2] { x |> Linear(3) }`,
    good: `model M(x: f32[B, 3]) -> f32[B, 2] { x |> Linear(2) }`,
  },
  broadcast: {
    title: "shapes that do not broadcast",
    explanation:
      "As in NumPy: shapes are aligned from the right, and each pair of sizes must be equal or contain a 1. Missing axes on the left count as 1.",
    pytorch:
      "RuntimeError: The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 1.",
    bad: `model M(x: f32[B, 3]) { x + ones([2]) }`,
    good: `model M(x: f32[B, 3]) { x + ones([3]) }`,
  },
  "not-a-tensor": {
    title: "something else where a tensor is needed",
    explanation: "A layer or fn becomes a tensor only when it is called with its inputs.",
    pytorch: "It is F.relu without (x), or nn.ReLU without ()(x).",
    bad: `model M(x: f32[B, 3]) { op.sum(relu, axes: [0]) }`,
    good: `model M(x: f32[B, 3]) { op.sum(relu(x), axes: [0]) }`,
  },
  operand: {
    title: "an operator on something it does not work on",
    explanation: "Operators work on numbers, sizes and tensors; `+` also joins lists and texts.",
    pytorch: "TypeError: unsupported operand type(s) for +: 'Tensor' and 'function'.",
    bad: `model M(x: f32[B, 3]) { x + relu }`,
    good: `model M(x: f32[B, 3]) { x + relu(x) }`,
  },
  index: {
    title: "an index that does not fit",
    explanation:
      "`x[i]` takes one place of the first axis, `x[a:b]` a range, `x[..., -1]` the last place of the last axis. Places are constants; read at places found in data with `index_select` or `gather`.",
    pytorch: "IndexError: index 3 is out of bounds for dimension 1 with size 3.",
    bad: `model M(x: f32[B, 3]) { x[:, 3] }`,
    good: `model M(x: f32[B, 3]) { x[:, 2] }`,
  },
  "field-unknown": {
    title: "a part that is not there",
    explanation:
      "A tensor has `.shape`, `.rank` and `.dtype`; an instance has its parameters, states and inner layers.",
    pytorch: "x.size() is x.shape here, x.dim() is x.rank, x.numel() the product of the shape.",
    bad: `model M(x: f32[B, 3]) { x * x.size }`,
    good: `model M(x: f32[B, 3]) { x * x.rank }`,
  },
  "param-as": {
    title: "a parameter called by something that is no name",
    explanation:
      '`param w as "weight_l0": ...` puts the text in the parameter\'s path instead of `w`. It is a constant text of letters, digits and `_`; `string(l)` makes one of a number.',
    pytorch: "It is the name given to register_parameter.",
    bad: `model M(x: f32[B, 3]) -> f32[B, 3] { param w as 1: f32[3] = ones  x * w }`,
    good: `model M(x: f32[B, 3]) -> f32[B, 3] { param w as "weight_" + string(1): f32[3] = ones  x * w }`,
  },
  "param-not-yet": {
    title: "a parameter read before its size is known",
    explanation:
      "The inputs of the first call tell the sizes of a layer's parameters, so call the layer before reading them.",
    pytorch: "nn.LazyLinear's weight is an UninitializedParameter until the first call.",
    bad: `model M(x: f32[B, 3]) {
  let l = Linear(3)
  x @ l.weight
}`,
    good: `model M(x: f32[B, 3]) {
  let l = Linear(3)
  l(x) @ l.weight
}`,
  },
  "with-parameters": {
    title: "`with:` of something that is not the parameters of what is called",
    explanation:
      "`Net(x, with: p)` reads the tensors of p, by their paths, in the place of Net's own parameters. p is `Net.parameters`, or what was calculated with them.",
    pytorch: "torch.func.functional_call(net, p, (x,)) wants a dict by the names of the parameters.",
    bad: `model M(x: f32[B, 3]) { x |> Linear(2) }
model N(x: f32[B, 3]) { M(x, with: 0.5) }`,
    good: `model M(x: f32[B, 3]) { x |> Linear(2) }
model N(x: f32[B, 3]) { M(x, with: 0.5 * M.parameters) }`,
  },
  "parameters-differ": {
    title: "a calculation with parameters that are not alike",
    explanation:
      "Parameters are added and multiplied by their paths, so both sides have the same paths and types: those of one model, of models that follow it, or of instances of one layer.",
    pytorch: "Averaging two state_dicts fails at the first key that one of them lacks.",
    bad: `model M(x: f32[B, 3]) { x |> Linear(2) }
model W(x: f32[B, 3]) { x |> Linear(4) }
model N(x: f32[B, 3]) { M(x, with: M.parameters + W.parameters) }`,
    good: `model M(x: f32[B, 3]) { x |> Linear(2) }
model W follows M by ema
model N(x: f32[B, 3]) { M(x, with: M.parameters + W.parameters) }`,
  },
  "slot-type": {
    title: "one instance called with inputs of different sizes",
    explanation:
      "An instance has one set of parameters, whose sizes its first call settled. For other sizes make another instance.",
    pytorch: "nn.Linear fixes its sizes when it is made; a second size is a RuntimeError.",
    bad: `model M(x: f32[B, 3]) {
  let l = Linear(4)
  l(l(x))
}`,
    good: `model M(x: f32[B, 3]) { x |> Linear(4) |> Linear(4) }`,
  },
  "state-type": {
    title: "a state without a type",
    explanation:
      "A layer's state says its type, as a parameter does. Only in an optimizer the first value tells it.",
    pytorch: "register_buffer takes the tensor, and with it the type.",
    bad: `model M(x: f32[B, 3]) {
  state total = zeros([3])
  x + total
}`,
    good: `model M(x: f32[B, 3]) {
  state total: f32[3] = zeros
  total <- total + mean(x, axis: 0)
  x + total
}`,
  },
  "type-unknown": {
    title: "a type that does not exist",
    explanation:
      "Types are f32, f16, i32, u32, bool and any with or without axes, and int, bool, string and list for constants.",
    pytorch:
      "torch.float32 is f32, torch.float16 f16, torch.int32 i32; int64 and float64 are not on the device.",
    bad: `model M(x: float[B, 3]) { x }`,
    good: `model M(x: f32[B, 3]) { x }`,
  },
  "dim-unbound": {
    title: "a size that nothing settles",
    explanation: "A name in a type gets its size where it stands alone in the type of an argument.",
    pytorch: "nn.Parameter(torch.zeros(n, 3)) needs n as a Python int.",
    bad: `model M(x: f32[B, 3]) {
  param w: f32[n, 3] = zeros
  x @ transpose(w)
}`,
    good: `model M(x: f32[B, 3]) {
  param w: f32[2, 3] = zeros
  x @ transpose(w)
}`,
  },
  "dim-not-int": {
    title: "a size that is no integer",
    explanation: "Sizes are integers and names, and + - * / (floor division) % ^ of them.",
    pytorch: "torch.zeros(1.5) is a TypeError.",
    bad: `model M(x: f32[B, 3]) {
  param w: f32[1.5] = zeros
  x * w
}`,
    good: `model M(x: f32[B, 3]) {
  param w: f32[3] = zeros
  x * w
}`,
  },
  "dim-arithmetic": {
    title: "a size that cannot be computed when compiling",
    explanation:
      "A size with B in it can be added, subtracted and multiplied; it can be divided only where nothing is left over.",
    pytorch: "torch.export has the same rule for a dynamic batch size.",
    bad: `model M(x: f32[B, 3]) { reshape(x, [floor_div(x.shape[0], 2), 6]) }`,
    good: `model M(x: f32[B, 3]) { reshape(x, [x.shape[0] * 3]) }`,
  },
  "dim-size": {
    title: "a size below 1",
    explanation: "Every axis has at least one place.",
    pytorch: "PyTorch allows axes of size 0, and their mean is NaN.",
    bad: `model M(x: f32[B, 3]) {
  param w: f32[3 - 3] = zeros
  x * sum(w)
}`,
    good: `model M(x: f32[B, 3]) {
  param w: f32[3] = zeros
  x * sum(w)
}`,
  },
  "tensor-size": {
    title: "a tensor with more elements than can be counted",
    explanation:
      "Sizes are exact up to 2^53 elements, far more than any device holds. Mostly a padding, a kernel or a repetition has a number that is meant for something else.",
    pytorch: "PyTorch says it when it asks for the memory: not enough memory.",
    bad: `model M(x: f32[B, 1, 8, 8]) { x |> Conv2d(16, kernel: 3, padding: 1000000000) }`,
    good: `model M(x: f32[B, 1, 8, 8]) { x |> Conv2d(16, kernel: 3, padding: 1) }`,
  },
  "grad-scalar": {
    title: "the gradient of something that is no scalar",
    explanation: "`grad(y, x)` is the derivative of one number y by x. Reduce y with `sum` or `mean` first.",
    pytorch: "RuntimeError: grad can be implicitly created only for scalar outputs.",
    bad: `model M(x: f32[B, 3]) { grad(x * x, x) }`,
    good: `model M(x: f32[B, 3]) { grad(sum(x * x), x) }`,
  },
  "op-unknown": {
    title: "a primitive that does not exist",
    explanation: "The namespace `op` holds the primitives the standard library is written with.",
    pytorch: "It is AttributeError in torch.ops.aten.",
    bad: `model M(x: f32[B, 3]) { op.expp(x) }`,
    good: `model M(x: f32[B, 3]) { op.exp(x) }`,
  },
  "op-by-hand": {
    title: "a primitive that only the compiler makes",
    explanation:
      "A loop over time has a body, which a call of a primitive cannot give it. `scan x in xs over 1 { ... }` says both.",
    pytorch: "It is torch.scan, which takes a function for the body.",
    bad: `model M(xs: f32[3, 2]) { op.scan(xs, iterations: 3, carries: 0, slices: 1) }`,
    good: `model M(xs: f32[3, 2]) { scan x in xs over 0 { x } }`,
  },
  "op-arguments": {
    title: "a primitive with other arguments than it takes",
    explanation: "Tensors come first, in order; attributes are named and constant.",
    pytorch: "TypeError: exp() takes 1 positional argument but 2 were given.",
    bad: `model M(x: f32[B, 3]) { op.exp(x, x) }`,
    good: `model M(x: f32[B, 3]) { op.exp(x) }`,
  },
  "op-attribute": {
    title: "an attribute of a primitive that is missing or of another kind",
    explanation: "Attributes are constants, known when compiling.",
    pytorch: "torch.reshape(x, (3, -1)) takes a tuple too; one size may be -1 there, and is said here.",
    bad: `model M(x: f32[B, 3]) { op.reshape(x, shape: 3) }`,
    good: `model M(x: f32[B, 3]) { op.reshape(x, shape: [3, x.shape[0]]) }`,
  },
}
