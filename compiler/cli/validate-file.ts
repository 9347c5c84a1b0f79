/** cli: `nnc check --validate`: a program's translation, checked down to the device at hand. */
import type { Difference } from "../validate/validate.js"
import { validate } from "../validate/validate.js"
import { readProgram } from "./compile-file.js"
import { whenConverted } from "./convert/index.js"
import { EXIT, Failure } from "./failure.js"
import { fileHost } from "./host.js"
import { type DeviceOptions, deviceText, profileOfAdapter } from "./open-program.js"
import { differenceOnDevice } from "./validate-device.js"

/** The text to print where all agree; throws where something differs. The program has no errors. */
export async function validateFile(
  path: string,
  { device, threads, ...asked }: DeviceOptions,
): Promise<string> {
  const target = await profileOfAdapter()
  const found = await whenConverted(() =>
    validate(readProgram(path), fileHost(path, asked), { target, variants: [] }),
  )
  if (found.difference !== undefined) throw differs(path, found.difference)
  if (found.bundle === undefined || found.expected.length === 0) return `${path}: there is nothing to run`
  const choice = { device, ...(threads === undefined ? {} : { threads }) }
  const on = await differenceOnDevice(found.bundle, found.expected, choice)
  if (on.difference !== undefined) throw differs(path, on.difference)
  const programs = found.expected.map((e) => e.graph.name)
  return `${path}: every stage computes the same, down to ${deviceText(on.device)}: ${programs.join(", ")}`
}

function differs(path: string, d: Difference): Failure {
  const what = d.result.startsWith("@")
    ? `another new value of \`${d.result.slice(1)}\``
    : `another \`${d.result}\``
  const who = d.stage === "device" ? `the device (${d.target})` : `the pass \`${d.stage}\` (for ${d.target})`
  const at = d.at === "" ? "" : `\n  --> ${d.at}`
  return new Failure(
    "translation-differs",
    `${who} makes ${d.program} compute ${what}: element ${d.element} is ${d.is}, and was ${d.expected} before${at}`,
    `\`nnc reduce ${path} --run "check --validate" --keep translation-differs\` finds a small program that shows it, to report`,
    d.stage === "device" ? EXIT.device : EXIT.bug,
  )
}
