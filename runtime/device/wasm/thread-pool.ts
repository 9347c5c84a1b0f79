/** runtime/device/wasm: the threads besides this one. Each has an instance of the module over the same memory and sleeps in it
 *  between divided commands.
 *  Guarantees: all are ready when `startTeam` returns; one that dies says so in memory, so that nobody waits for it.
 *  Not here:   how a thread is made (node-thread.ts, browser-thread.ts). */
import { CONTROL } from "../../bundle/wasm.js"
import { RunError } from "../../error.js"
import type { Loaded } from "./module.js"

/** The message that starts a new thread. */
export interface ThreadTask {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  /** Its number, from 1, for its name. */
  readonly thread: number
  /** The address of its own memory. */
  readonly scratch: number
}
export interface Thread {
  /** Settles when it waits for jobs. */
  readonly ready: Promise<void>
  end(): void
}
export type StartThread = (task: ThreadTask, onDeath: (reason: string) => void) => Thread

/** The body of a thread, as text, so that a bundle stays one file. `receive` hands it its task, `tell` answers. */
export const THREAD_BODY = `
function begin({ module, memory, scratch }, tell) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  exports.scratch.value = scratch
  tell("ready")
  try {
    exports.work()
  } catch (caught) {
    Atomics.store(new Int32Array(memory.buffer), ${CONTROL.failed / 4}, 1)
    throw caught
  }
}`

export interface ThreadPool {
  /** Threads, this one included. */
  readonly size: number
  /** The reason why a thread died. */
  failure(): string | undefined
  end(): void
}

/** A thread could not be made. */
export class ThreadsRefused extends RunError {
  constructor(
    readonly reason: string,
    cause: unknown,
  ) {
    super("device-lost", `a thread did not start: ${reason}`, {
      exit: 3,
      help: "one thread needs no other: `--threads 1`, or the option `threads: 1`",
      cause,
    })
  }
}

export async function startThreadPool(
  { module, memory }: Loaded,
  scratch: readonly number[],
  start: StartThread,
): Promise<ThreadPool> {
  let failure: string | undefined
  const words = (): Int32Array => new Int32Array(memory.buffer)
  const onDeath = (reason: string): void => {
    failure ??= reason
    Atomics.store(words(), CONTROL.failed / 4, 1)
  }
  const threads = scratch.map((address, i) =>
    start({ module, memory, thread: i + 1, scratch: address }, onDeath),
  )
  const end = (): void => {
    Atomics.store(words(), CONTROL.quit / 4, 1)
    Atomics.notify(words(), CONTROL.command / 4)
    for (const thread of threads) thread.end()
  }
  try {
    await Promise.all(threads.map((thread) => thread.ready))
  } catch (caught) {
    end()
    throw new ThreadsRefused(caught instanceof Error ? caught.message : String(caught), caught)
  }
  const size = threads.length + 1
  return {
    size,
    failure: () => failure,
    end,
  }
}
