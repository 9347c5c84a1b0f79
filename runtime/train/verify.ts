/** runtime/train: verifies that a device reproduces the golden losses of every section, on rows drawn as in the compiler.
 *  Not here:   computing them (compiler/validate). */
import { fieldsRead } from "../bundle/format.js"
import { drawnInputs, type GoldenSpec } from "../bundle/golden.js"
import { RunError } from "../error.js"
import { callOnce } from "../exec/calls.js"
import { uploadData } from "../exec/dataset.js"
import type { LoadedBundle } from "../exec/loaded-bundle.js"
import { encodeNumbers } from "../exec/values.js"

/** `initialise` gives all slots their first values. Throws `device-differs`. */
export async function verifyLosses(
  loaded: LoadedBundle,
  device: string,
  initialise: (seed: number) => void,
): Promise<void> {
  for (const golden of loaded.bundle.manifest.golden ?? []) {
    const losses = await lossesOf(loaded, golden, initialise)
    golden.losses.forEach((expected, step) => {
      const loss = losses[step]!
      const allowed = golden.tolerance * Math.max(1, Math.abs(expected))
      if (Object.is(loss, expected) || Math.abs(loss - expected) <= allowed) return
      throw new RunError(
        "device-differs",
        `${device} computes something else: the loss of step ${step} of "${golden.train}" is ${loss}, and should be ${expected}`,
        { exit: 3, help: "use another device (`--device wasm`), or update this one's driver" },
      )
    })
  }
}

async function lossesOf(
  loaded: LoadedBundle,
  { train, rows, losses }: GoldenSpec,
  initialise: (seed: number) => void,
): Promise<readonly number[]> {
  const { trains, data } = loaded.bundle.manifest
  const spec = trains.find(({ name }) => name === train)
  if (!spec) return losses
  const fields = fieldsRead(data, spec)
    .flatMap((field) => drawnInputs(field, rows))
    .map(({ name, dtype, values }) => ({ name, bytes: encodeNumbers(dtype, values) }))
  const drawn = spec.data === null ? null : uploadData(loaded.device, `drawn for ${train}`, { rows, fields })
  initialise(spec.seed)
  const step = loaded.program(spec.step, drawn)
  const loss = step.output("loss")
  const found: number[] = []
  for (let k = 0; loss && k < losses.length; k++) {
    callOnce(step, { B: rows, R: step.rows, step: k, epoch: k, seed: spec.seed, start: 0 })
    found.push((await step.read(loss, rows)).values[0]!)
  }
  return found
}
