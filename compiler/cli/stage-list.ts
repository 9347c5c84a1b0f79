/** cli: the stages and passes that `nnc inspect --after` knows, in order. */
import { RECOMPUTE } from "../budget.js"
import { lower } from "../lower/lower.js"
import { planMemory } from "../memory/plan.js"
import { GRAPH_PASSES } from "../pipeline.js"
import { SCHEDULE_PASSES } from "../schedule/index.js"

export interface StageName {
  readonly name: string
  readonly summary: string
}

export const STAGES: readonly StageName[] = [
  { name: "ast", summary: "the program as it was read" },
  { name: "model", summary: "names resolved, layers instantiated, every value typed" },
  { name: "graph", summary: lower.summary },
  ...GRAPH_PASSES,
  RECOMPUTE,
  ...SCHEDULE_PASSES,
  planMemory,
  { name: "wgsl", summary: "one WGSL module per kernel" },
  { name: "wasm", summary: "all kernels as one WebAssembly module" },
]
