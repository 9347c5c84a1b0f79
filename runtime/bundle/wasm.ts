/** runtime/bundle: what the WebAssembly module of a bundle and the runtime agree on: where things are in the linear memory, and
 *  how commands are written. The module imports `env.memory` and exports the functions of `WasmExports`. */

/** Reserved at the start of the memory. Words on lines of their own, so that threads waiting on one do not disturb the others. */
export const CONTROL = {
  /** Counts jobs; threads sleep on it between them. */
  job: 1024,
  commands: 1028,
  count: 1032,
  threads: 1036,
  /** Threads that have reached the barrier, and how often it has opened. */
  arrived: 1088,
  opened: 1152,
  sleepers: 1156,
  /** Not 0: a thread has died; nobody waits for it any more. */
  failed: 1216,
  /** Not 0: threads end. */
  quit: 1220,
  /** Not 0: the first thread may sleep in the barrier (not so in a browser page). */
  mayBlock: 1224,
} as const
/** The first byte that belongs to the runtime's allocator. */
export const HEAP_START = 4096

/** Eight 32-bit words each, the last three unused. */
export const COMMAND_WORDS = 8
export const COMMAND = {
  /** kind, table index of the kernel, address of the arguments, address of the parameters, workgroups */
  dispatch: 0,
  /** The same, its workgroups divided among the threads. */
  split: 1,
  /** kind, from, to, bytes */
  copy: 2,
} as const

export interface WasmExports {
  /** Runs commands as thread `thread` of `threads`; 0, or 1 when another thread has died. */
  readonly run: (commands: number, count: number, thread: number, threads: number) => number
  /** Waits for jobs and runs them until told to quit. */
  readonly work: (thread: number) => void
  /** The address of memory that this thread has for itself. */
  readonly scratch: WebAssembly.Global
}
