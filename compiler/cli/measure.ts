/** cli: a training step of a bundle, run on a device for its times. */
import { dirname } from "node:path"
import { availableParallelism } from "node:os"
import type { TargetProfile } from "../targets/target.js"
import type { Bundle, DataSpec, DeviceBundle, TrainSpec } from "../../runtime/bundle/format.js"
import type { DataFile } from "../../runtime/data/file.js"
import { overrideData } from "../../runtime/data/override.js"
import { type Chosen, openDevice } from "../../runtime/device/choose.js"
import type { DeviceInfo } from "../../runtime/device/device.js"
import { RunError } from "../../runtime/error.js"
import { openDataSet } from "../../runtime/exec/data-set.js"
import { type LoadedBundle, loadBundle } from "../../runtime/exec/loaded-bundle.js"
import { nodeHost, placesBelow } from "../../runtime/node.js"
import { batchesOf } from "../../runtime/train/batches.js"
import { type ProgramTimes, timeProgram } from "../../runtime/train/timing.js"
import type { DataOptions } from "./usage.js"

export interface MeasureOptions extends DataOptions {
  readonly device: "webgpu" | "wasm"
  readonly target: TargetProfile
  readonly threads?: number
  readonly train?: string
}

export function trainSpec({ manifest: { trains } }: Bundle, name: string | undefined): TrainSpec {
  const spec = name === undefined ? trains[0] : trains.find((t) => t.name === name)
  if (spec) return spec
  throw new RunError("unknown-name", `the program has no train section${name ? ` "${name}"` : ""}`)
}

/** Opens a bundle, does something with it, and closes it. */
export async function onDevice<T>(
  bundle: Bundle,
  path: string,
  { device, threads }: MeasureOptions,
  body: (loaded: LoadedBundle, chosen: Chosen) => Promise<T>,
): Promise<T> {
  const choice = { device, ...(threads === undefined ? {} : { threads }) }
  const chosen = await openDevice(bundle, nodeHost(placesBelow(dirname(path))), choice)
  try {
    return await body(await loadBundle(chosen.bundle, chosen.device), chosen)
  } finally {
    chosen.device.close()
  }
}

export async function measureStep(
  loaded: LoadedBundle,
  { device, info, bundle }: Chosen,
  spec: TrainSpec,
  path: string,
  open: (path: string) => DataFile,
  { data: paths, threads }: MeasureOptions,
  /** The dispatches of the program to measure; left out: all. */
  which?: ReadonlySet<number>,
): Promise<{ times: ProgramTimes; batch: number; rows: number; info: DeviceInfo; seen: DeviceBundle }> {
  const all = overrideData(bundle.manifest.data, paths)
  const named = (wanted: string): DataSpec[] => all.filter(({ name }) => name === wanted)
  const [set] = spec.data === null ? [] : named(spec.data)
  const beside = (spec.beside ?? []).flatMap(named)
  const host = nodeHost(placesBelow(dirname(path)), open)
  const how = { room: device.room, batch: loaded.spec(spec.step).maxBatch, draws: new Map() }
  const part = set && (await openDataSet(device, [set, ...beside], host.openFile, how)).train
  const step = loaded.program(spec.step, part?.data ?? null)
  const rows = part?.rows ?? 0
  const batch = batchesOf(rows, spec.batch, spec.dropLast).size
  // As many rows as there are in the buffers, whichever they are.
  const call = { B: batch, R: step.rows }
  return {
    times: await timeProgram(step, call, clockOf(info, threads), which),
    batch,
    rows,
    info,
    seen: bundle,
  }
}

/** Wall time; the processor's where that is known to be spent on one core or shared by all: a busy machine does not count then. So it is for
 *  one thread of WebAssembly, and for a software adapter. */
export function clockOf({ device, software }: DeviceInfo, threads: number | undefined): () => number {
  const cores = software ? availableParallelism() : device === "wasm" && threads === 1 ? 1 : undefined
  if (cores === undefined) return () => performance.now()
  return () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000 / cores
  }
}
