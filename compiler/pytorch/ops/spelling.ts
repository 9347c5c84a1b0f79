/** pytorch/ops: the spelling of an operation: a function that makes its expression, or the reason why there is none. */
import type { Attrs } from "../../ir/graph/types.js"
import type { DType, Shape, TensorType } from "../../ir/tensor.js"
import type { Code } from "../python.js"

/** A value of the program as Python has it. */
export interface Term {
  readonly code: Code
  readonly dtype: DType
  /** The shape in the program; that of the tensor broadcasts to it. */
  readonly shape: Shape
  readonly held: Shape
  /** A number of Python, and no tensor. */
  readonly scalar?: true
  /** The results of a loop. */
  readonly parts?: readonly Term[]
}

/** Questions of a spelling about its surroundings. */
export interface Scope {
  /** With the shape it has in the program. */
  whole(x: Term): Code
  /** A term as a tensor. */
  tensor(x: Term): Code
  /** Sizes as the arguments of a method: `x.shape[0], 16`. */
  sizes(shape: Shape): readonly string[]
  /** A size of this process's part of the batch. */
  size(dim: Shape[number]): Code
  /** A size of the whole batch, however many processes share it. */
  globalSize(dim: Shape[number]): Code
  /** Marks the program as one that looks across the rows of a batch here, which only one process has all of. */
  acrossRows(): void
}

/** One use of an operation. */
export interface Use {
  readonly args: readonly Term[]
  readonly attrs: Attrs
  readonly type: TensorType
  readonly w: Scope
}
export type Spelling = ((use: Use) => Term) | { readonly none: string } | { readonly statement: true }

/** Thrown where one use of an operation cannot be said. */
export class Unspeakable extends Error {}

/** A tensor of the type. */
export const made = (code: Code, { dtype, shape }: TensorType, held: Shape = shape): Term => ({
  code,
  dtype,
  shape,
  held,
})
