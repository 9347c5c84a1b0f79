/** cli: `nnc profile`: where the time of a training step goes, by kernel and by line of the program. */
import type { Command } from "commander"
import { autoNodeDevice } from "../../../runtime/node.js"
import { scaled } from "../../ir/kernels/cost.js"
import { DEFAULT_TARGET } from "../../targets/index.js"
import { inColumns } from "../columns.js"
import { note, print, printJson } from "../console.js"
import { deviceText, type DeviceOptions, profileOfAdapter, withDeviceOptions } from "../open-program.js"
import { type Profile, profile } from "../profile.js"

interface Options extends DeviceOptions {
  readonly json?: boolean
  readonly train?: string
}

export function addProfile(program: Command): void {
  withDeviceOptions(
    program
      .command("profile")
      .description("time the kernels of a training step on a device, and compare with the most it can do")
      .argument("<file>", "program"),
  )
    .option("--train <name>", "the train section (default: the first)")
    .option("--json", "print one object")
    .action(async (path: string, { device: asked, json, ...options }: Options) => {
      const device = asked === "auto" ? (await autoNodeDevice()).name : asked
      const target = device === "webgpu" ? await profileOfAdapter() : DEFAULT_TARGET
      const found = await profile(path, { ...options, device, target })
      if (json) return printJson({ event: "end", ...found })
      note(`${deviceText(found.device)}; at most ${rates(found)}, by matrix products and copies`)
      print(text(found))
    })
}

const rates = ({ peak }: Profile): string => `${scaled(peak.flops)}flop/s and ${scaled(peak.bytes)}B/s`

/** Lines of the program to show. */
const MOST_LINES = 12
const NUMBERS = ["ms", "share", "computes", "moves", "of peak"]

function text(p: Profile): string {
  const share = (ms: number): string => `${((100 * ms) / p.kernels_ms).toFixed(1)} %`
  const kernels = p.kernels.map((k) => [
    k.ms.toFixed(3),
    share(k.ms),
    `${scaled(k.flops)}flop`,
    `${scaled(k.bytes)}B`,
    `${(100 * k.of_peak).toFixed(0)} %`,
    `${k.kernel}${k.iterations === 1 ? "" : ` x ${k.iterations}`}`,
    k.template,
  ])
  const lines = p.lines.slice(0, MOST_LINES).map(({ at, ms }) => [ms.toFixed(3), share(ms), at])
  return [
    ...inColumns([...NUMBERS, "kernel", "template"], kernels, NUMBERS),
    "",
    ...inColumns(["ms", "share", "line"], lines, NUMBERS),
    "",
    `a step of \`${p.train}\`, ${p.batch} rows: ${p.step_ms.toFixed(3)} ms; its kernels one by one: ${p.kernels_ms.toFixed(3)} ms`,
  ].join("\n")
}
