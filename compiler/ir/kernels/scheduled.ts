/** ir/kernels: a program of kernels with the graph it computes, which says the types of inputs, outputs and slots. */
import type { Graph } from "../graph/types.js"
import type { DimValues } from "../tensor.js"
import type { KernelProgram } from "./types.js"

export interface Scheduled {
  readonly graph: Graph
  readonly program: KernelProgram
  /** The largest sizes, for which memory is laid out. */
  readonly dims: DimValues
}
