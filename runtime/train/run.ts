/** runtime/train: a run in progress, as its caller sees it: a promise of its end, and its events one after another. */
import { isSignal } from "../options.js"
import type { ReportEvent, TrainEvent } from "./events.js"

/** Awaited, it gives the end of the run; looped over with `for await`, its events from then on. Leaving the loop early ends the run as
 *  an abort does; a run that fails throws in the loop. */
export interface TrainRun<End> extends Promise<End>, AsyncIterable<TrainEvent> {}

export interface RunListeners {
  readonly onEvent?: (event: TrainEvent) => void
  /** Called for reports only. */
  readonly onReport?: (report: ReportEvent) => void
  /** Aborting ends the run after the submission under way, with a checkpoint. */
  readonly signal?: AbortSignal
}

/** The listeners among options that may be anything; the other options are checked when the run starts. */
export function listenersOf(options: unknown): RunListeners {
  const { onEvent, onReport, signal } = Object(options) as RunListeners
  return {
    ...(typeof onEvent === "function" && { onEvent }),
    ...(typeof onReport === "function" && { onReport }),
    ...(isSignal(signal) && { signal }),
  }
}

/** The listeners that `work` calls, and the signal that it watches. */
export interface OfRun {
  readonly onEvent: (event: TrainEvent) => void
  readonly signal: AbortSignal
}

/** `work` is called at once. */
export function trainRun<End>(
  { onEvent, onReport, signal }: RunListeners,
  work: (of: OfRun) => Promise<End>,
): TrainRun<End> {
  const readers = new Set<Reader>()
  /** Those of before anybody can have asked. */
  const early: TrainEvent[] = []
  let isStarting = true
  const ending = new AbortController()
  const abort = (): void => ending.abort()
  if (signal?.aborted) abort()
  else signal?.addEventListener("abort", abort, { once: true })
  const tell = (event: TrainEvent): void => {
    if (isStarting) early.push(event)
    for (const reader of readers) reader.add(event)
    if (event.event === "report") onReport?.(event)
    onEvent?.(event)
  }
  const end = work({ onEvent: tell, signal: ending.signal }).finally(() => {
    signal?.removeEventListener("abort", abort)
  })
  isStarting = false

  async function* read(reader: Reader): AsyncGenerator<TrainEvent, void> {
    let isOver = false
    const settle = (): void => {
      isOver = true
      reader.wake()
    }
    const over = end.then(settle, settle)
    try {
      while (!isOver || reader.events.length > 0) {
        const next = reader.events.shift()
        if (next) yield next
        else await reader.more()
      }
      await end
    } finally {
      readers.delete(reader)
      if (!isOver) {
        abort()
        await over
      }
    }
  }
  return Object.assign(end, {
    [Symbol.asyncIterator]: () => {
      const reader = new Reader([...early])
      readers.add(reader)
      return read(reader)
    },
  })
}

class Reader {
  private resume: (() => void) | undefined

  constructor(readonly events: TrainEvent[]) {}

  add(event: TrainEvent): void {
    this.events.push(event)
    this.wake()
  }
  wake(): void {
    this.resume?.()
  }
  /** Settles with the next event. */
  more(): Promise<void> {
    return new Promise((resolve) => (this.resume = resolve))
  }
}
