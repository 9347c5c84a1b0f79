/** cli: compares the results of a device with those that `validate` expects.
 *  Not here: the stages before the device (validate/). */
import type { Bundle } from "../../runtime/bundle/format.js"
import { type DeviceChoice, openDevice } from "../../runtime/device/choose.js"
import type { DeviceInfo } from "../../runtime/device/device.js"
import { callOnce } from "../../runtime/exec/calls.js"
import { uploadData } from "../../runtime/exec/dataset.js"
import { type LoadedBundle, loadBundle } from "../../runtime/exec/loaded-bundle.js"
import { State } from "../../runtime/exec/state.js"
import { encodeNumbers } from "../../runtime/exec/values.js"
import { nodeHost, placesBelow } from "../../runtime/node.js"
import type { Results } from "../validate/expected.js"
import { type Difference, differenceAt, type Expected, wrongOnDevice } from "../validate/validate.js"
import { SCALARS } from "../validate/values.js"

/** The first program that comes out otherwise on the device. */
export async function differenceOnDevice(
  bundle: Bundle,
  programs: readonly Expected[],
  choice: DeviceChoice,
): Promise<{ readonly device: DeviceInfo; readonly difference: Difference | undefined }> {
  const chosen = await openDevice(bundle, nodeHost(placesBelow(".")), choice)
  try {
    const loaded = await loadBundle(chosen.bundle, chosen.device)
    for (const expected of programs) {
      const [found] = wrongOnDevice(expected, await resultsOn(loaded, expected))
      if (found === undefined) continue
      const { kernels, device } = chosen.info
      const difference = differenceAt("device", expected.graph, found, kernels ?? device)
      return { device: chosen.info, difference }
    }
    return { device: chosen.info, difference: undefined }
  } finally {
    chosen.device.close()
  }
}

async function resultsOn(loaded: LoadedBundle, { graph, values }: Expected): Promise<Results> {
  const { inputs, state, dims } = values
  const slots = new State(loaded)
  for (const [name, { data }] of Object.entries(state)) slots.setNumbers(name, data)
  const fields = graph.inputs.flatMap(({ name, type, source }) =>
    source.kind === "data"
      ? [{ name: source.field, bytes: encodeNumbers(type.dtype, inputs[name]!.data) }]
      : [],
  )
  const rows = uploadData(loaded.device, `rows of ${graph.name}`, { rows: dims.R, fields })
  const program = loaded.program(graph.name, rows)
  for (const { name, source } of program.spec.inputs)
    if (source.kind === "feed") program.feed(name, inputs[name]!.data)
  callOnce(program, { ...SCALARS, ...dims })
  const found = new Map<string, ArrayLike<number>>()
  for (const output of program.spec.outputs)
    found.set(output.name, (await program.read(output, dims.B)).values)
  const after = await slots.tensors(slots.slots.map(({ role }) => role))
  const written = new Set(graph.updates.map((u) => u.slot))
  for (const { id, name } of graph.state) if (written.has(id)) found.set(`@${name}`, after.get(name)!.values)
  return found
}
