/** runtime/session: how long a step of a train section takes, kernel by kernel. The slots are left as they were.
 *  Not here: the measurement of a program (train/timing.ts). */
import type { DeviceInfo } from "../device/device.js"
import { batchesOf } from "../train/batches.js"
import { timeProgram } from "../train/timing.js"
import { trainSpec, type Opened } from "./opened.js"
import type { ProfileOptions } from "./options.js"

export interface StepProfile {
  readonly device: DeviceInfo
  readonly train: string
  /** Rows of the step. */
  readonly batch: number
  /** Milliseconds of the whole step. */
  readonly ms: number
  /** The dispatches in their order, each timed by itself: a kernel then finds its operands in the cache, so the sum is less than the whole. */
  readonly kernels: readonly KernelTime[]
}
export interface KernelTime {
  readonly kernel: string
  /** How often it runs in one step. */
  readonly iterations: number
  /** Milliseconds of all iterations. */
  readonly ms: number
  /** Places in the program that it computes, `program.nn:10:8`. */
  readonly origins: readonly string[]
}

export async function profile(
  { loaded, data, state, device, now }: Opened,
  { train }: ProfileOptions,
): Promise<StepProfile> {
  const { manifest } = loaded.bundle
  const spec = trainSpec(manifest, train)
  const rows = (await data.of(spec))?.train
  await state.ensureInitialised(spec.seed)
  const step = loaded.program(spec.step, rows?.data ?? null)
  const batch = batchesOf(rows?.rows ?? 0, spec.batch, spec.dropLast).size
  const before = state.slots.allocSnapshot("the profile")
  const save = loaded.device.record()
  state.slots.recordSave(save, before)
  save.submit()
  const { ms, dispatches } = await timeProgram(step, { B: batch, R: step.rows }, now)
  const restore = loaded.device.record()
  state.slots.recordRestore(restore, before)
  restore.submit()
  before.free()
  const origins = new Map(manifest.kernels.map((kernel) => [kernel.name, kernel.origins]))
  return {
    device,
    train: spec.name,
    batch,
    ms,
    kernels: dispatches.map((each) => ({ ...each, origins: origins.get(each.kernel) ?? [] })),
  }
}
