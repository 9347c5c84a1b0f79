/** compiler: every stage and pass of a compilation by name, in order: the words for `--after`. */
import { lower } from "./lower/lower.js"
import { planMemory } from "./memory/plan.js"
import { GRAPH_PASSES } from "./pipeline.js"
import { SCHEDULE_PASSES } from "./schedule/index.js"

export const AST = { name: "ast", summary: "the program as it was read" }
export const MODEL = { name: "model", summary: "names resolved, layers instantiated, every value typed" }
export const GRAPH = { name: "graph", summary: lower.summary }
export const WGSL = { name: "wgsl", summary: "one WGSL module per kernel" }

export const STAGES: readonly { readonly name: string; readonly summary: string }[] = [
  AST,
  MODEL,
  GRAPH,
  ...GRAPH_PASSES,
  ...SCHEDULE_PASSES,
  planMemory,
  WGSL,
].map(({ name, summary }) => ({ name, summary }))
