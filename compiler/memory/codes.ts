/** memory: pages about programs that do not fit a device. */
import type { CodePages, ProgramPages } from "../source/codes.js"

const tryTarget = "`nnc doctor` tells what the devices of this machine can hold."

export const memoryCodes: ProgramPages = {
  "memory-binding": {
    title: "a tensor that is too large to be read or written",
    explanation: `A kernel reads and writes tensors through bindings, and a device limits their size: WebGPU guarantees 128 MiB. ${tryTarget}`,
    pytorch: "CUDA has no such limit for one tensor, only for all: CUDA out of memory.",
    bad: "model M(x: f32[B, 8192]) -> f32[B, 8192] { x |> Linear(8192) }",
    good: "model M(x: f32[B, 8192]) -> f32[B, 8192] { x |> Linear(64) |> Linear(8192) }",
  },
  "memory-arena": {
    title: "parameters, or intermediate results, that take too much memory together",
    explanation: `All parameters and optimizer state lie in one buffer, what a step computes in others, and a device limits the size of a buffer: WebGPU guarantees 256 MiB. ${tryTarget}`,
    pytorch: "It is CUDA out of memory, at run time instead of when compiling.",
    bad: `model M(x: f32[B, 4096]) -> f32[B, 4096] {
  var h = x
  for i in 0..5 { h = h |> Linear(4096) }
  h
}`,
    good: `model M(x: f32[B, 4096]) -> f32[B, 4096] {
  var h = x
  for i in 0..5 { h = h |> Linear(64) |> Linear(4096) }
  h
}`,
  },
  "memory-budget": {
    title: "a memory budget that training cannot keep to",
    explanation: `\`budget memory\` bounds what parameters, optimizer state, rows of data and the results of a step take together on the device. To keep
to it, gradients are computed from values that are computed again instead of kept; the message says how little memory that can
come to. Of the data set a batch of rows counts at the least; where all rows are more than the budget has room for, they are read from
their files while it trains. A step with a loop over time computes nothing again.`,
    pytorch: "It is torch.utils.checkpoint, placed by hand around layers.",
    bad: `model Net(x: f32[B, 8]) -> f32[B, 8] { x |> Linear(64) |> relu |> Linear(8) }
train {
  minimize mean(square(Net(ones([32, 8])))) with SGD(lr: 0.1)
  steps 10, budget memory 8 KiB
}`,
    good: `model Net(x: f32[B, 8]) -> f32[B, 8] { x |> Linear(64) |> relu |> Linear(8) }
train {
  minimize mean(square(Net(ones([32, 8])))) with SGD(lr: 0.1)
  steps 10, budget memory 1 MiB
}`,
  },
}

/** Devices of few workgroups meet this; no program does on one that WebGPU promises. */
export const gridCodes: CodePages = {
  "memory-grid": {
    title: "a result with more parts than a device computes at once",
    explanation: `A kernel runs as a grid of workgroups, and a device limits how many: WebGPU guarantees 65535 along each of three axes. ${tryTarget}`,
    pytorch: "CUDA allows 2^31 - 1 blocks along x, so PyTorch seldom meets its limit.",
  },
}
