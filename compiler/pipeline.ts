/** compiler: the passes in order, one per line, and the way from graphs to kernels. `nnc inspect` offers this list. */
import { autodiff } from "./autodiff/backward.js"
import type { Graph } from "./ir/graph/types.js"
import { afterLoops } from "./optimize/after-loops.js"
import { cse } from "./optimize/cse.js"
import { dce } from "./optimize/dce.js"
import { foldConstants } from "./optimize/fold-constants.js"
import { sequences } from "./optimize/sequences.js"
import { signs } from "./optimize/signs.js"
import { simplify } from "./optimize/simplify.js"
import { sink } from "./optimize/sink.js"
import { autocast } from "./precision/autocast.js"
import type { Pass } from "./pass.js"

/** Each keeps what the graph computes. Folding first lets simplify see constants; what it uncovers is folded again; cse comes
 *  when equal things look equal; signs goes by equal comparisons; dce sweeps up after all. Loops read their
 *  sequences themselves only then: as long as they do not, a slice is a value that rules see. */
export const GRAPH_PASSES: readonly Pass<Graph, Graph>[] = [
  autodiff,
  sink,
  foldConstants,
  simplify,
  cse,
  signs,
  dce,
  afterLoops,
  sequences,
  autocast,
]
