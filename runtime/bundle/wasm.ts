/** runtime/bundle: the conventions between the WebAssembly module of a bundle and the runtime: the layout of the linear memory, and
 *  the encoding of commands. The module imports `env.memory` and exports the functions of `WasmExports`. */

/** Reserved at the start of the memory. Words that different threads write stand on different cache lines. */
export const CONTROL = {
  /** 64 bits: the number of the divided command above, the next piece of it below. Whoever raises it owns that piece. */
  ticket: 1024,
  /** The upper half; threads sleep on it between commands. */
  command: 1028,
  /** The divided command: table index, arguments, parameters, workgroups, workgroups per piece, pieces. */
  index: 1088,
  args: 1092,
  parameters: 1096,
  groups: 1100,
  size: 1104,
  pieces: 1108,
  /** Pieces that are finished. */
  done: 1152,
  /** Whether the first thread sleeps until they all are. */
  waiting: 1216,
  sleepers: 1220,
  /** Not 0: a thread has died; nobody waits for it any more. */
  failed: 1280,
  /** Not 0: threads end. */
  quit: 1284,
  /** Not 0: the first thread may sleep (not so in a browser page). */
  mayBlock: 1288,
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
  /** Runs commands, with the help of other threads where `threads` is more than 1; 1 when one of them has died, else 0. */
  readonly run: (commands: number, count: number, threads: number) => number
  /** Helps with divided commands until told to quit. */
  readonly work: () => void
  /** The address of memory that this thread has for itself. */
  readonly scratch: WebAssembly.Global
}
