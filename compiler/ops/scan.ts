/** ops: the loop over time. `scan` stands for all its results together; `scan_result` takes one of them out.
 *  The region says what one iteration does (ir/graph/scan.ts); this file has the rules that do not look into it. */
import { bug } from "../source/bug.js"
import type { DType } from "../ir/tensor.js"
import { isStatic, printType, scalarType, tensorType } from "../ir/tensor.js"
import { dimsAttr, dtypeAttr, intAttr, stringAttr } from "./attrs.js"
import { defineOp, none } from "./op.js"
import type { InferContext } from "./op.js"

export const scan = defineOp({
  name: "scan",
  writtenAs: "scan x in xs over 1 { ... }",
  params: ["values..."],
  attrs: {
    iterations: { doc: "how often the region runs", kind: "int" },
    carries: {
      doc: "how many of the first arguments are first values of what is carried from iteration to iteration",
      kind: "int",
    },
    slices: {
      doc: "how many arguments after these are cut along their first axis, one slice for each iteration",
      kind: "int",
    },
  },
  doc: "Runs its region once per iteration. Arguments: first values of carries, sequences, values that every iteration sees. Results, taken by scan_result: the last values of the carries, then the region's other outputs stacked along a new first axis. By itself the node is the number of iterations.",
  traits: { kind: "meta" },
  constraints: {
    c1: "there is at least one iteration",
    c2: "there is an argument for each carry and each sequence",
    c3: "the first axis of a sequence has one element for each iteration",
  },
  infer: (args, attrs, at: InferContext) => {
    const [iterations, carries, slices] = [
      intAttr(attrs, "iterations"),
      intAttr(attrs, "carries"),
      intAttr(attrs, "slices"),
    ]
    at.require("c1", iterations >= 1, () => `it has ${iterations}`)
    at.require(
      "c2",
      carries >= 0 && slices >= 0 && args.length >= carries + slices,
      () => `${args.length} arguments for ${carries} carries and ${slices} sequences`,
    )
    for (let i = carries; i < carries + slices; i++) {
      const first = args[i]!.shape[0]
      at.require(
        "c3",
        first !== undefined && isStatic(first) && first === iterations,
        () => `${printType(args[i]!)} for ${iterations} iterations`,
        {
          arg: i,
        },
      )
    }
    return scalarType("i32")
  },
  eval: () => bug("scan is evaluated with its region"),
  grad: none("a scan is differentiated through its region"),
  lower: { kind: "none", why: "a scan becomes a loop of dispatches" },
  samples: [],
})

export const scanResult = defineOp({
  name: "scan_result",
  writtenAs: "scan x in xs over 1 { ... }",
  params: ["loop"],
  attrs: {
    index: { doc: "which result", kind: "int" },
    dtype: { doc: "the dtype of the result", kind: "string" },
    shape: { doc: "the shape of the result", kind: "dims" },
  },
  doc: "One result of a scan: the last value of a carry, or what an output gave in every iteration.",
  traits: { kind: "meta" },
  constraints: { c1: "dtype is f32, f16, i32, u32 or bool" },
  infer: (_args, attrs, at: InferContext) => {
    const dtype: DType | undefined = dtypeAttr(attrs, "dtype")
    at.require("c1", dtype !== undefined, () => `dtype is \`${stringAttr(attrs, "dtype")}\``)
    return tensorType(dtype!, dimsAttr(attrs, "shape"))
  },
  eval: () => bug("scan_result is evaluated with its scan"),
  grad: none("a scan is differentiated through its region"),
  lower: { kind: "none", why: "a result of a scan is an index in memory" },
  samples: [],
})

export const scanOps = [scan, scanResult] as const
