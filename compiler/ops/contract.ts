/** ops: contractions: sums of products that stay whole until scheduling picks a template for them: matmul here, convolution and its
 *  gradients in convolution.ts. */
import {
  BATCH,
  evalShape,
  mulDim,
  printDim,
  printShape,
  printType,
  sameDim,
  sameShape,
  tensorType,
} from "../ir/tensor.js"
import { convolutionOps } from "./convolution.js"
import { at as element, ndarray } from "./ndarray.js"
import {
  type GraphBuilder,
  type InferContext,
  type OpDef,
  type StackedArgument,
  type Value,
  defineOp,
} from "./op.js"

const matmul: OpDef = defineOp({
  name: "matmul",
  params: ["a", "b"],
  attrs: {},
  doc: "[.., m, k] x [.., k, n] -> [.., m, n]: the matrix product of each pair, as torch.bmm. Leading axes are equal; the `@` of the language broadcasts them first.",
  traits: { kind: "contraction", autocast: true },
  constraints: {
    c1: "both are of one float dtype",
    c2: "both have the same rank, at least 2",
    c3: "leading axes agree",
    c4: "the last axis of a has the size of the second-last of b",
  },
  infer: ([a, b], _attrs, at: InferContext) => {
    const rank = a!.shape.length
    const pair = (): string => `a is ${printType(a!)}, b is ${printType(b!)}`
    at.require("c1", a!.dtype === b!.dtype && (a!.dtype === "f32" || a!.dtype === "f16"), pair, {
      help: "convert them to one: `f32(...)`",
    })
    at.require("c2", rank >= 2 && b!.shape.length === rank, pair, {
      help: "`@` takes vectors and broadcasts leading axes; `unsqueeze` adds an axis of size 1",
    })
    const lead = a!.shape.slice(0, -2)
    const leadB = b!.shape.slice(0, -2)
    at.require(
      "c3",
      sameShape(lead, leadB),
      () =>
        `the leading axes of ${printType(a!)} are ${printShape(lead)}, those of ${printType(b!)} ${printShape(leadB)}`,
      { help: "`@` stretches leading axes of size 1" },
    )
    const [columns, rows] = [a!.shape[rank - 1]!, b!.shape[rank - 2]!]
    at.require(
      "c4",
      sameDim(columns, rows),
      () => `${printType(a!)} has ${printDim(columns)} columns, ${printType(b!)} has ${printDim(rows)} rows`,
      sameDim(columns, b!.shape[rank - 1]!) ? { help: "b turned round fits: `a @ transpose(b)`" } : {},
    )
    return tensorType(a!.dtype, [...lead, a!.shape[rank - 2]!, b!.shape[rank - 1]!])
  },
  eval: ([a, b], _attrs, { type, dims }) =>
    ndarray(evalShape(type.shape, dims), (index) => {
      const lead = index.slice(0, -2)
      const [row, column] = index.slice(-2) as [number, number]
      let sum = 0
      for (let i = 0; i < a!.shape.at(-1)!; i++)
        sum += element(a!, [...lead, row, i]) * element(b!, [...lead, i, column])
      return sum
    }),
  grad: ({ args, dy, needs }, g) => [
    needs(0) ? g.apply("matmul", [dy, swapLast(args[1]!, g)]) : null,
    needs(1) ? g.apply("matmul", [swapLast(args[0]!, g), dy]) : null,
  ],
  loopSum: {
    accepts: (type) => type.shape.length === 2,
    isContraction: true,
    // The iterations lie one after another along the axis that is summed over.
    build: ([a, b], _attrs, g) =>
      g.apply("matmul", [besideEachOther(a!, "columns", g), besideEachOther(b!, "rows", g)]),
  },
  lower: {
    kind: "contract",
    extents: ([a]) => [a!.shape.at(-1)!],
    left: ({ args, index }, [i]) => args[0]!([...index.slice(0, -1), i!]),
    right: ({ args, index }, [i]) => args[1]!([...index.slice(0, -2), i!, index.at(-1)!]),
  },
  samples: [
    { args: [tensorType("f32", [2, 3]), tensorType("f32", [3, 4])] },
    { args: [tensorType("f32", [BATCH, 2, 3]), tensorType("f32", [BATCH, 3, 2])] },
    { args: [tensorType("f32", [4, BATCH]), tensorType("f32", [BATCH, 2])] },
    { args: [tensorType("f32", [1, 1]), tensorType("f32", [1, 1])] },
  ],
})

const swapLast = (x: Value, g: GraphBuilder): Value => {
  const rank = x.type.shape.length
  const perm = x.type.shape.map((_, axis) =>
    axis < rank - 2 ? axis : axis === rank - 2 ? rank - 1 : rank - 2,
  )
  return g.apply("transpose", [x], { perm })
}

/** A stack of matrices as one matrix that has the columns, or the rows, of all of them. */
function besideEachOther(
  { stack, isTransposed }: StackedArgument,
  along: "columns" | "rows",
  g: GraphBuilder,
): Value {
  const [iterations, rows, columns] = stack.type.shape
  const stacked =
    isTransposed === (along === "columns")
      ? g.apply("reshape", [stack], { shape: [mulDim(iterations!, rows!), columns!] })
      : g.apply("reshape", [g.apply("transpose", [stack], { perm: [1, 0, 2] })], {
          shape: [rows!, mulDim(iterations!, columns!)],
        })
  return isTransposed ? g.apply("transpose", [stacked], { perm: [1, 0] }) : stacked
}

export const contractOps: readonly OpDef[] = [matmul, ...convolutionOps]
