/** driver: the stages and passes that `nnc inspect --after` knows, in order. */
import { WASM, WGSL } from "./emit.js"
import { PASSES } from "./passes.js"

export interface StageName {
  readonly name: string
  readonly summary: string
}
export const AST: StageName = { name: "ast", summary: "the program as it was read" }
export const MODEL: StageName = {
  name: "model",
  summary: "names resolved, layers instantiated, every value typed",
}

export const STAGES: readonly StageName[] = [AST, MODEL, ...PASSES, WGSL, WASM]
