/** cli: `nnc tune`: plans for the kernels of a program, measured on a device, as a file for `--plan`. */
import { existsSync } from "node:fs"
import { SingleBar } from "cli-progress"
import type { Command } from "commander"
import { autoNodeDevice } from "../../../runtime/node.js"
import { DEFAULT_TARGET } from "../../targets/index.js"
import { inColumns } from "../columns.js"
import { note, print, printJson } from "../console.js"
import { type DeviceOptions, profileOfAdapter, withDeviceOptions } from "../open-program.js"
import { readPlans, writePlans } from "../plan-files.js"
import { type Tuned, tune } from "../tune.js"

interface Options extends DeviceOptions {
  readonly out?: string
  readonly json?: boolean
  readonly train?: string
}

export function addTune(program: Command): void {
  withDeviceOptions(
    program
      .command("tune")
      .description(
        "measure other plans for the kernels of a training step, and write those that win to a file for `--plan`",
      )
      .argument("<file>", "program"),
  )
    .option("-o, --out <file>", "where to write the plans (default: beside the program, m.plan for m.nn)")
    .option("--train <name>", "the train section (default: the first)")
    .option("--json", "print one object")
    .action(async (path: string, { device: asked, json, out, plan: _, ...options }: Options) => {
      const file = out ?? `${path.replace(/\.nn$/, "")}.plan`
      const device = asked === "auto" ? (await autoNodeDevice()).name : asked
      const target = device === "webgpu" ? await profileOfAdapter() : DEFAULT_TARGET
      const found = await tune(path, { ...options, device, target }, json ? undefined : showRounds())
      // Plans that were tuned for other targets stay.
      const others = existsSync(file) ? readPlans(file).filter((p) => p.target !== found.target) : []
      const { entries, ...facts } = found
      if (entries.length + others.length > 0) writePlans(file, [...others, ...entries])
      if (json) return printJson({ event: "end", ...facts, file: entries.length > 0 ? file : null })
      print(text(found))
      if (entries.length > 0) note(`wrote ${file}: use it with --plan ${file}`)
      else note("no plan made the step faster than the cost model's: nothing to write")
    })
}

/** On a terminal a bar; elsewhere a line at the start. */
function showRounds(): (done: number, of: number) => void {
  if (!process.stderr.isTTY)
    return (done, of) => {
      if (done === 1) note(`measuring other plans, ${of - 1} rounds`)
    }
  const bar = new SingleBar({
    format: "measuring other plans  [{bar}]  {value}/{total}",
    stream: process.stderr,
    clearOnComplete: true,
    barsize: 20,
  })
  return (done, of) => {
    if (done === 1) bar.start(of - 1, 1)
    else bar.update(done)
    if (done === of - 1) bar.stop()
  }
}

function text({ kernels, train, before_ms, after_ms, target }: Tuned): string {
  const rows = kernels.map((k) => [
    k.before_ms.toFixed(3),
    k.after_ms.toFixed(3),
    `${k.tried}${k.known ? " (known)" : ""}`,
    `${k.graph}: ${k.group}`,
    k.after === null ? k.before : `${k.before} -> ${k.after}`,
  ])
  const step = `a step of \`${train}\` on ${target}: ${before_ms.toFixed(3)} ms -> ${after_ms.toFixed(3)} ms`
  const numbers = ["ms", "tuned", "plans"]
  return [...inColumns([...numbers, "kernel", "plan"], rows, numbers), "", step].join("\n")
}
