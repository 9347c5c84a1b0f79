/** runtime/session: opens a bundle, or several that train at once, on one device.
 *  Not here: which device (device/choose.ts), how one device serves several (batched/device.ts). */
import { BatchedDevice } from "../batched/device.js"
import type { BatchedRun, Bundle } from "../bundle/format.js"
import { overrideData } from "../data/override.js"
import { forBuild } from "../bundle/builds.js"
import { openDevice } from "../device/choose.js"
import { loadBundle } from "../exec/loaded-bundle.js"
import { rangesOf } from "../exec/state.js"
import { encodeNumbers } from "../exec/values.js"
import type { Host } from "../host.js"
import { CommonPace } from "../train/pace.js"
import { verifyLosses } from "../train/verify.js"
import { DataSets, type OpenDataSets } from "./data-sets.js"
import type { Opened } from "./opened.js"
import type { OpenOptions } from "./options.js"
import { TrainedState } from "./trained-state.js"

export async function openOne(bundle: Bundle, host: Host, options: OpenOptions): Promise<Opened> {
  const specs = overrideData(bundle.manifest.data, options.data ?? new Map())
  const { device, info, bundle: seen } = await openDevice(bundle, host, options)
  try {
    const loaded = await loadBundle(seen, device)
    const data = new DataSets(loaded, host, specs, options.placement, { device, byName: new Map() })
    const state = new TrainedState(loaded, data)
    if (options.verify)
      await verifyLosses(loaded, `${info.device}: ${info.adapter}`, (seed) => state.runInitialisers(seed))
    return { loaded, device: info, data, state, steppers: new Map(), now: () => host.now(), pace: undefined }
  } catch (caught) {
    device.close()
    throw caught
  }
}

/** They wait for each other (`Session.openBatched`). */
export async function openMany(
  runs: readonly BatchedRun[],
  host: Host,
  options: OpenOptions,
): Promise<readonly Opened[]> {
  const { device, info, bundle } = await openDevice(runs[0]!.bundle, host, options)
  try {
    const loaded = await loadBundle(bundle, device)
    const batched = new BatchedDevice(device, runs.length)
    let common: CommonPace | undefined
    const pace = (most: number): CommonPace => (common ??= new CommonPace(most))
    const open: OpenDataSets = { device, byName: new Map() }
    const all = runs.map(({ bundle: own, numbers }, run): Opened => {
      for (const { arena, offset, dtype, value } of numbers)
        device.write(loaded.arena(arena), offset, encodeNumbers(dtype, [value]))
      const seen = loaded.as(forBuild(own), batched.of(run))
      const specs = overrideData(own.manifest.data, options.data ?? new Map())
      const data = new DataSets(seen, host, specs, "resident", open)
      const state = new TrainedState(seen, data, rangesOf(seen.slots))
      const steppers: Opened["steppers"] = new Map()
      return { loaded: seen, device: info, data, state, steppers, now: () => host.now(), pace }
    })
    batched.keep(all.map(({ state }) => state.slots))
    return all
  } catch (caught) {
    device.close()
    throw caught
  }
}
