/** ir/kernels: the order in which the dispatches of a program run. */
import type { Loop } from "./types.js"

/** Every dispatch in the order it runs, loops followed. */
export function* runOrder(
  count: number,
  loops: readonly Loop[] = [],
): Generator<{ readonly dispatch: number; readonly iteration: number }> {
  for (let at = 0; at < count;) {
    const loop = loops.find((l) => l.first === at)
    const end = loop?.end ?? at + 1
    for (let iteration = 0; iteration < (loop?.iterations ?? 1); iteration++)
      for (let dispatch = at; dispatch < end; dispatch++) yield { dispatch, iteration }
    at = end
  }
}
