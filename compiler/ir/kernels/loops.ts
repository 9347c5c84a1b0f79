/** ir/kernels: the order in which the dispatches of a program run. */
import type { Loop } from "./types.js"

/** Every dispatch in the order it runs, loops followed. */
export function* runOrder(
  count: number,
  loops: readonly Loop[] = [],
): Generator<{ readonly dispatch: number; readonly turn: number }> {
  for (let at = 0; at < count;) {
    const loop = loops.find((l) => l.first === at)
    const end = loop?.end ?? at + 1
    for (let turn = 0; turn < (loop?.turns ?? 1); turn++)
      for (let dispatch = at; dispatch < end; dispatch++) yield { dispatch, turn }
    at = end
  }
}
