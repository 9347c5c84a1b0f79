/** ops: for every constraint of every operation, the smallest call that breaks it and no other: `matmul-c4` is the op and the label.
 *  `nnc explain` shows the call as a program, and the tests check that it is refused. */
import type { Attrs } from "../ir/graph/types.js"
import { BATCH, tensorType } from "../ir/tensor.js"
import type { Dim, DType, TensorType } from "../ir/tensor.js"
import type { Sample } from "./op.js"

const t = (dtype: DType, ...shape: readonly Dim[]): TensorType => tensorType(dtype, shape)
const call = (args: readonly TensorType[], attrs?: Attrs): Sample => (attrs ? { args, attrs } : { args })
const each = (
  ops: readonly string[],
  cases: (op: string) => Readonly<Record<string, Sample>>,
): Record<string, Sample> =>
  Object.fromEntries(
    ops.flatMap((op) => Object.entries(cases(op)).map(([label, c]) => [`${op}-${label}`, c])),
  )

const numeric = ["add", "sub", "mul", "div", "rem", "maximum", "minimum", "lt", "le", "gt", "ge"]
const unaryFloat =
  "floor ceil round exp exp2 expm1 log log2 log1p sqrt rsqrt sin cos tan asin atan sinh cosh tanh erf nonfinite".split(
    " ",
  )

const pointwise = {
  ...each([...numeric, "pow", "atan2", "eq", "ne"], () => ({
    c1: call([t("f32", 2), t("f32", 3)]),
    c2: call([t("f32"), t("i32")]),
  })),
  ...each(numeric, () => ({ c3: call([t("bool"), t("bool")]) })),
  ...each(["pow", "atan2"], () => ({ c3: call([t("i32"), t("i32")]) })),
  ...each(["and", "or"], () => ({
    c1: call([t("bool", 2), t("bool", 3)]),
    c2: call([t("bool"), t("i32")]),
    c3: call([t("i32"), t("i32")]),
  })),
  ...each(unaryFloat, () => ({ c1: call([t("i32", 2)]) })),
  ...each(["neg", "abs", "sign"], () => ({ c1: call([t("bool")]) })),
  "not-c1": call([t("f32")]),
  "where-c1": call([t("bool", 2), t("f32", 2), t("f32", 3)]),
  "where-c2": call([t("bool"), t("f32"), t("i32")]),
  "where-c3": call([t("f32"), t("f32"), t("f32")]),
  "cast-c1": call([t("f32")], { dtype: "f64" }),
}

const reduce = {
  ...each(["sum", "prod", "max", "min"], () => ({
    c1: call([t("f32", 2, 3)], { axes: [1, 0] }),
    c2: call([t("bool", 2)], { axes: [0] }),
  })),
  ...each(["max", "min"], () => ({ c3: call([t("f32", 0)], { axes: [0] }) })),
  ...each(["argmax", "argmin"], () => ({
    c1: call([t("f32", 2)], { axis: 1 }),
    c2: call([t("bool", 2)], { axis: 0 }),
    c3: call([t("f32", 0)], { axis: 0 }),
  })),
}

const sources = {
  "constant-c1": call([], { value: 1, dtype: "f64" }),
  "constant-c2": call([], { value: 0.5, dtype: "i32" }),
  "iota-c1": call([], { shape: [2], axis: 1 }),
  "iota-c2": call([], { shape: [2], axis: 0, dtype: "bool" }),
  "size-c1": call([], { dim: 3, dtype: "bool" }),
  "random_uniform-c1": call([t("f32"), t("u32")], { shape: [2], stream: 0 }),
  "random_uniform-c2": call([t("i32"), t("i32")], { shape: [2], stream: 0 }),
  "grad-c1": call([t("f32", 2), t("f32")]),
  "grad-c2": call([t("f32"), t("i32")]),
}

