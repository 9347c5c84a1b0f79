/** runtime/device/wasm: opens a bundle's module as a Device, with as many threads as its work is worth.
 *  Not here: whether this device is the one to use (device/choose.ts). */
import type { ProgramSpec } from "../../bundle/format.js"
import { RunError } from "../../error.js"
import { evalSize } from "../../exec/size.js"
import type { Device } from "../device.js"
import { WasmDevice, WORTH_DIVIDING } from "./device.js"
import { control, loadModule, type WasmSource } from "./module.js"
import { type StartThread, startThreadPool, ThreadsRefused } from "./thread-pool.js"

export interface ThreadHost {
  readonly start: StartThread
  /** How many run at once on this machine. */
  readonly most: number
  /** Whether this thread may sleep: not that of a page. */
  readonly mayBlock: boolean
}

/** `threads`: asked for by the user; left out, chosen from the work. */
export async function openWasmDevice(
  source: WasmSource,
  host: ThreadHost,
  threads?: number,
): Promise<Device> {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1))
    throw new RunError("device-limits", `${threads} is not a number of threads`, { exit: 3 })
  if (threads !== undefined) return openWith(source, host, threads)
  try {
    return await openWith(source, host, worthwhileThreads(source, host.most))
  } catch (caught) {
    // Nobody asked for them, and one can do the work.
    if (!(caught instanceof ThreadsRefused)) throw caught
    return openWith(source, host, 1, `: ${caught.reason}`)
  }
}

/** `why`: a remark about the number. */
async function openWith(source: WasmSource, host: ThreadHost, wanted: number, why = ""): Promise<Device> {
  const loaded = await loadModule(source, wanted > 1)
  const size = loaded.shared ? wanted : 1
  const device = new WasmDevice(loaded, source, {
    device: "wasm",
    adapter: `WebAssembly SIMD, ${size} ${size === 1 ? "thread" : "threads"}${why}`,
    vendor: "",
    architecture: "simd128",
    software: false,
    features: [],
  })
  control(loaded.memory, "mayBlock", host.mayBlock ? 1 : 0)
  if (size > 1) {
    const scratch = Array.from({ length: size - 1 }, () => device.takeScratch(source.code.scratch))
    device.join(await startThreadPool(loaded, scratch, host.start))
  }
  return device
}

/** More than eight threads wait for memory rather than compute. */
export const MOST_THREADS = 8

/** The number of threads into which the largest dispatch can be divided with profit. */
export function worthwhileThreads({ code, programs }: WasmSource, most: number): number {
  const work = new Map(code.kernels.map((k) => [k.name, k.work]))
  const largest = programs.reduce((l, p) => Math.max(l, largestDispatch(p, work)), 0)
  return Math.max(1, Math.min(most, MOST_THREADS, Math.floor((2 * largest) / WORTH_DIVIDING)))
}

function largestDispatch(program: ProgramSpec, work: ReadonlyMap<string, number>): number {
  const sizes = { B: program.maxBatch, R: 1 }
  return program.dispatches.reduce((most, { kernel, grid }) => {
    const groups = grid.reduce<number>((n, extent) => n * evalSize(extent, sizes), 1)
    return groups > 1 ? Math.max(most, groups * (work.get(kernel) ?? 0)) : most
  }, 0)
}
