/** bench: where the time of a step goes: each dispatch repeated by itself, fastest of a few runs.
 *  `tsx test/bench/profile.ts PROGRAM.nn [gpu|software]`. A dispatch alone finds its data in the cache, so the sum is less
 *  than a step; the last line is the whole step, repeated in the same way. */
import { availableParallelism } from "node:os"
import { dirname, resolve } from "node:path"
import { DEFAULT_TARGET, SOFTWARE_TARGET } from "../../compiler/target.js"
import { loadData } from "../../runtime/data/load.js"
import { openNodeDevice } from "../../runtime/device/node-gpu.js"
import { ParameterBlocks } from "../../runtime/exec/blocks.js"
import { uploadData } from "../../runtime/exec/dataset.js"
import { needsOf, openMachine } from "../../runtime/exec/machine.js"
import { nodeReader } from "../../runtime/node.js"
import type { Kernel } from "../../compiler/ir/kernels/types.js"
import { measure } from "./figures.js"

const [path = "", asked] = process.argv.slice(2)
const target = asked === "gpu" ? DEFAULT_TARGET : SOFTWARE_TARGET
const { bundle, kernels } = measure(path, target)
const device = await openNodeDevice(needsOf(bundle))
const machine = await openMachine(bundle, device)
const { manifest } = bundle
const spec = manifest.trains[0]!
const dataSpec = manifest.data.find(({ name }) => name === spec.data)
const read = nodeReader(resolve(dirname(path)))
const data = dataSpec ? uploadData(device, dataSpec.name, (await loadData(dataSpec, read)).train) : null
const step = machine.program(spec.step, data)
const templates = new Map(kernels.map((k: Kernel) => [k.name, k.template]))
const batch = Math.min(spec.batch ?? step.rows, step.rows)

const rows: { ms: number; name: string; template: string }[] = []
for (const [i, { kernel }] of step.spec.dispatches.entries()) {
  const ms = await timeOf((recorder) => step.recordDispatch(recorder, i, batch, 0))
  rows.push({ ms, name: kernel, template: templates.get(kernel) ?? "" })
}
const whole = await timeOf((recorder) => step.record(recorder, batch, 0))
const sum = rows.reduce((s, r) => s + r.ms, 0)
for (const { ms, name, template } of rows)
  console.log(
    `${ms.toFixed(3).padStart(9)} ms ${((100 * ms) / sum).toFixed(1).padStart(5)} %  ${name}  (${template})`,
  )
console.log(`${sum.toFixed(3).padStart(9)} ms all dispatches; ${whole.toFixed(3)} ms a step`)
device.close()

/** Milliseconds of wall time; on a software adapter of processor time shared by all cores, so that a busy machine does not count. */
function clock(): number {
  if (!device.info.software) return performance.now()
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000 / availableParallelism()
}

/** Milliseconds of what `record` records, repeated within one submission; the fastest of several. */
async function timeOf(record: (recorder: ReturnType<typeof device.record>) => void): Promise<number> {
  const run = async (times: number): Promise<number> => {
    const blocks = new ParameterBlocks(device, step.turns)
    blocks.add({ B: batch, R: step.rows, step: 1, epoch: 0, seed: 1, start: 0 }, step.turns)
    blocks.flush()
    const recorder = device.record()
    for (let n = 0; n < times; n++) record(recorder)
    const began = clock()
    recorder.submit()
    await device.fence()()
    return (clock() - began) / times
  }
  await run(1)
  const once = await run(1)
  const times = Math.max(1, Math.min(200, Math.round(30 / once)))
  const runs = [await run(times), await run(times), await run(times)]
  return Math.min(...runs)
}