const movement = {
  "broadcast-c1": call([t("f32", 2)], { shape: [3] }),
  "reshape-c1": call([t("f32", 6)], { shape: [4] }),
  "transpose-c1": call([t("f32", 2, 3)], { perm: [0, 0] }),
  "flip-c1": call([t("f32", 2)], { axes: [1] }),
  "slice-c1": call([t("f32", 2)], { starts: [], stops: [1], steps: [1] }),
  "slice-c2": call([t("f32", 2)], { starts: [0], stops: [1], steps: [0] }),
  "slice-c3": call([t("f32", 2)], { starts: [0], stops: [3], steps: [1] }),
  "slice-c4": call([t("f32", BATCH)], { starts: [0], stops: [BATCH], steps: [2] }),
  "pad-c1": call([t("f32", 2)], { low: [], high: [0], interior: [0] }),
  "pad-c2": call([t("f32", 2)], { low: [-1], high: [0], interior: [0] }),
  "concat-c1": call([], { axis: 0 }),
  "concat-c2": call([t("f32", 2)], { axis: 1 }),
  "concat-c3": call([t("f32", 2, 3), t("f32", 2, 4)], { axis: 0 }),
}

const matmul = {
  "matmul-c1": call([t("i32", 2, 3), t("i32", 3, 2)]),
  "matmul-c2": call([t("f32", 3), t("f32", 3)]),
  "matmul-c3": call([t("f32", 2, 2, 3), t("f32", 4, 3, 2)]),
  "matmul-c4": call([t("f32", 2, 3), t("f32", 4, 2)]),
}

const slide = { strides: [1], padding_low: [0], padding_high: [0], dilation: [1] }
const conv = { ...slide, groups: 1 }
/** x [1, 2, 5], weight [3, 2, 3], dy [1, 3, 3] fit together; each case spoils one thing. */
const convolutions = {
  ...each(["conv"], () => convCases(t("f32", 1, 2, 5), t("f32", 3, 2, 3), {})),
  ...each(["conv_input_grad"], () => convCases(t("f32", 1, 3, 3), t("f32", 3, 2, 3), { input_size: [5] })),
  ...each(["conv_weight_grad"], () => convCases(t("f32", 1, 2, 5), t("f32", 1, 3, 3), { kernel_size: [3] })),
}
function convCases(a: TensorType, b: TensorType, extra: Attrs): Record<string, Sample> {
  const attrs = { ...conv, ...extra }
  const sized: Attrs =
    "input_size" in extra
      ? { input_size: [9] }
      : "kernel_size" in extra
        ? { kernel_size: [2] }
        : { dilation: [9] }
  return {
    c1: call([tensorType("i32", a.shape), tensorType("i32", b.shape)], attrs),
    c2: call([tensorType("f32", [a.shape[0]!, BATCH, a.shape[2]!]), b], attrs),
    c3: call([a, b], { ...attrs, strides: [0] }),
    c4: call([a, b], { ...attrs, groups: 2 }),
    c5: call([a, b], { ...attrs, ...sized }),
  }
}

const pool = { window: [2], ...slide }
const windows = {
  ...each(["window_sum", "window_max", "window_argmax"], () => poolCases([t("f32", 3, 4)], pool)),
  ...each(["window_max", "window_argmax"], () => ({
    c5: call([t("f32", 3, 4)], { ...pool, padding_low: [2] }),
  })),
  ...each(["window_sum_grad"], () => ({
    ...poolCases([t("f32", 3, 3)], { ...pool, input_size: [4] }),
    c5: call([t("f32", 3, 3)], { ...pool, input_size: [9] }),
  })),
  ...each(["window_take"], () => ({
    ...poolCases([t("f32", 3, 4), t("i32", 3, 3)], pool),
    c5: call([t("f32", 3, 4), t("f32", 3, 3)], pool),
  })),
  ...each(["window_put"], () => ({
    ...poolCases([t("f32", 3, 3), t("i32", 3, 3)], { ...pool, input_size: [4] }),
    c5: call([t("f32", 3, 3), t("f32", 3, 3)], { ...pool, input_size: [4] }),
  })),
}
function poolCases([x, ...rest]: readonly TensorType[], attrs: Attrs): Record<string, Sample> {
  const symbolic = [...x!.shape.slice(0, -1), BATCH]
  return {
    c1: call([tensorType("i32", x!.shape), ...rest], attrs),
    c2: call(
      [x!, ...rest].map((a) => tensorType(a.dtype, symbolic)),
      attrs,
    ),
    c3: call([x!, ...rest], { ...attrs, strides: [0] }),
    c4: call([x!, ...rest], { ...attrs, window: [9] }),
  }
}

