/** cli/sweep: runs that differ in numbers only, trained at once by one set of kernels in this process.
 *  Guarantees: the run folder of each is the same as if it had been trained alone.
 *  Not here:   which numbers may differ (compiler/batching), runs as processes of their own (run-one.ts). */
import { dirname } from "node:path"
import { compileRuns, type RunsAtOnce } from "../../driver/compile-runs.js"
import { DEFAULT_TARGET } from "../../targets/index.js"
import { openBatched, type Trainer } from "../../../runtime/node.js"
import { reasonOf } from "../../../runtime/error.js"
import { readProgram } from "../compile-file.js"
import { whenConverted } from "../convert/index.js"
import { fileHost } from "../host.js"
import { userTables } from "../kept-tables.js"
import { profileOfAdapter } from "../open-program.js"
import { RunReport } from "../report/write.js"
import type { Settings } from "./grid.js"
import type { RunOrder } from "./run-one.js"
import type { TrainOptions } from "./sweep-folder.js"

/** Memory that all runs of a set may take together: on processors as much as their caches hold, beyond which runs are as fast one by one. */
const MOST_BYTES = { wasm: 16 * 2 ** 20, webgpu: 256 * 2 ** 20 }

/** Sets of runs, by their numbers in `settings`. */
export async function runsAtOnce(
  program: string,
  settings: readonly Settings[],
  device: "wasm" | "webgpu",
): Promise<readonly RunsAtOnce[]> {
  const target = device === "webgpu" ? await profileOfAdapter() : DEFAULT_TARGET
  const isProcessor = device === "wasm" || (target.adapter?.software ?? false)
  const options = { target, devices: [device], most: MOST_BYTES[isProcessor ? "wasm" : "webgpu"] }
  const given = settings.map((each) => new Map(Object.entries(each)))
  return whenConverted(() => {
    const host = fileHost(program)
    return compileRuns(readProgram(program, host.read), host, given, options)
  })
}

/** For each run: undefined when it ended by itself or was asked to, else the message of the mistake. */
export async function trainAtOnce(
  { bundles }: RunsAtOnce,
  orders: readonly RunOrder[],
  { device, threads }: { readonly device: "wasm" | "webgpu"; readonly threads: number | undefined },
): Promise<readonly (string | undefined)[]> {
  const [{ program, options }] = orders as readonly [RunOrder]
  const trainers = await openBatched(bundles, dirname(program), {
    device,
    openFile: userTables().open,
    ...(threads !== undefined && { threads }),
  })
  return Promise.all(trainers.map((trainer, i) => trained(trainer, orders[i]!, options)))
}

async function trained(
  trainer: Trainer,
  { folder, resume, onEvent, signal }: RunOrder,
  options: TrainOptions,
): Promise<string | undefined> {
  const report = new RunReport(trainer.bundle.manifest)
  try {
    const end = await trainer.train({
      ...options,
      ...(resume ? { resume: folder } : { overwrite: true }),
      runFolder: folder,
      signal,
      onEvent: (event) => {
        report.see(event)
        onEvent(event)
      },
    })
    if (end.why !== "interrupted") await report.showSamples(trainer, options.train, end)
    return undefined
  } catch (caught) {
    return reasonOf(caught)
  } finally {
    // The others go on without it.
    trainer.close()
    await report.finish()
  }
}
