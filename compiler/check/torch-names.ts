/** check: the counterpart of each operation in PyTorch: a sentence for the pages of its constraints. */

const named = (ops: string, torch: (op: string) => string): Record<string, string> =>
  Object.fromEntries(ops.split(" ").map((op) => [op, torch(op)]))

const alike = (op: string): string => `It is torch.${op}.`

export const torchNames: Readonly<Record<string, string>> = {
  ...named("add sub mul div maximum minimum lt le gt ge eq ne pow atan2 where matmul flip sum prod", alike),
  ...named("floor ceil round exp exp2 expm1 log log2 log1p sqrt rsqrt neg abs sign", alike),
  ...named("sin cos tan asin atan sinh cosh tanh erf argmax argmin cumsum cumprod reshape", alike),
  ...named("max min", (op) => `It is torch.a${op}, the values without their places.`),
  rem: "It is torch.fmod, whose sign is that of the dividend.",
  and: "It is torch.logical_and, which takes numbers too.",
  or: "It is torch.logical_or, which takes numbers too.",
  not: "It is torch.logical_not, which takes numbers too.",
  nonfinite: "It is ~torch.isfinite(x).",
  cast: "It is x.to(torch.int32).",
  constant: "It is torch.tensor(0.5).",
  iota: "It is torch.arange, spread along the other axes.",
  size: "It is x.shape[0] as a tensor.",
  random_uniform: "It is torch.rand.",
  grad: "It is torch.autograd.grad, which takes one number too.",
  broadcast: "It is torch.broadcast_to.",
  transpose: "It is torch.permute.",
  slice: "It is x[a:b:step] along each axis.",
  pad: "It is torch.nn.functional.pad, which has no zeros between elements.",
  concat: "It is torch.cat.",
  conv: "It is torch.nn.functional.conv1d, conv2d or conv3d.",
  conv_input_grad: "It is torch.nn.grad.conv2d_input, or conv_transpose2d.",
  conv_weight_grad: "It is torch.nn.grad.conv2d_weight.",
  window_sum: "It is avg_pool2d times the size of its window.",
  window_sum_grad: "It is the gradient of avg_pool2d.",
  window_max: "It is torch.nn.functional.max_pool2d.",
  window_argmax: "It is max_pool2d with return_indices=True, without the values.",
  window_take: "It is torch.gather at the indices of max_pool2d.",
  window_put: "It is torch.nn.functional.max_unpool2d.",
  below: "There is none: PyTorch checks indices on the CPU, or by an assertion on the device.",
  take: "It is torch.index_select.",
  put_add: "It is torch.Tensor.index_add_ on zeros.",
  take_along: "It is torch.gather.",
  put_along: "It is torch.Tensor.scatter_ on zeros.",
  rank: "It is torch.argsort applied twice.",
  unrank: "It is torch.argsort of a permutation, which inverts it.",
  recurrence: "There is none: it would be a loop over h[t] = a[t] * h[t - 1] + b[t].",
  batch_rows: "It is a torch.utils.data.RandomSampler with its generator.",
}