const gather = {
  "below-c1": call([t("f32", 4)], { count: 4 }),
  "take-c1": call([t("f32", 4), t("f32", 2)], { axis: 0 }),
  "take-c2": call([t("f32", 4), t("i32", 2)], { axis: 1 }),
  "put_add-c1": call([t("f32", 2), t("f32", 2)], { axis: 0, size: 4 }),
  "put_add-c2": call([t("i32", 2), t("i32", 2)], { axis: 0, size: 4 }),
  "take_along-c1": call([t("f32", 4), t("f32", 2)], { axis: 0 }),
  "take_along-c2": call([t("f32", 4), t("i32", 2)], { axis: 1 }),
  "take_along-c3": call([t("f32", 4, 2), t("i32", 2, 3)], { axis: 0 }),
  "put_along-c1": call([t("f32", 2), t("f32", 2)], { axis: 0, size: 4 }),
  "put_along-c2": call([t("i32", 2), t("i32", 2)], { axis: 0, size: 4 }),
  "put_along-c3": call([t("f32", 2), t("i32", 3)], { axis: 0, size: 4 }),
}
const packed = {
  "unpack-c1": call([t("i32", 2)], { bits: 8, count: 8 }),
  "unpack-c2": call([t("u32", 2)], { bits: 4, count: 16 }),
  "unpack-c3": call([t("u32", 2)], { bits: 8, count: 9 }),
}
const order = {
  "rank-c1": call([t("f32", 4)], { axis: 1 }),
  "rank-c2": call([t("bool", 4)], { axis: 0 }),
  "unrank-c1": call([t("i32", 4)], { axis: 1 }),
  "unrank-c2": call([t("f32", 4)], { axis: 0 }),
  "cumsum-c1": call([t("f32", 4)], { axis: 1 }),
  "cumsum-c2": call([t("bool", 4)], { axis: 0 }),
  "cumprod-c1": call([t("f32", 4)], { axis: 1 }),
  "cumprod-c2": call([t("i32", 4)], { axis: 0 }),
  "recurrence-c1": call([t("f32", 4), t("f32", 4)], { axis: 1 }),
  "recurrence-c2": call([t("f32", 4), t("f32", 5)], { axis: 0 }),
}

const rows = {
  "batch_rows-c1": call([t("i32"), t("i32"), t("i32")], { shuffle: true }),
  "batch_rows-c2": call([t("u32"), t("f32"), t("i32")], { shuffle: true }),
}

const scans = {
  "scan-c1": call([], { iterations: 0, carries: 0, slices: 0 }),
  "scan-c2": call([t("f32")], { iterations: 2, carries: 1, slices: 1 }),
  "scan-c3": call([t("f32", 3)], { iterations: 2, carries: 0, slices: 1 }),
  "scan_result-c1": call([t("i32")], { index: 0, dtype: "f64", shape: [] }),
}
export const brokenCalls: Readonly<Record<string, Sample>> = {
  ...pointwise,
  ...reduce,
  ...sources,
  ...movement,
  ...matmul,
  ...convolutions,
  ...windows,
  ...gather,
  ...packed,
  ...order,
  ...rows,
  ...scans,
}
