/** onnx/ops: the spelling of an operation: a function that makes its nodes, or the reason why there is none. */
import type { Attrs } from "../../ir/graph/types.js"
import type { TensorType } from "../../ir/tensor.js"
import type { OnnxDType } from "../proto.js"
import type { Term, Writer } from "../writer.js"

/** One use of an operation. */
export interface Use {
  readonly args: readonly Term[]
  readonly attrs: Attrs
  readonly type: TensorType
  readonly w: Writer
  /** For a loop: the graph of one iteration, whose inputs are `params`; the number of the iteration comes last, where the region looks at it. */
  readonly region?: {
    readonly countsIterations: boolean
    iteration(w: Writer, params: readonly Term[]): readonly Term[]
  }
}
type Spell = (use: Use) => Term
export type Spelling = Spell | { readonly none: string }

/** Thrown where one use of an operation cannot be said. */
export class Unspeakable extends Error {}

/** The same operator on arguments that broadcast. */
export const operator =
  (op: string, attrs?: Readonly<Record<string, number>>): Spelling =>
  ({ args, w }) =>
    w.pointwise(op, args, args[0]!.dtype, attrs)

const isU32 = (dtype: OnnxDType): boolean => dtype === "u32"

/** Spells u32 in i64, since onnxruntime has few kernels for u32. A cast back keeps the low 32 bits. */
export const widely =
  (spell: Spell, which = isU32): Spell =>
  (use) => {
    const { args, w, type } = use
    if (!args.some((a) => which(a.dtype))) return spell(use)
    const wide = args.map((a) => (which(a.dtype) ? w.cast(a, "i64") : a))
    return w.cast(spell({ ...use, args: wide }), type.dtype)
  }
