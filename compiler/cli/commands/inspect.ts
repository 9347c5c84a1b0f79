/** cli: `nnc inspect`: a program after any stage or pass, as text that reads back in, or as JSON. */
import { Option, type Command } from "commander"
import { extname } from "node:path"
import { compileText } from "../../driver/compile-text.js"
import { STAGES } from "../../driver/stages.js"
import type { CompileOptions, Outcome } from "../../driver/compilation.js"
import { IrTextError } from "../../ir/text/scanner.js"
import { nearest } from "../../source/suggest.js"
import type { SourceFile } from "../../source/source.js"
import type { StageDump } from "../../driver/dumps.js"
import { DEFAULT_TARGET, WEBGPU_VARIANTS } from "../../targets/index.js"
import { accept, compileFile, readProgram } from "../compile-file.js"
import { note, print } from "../console.js"
import { whenConverted } from "../convert/index.js"
import { Failure } from "../failure.js"
import { refuseSettings } from "../open-program.js"
import { type DataOptions, compiling, withData } from "../usage.js"

interface Options extends DataOptions {
  readonly after?: string
  readonly json?: boolean
  readonly html?: boolean
  readonly timePasses?: boolean
  readonly remarks?: boolean
  readonly for?: string
}

export function addInspect(program: Command): void {
  withData(program.command("inspect"))
    .description("print what a stage makes of a program; without a program, the list of stages")
    .argument("[file]", "a program, or the text of an intermediate form, which goes on from there")
    .option("--after <stage>", "the stage or pass to print (default: the last one)")
    .addOption(
      new Option("--for <device>", "the stages of code for this device, or kind of adapter, alone").choices([
        "webgpu",
        ...WEBGPU_VARIANTS.map(({ name }) => name),
        "wasm",
      ]),
    )
    .addOption(new Option("--json", "as JSON instead of text").conflicts("html"))
    .option("--html", "as a page with the graph drawn beside the program")
    .option("--time-passes", "say how long each pass took")
    .option("--remarks", "say what passes decided, and why")
    .action(async (file: string | undefined, options: Options) => {
      if (file === undefined) return print(stageList())
      const dumps = await whenConverted(() => dumpsOf(file, options))
      const dump = options.after === undefined ? [...dumps.values()].at(-1) : dumps.get(options.after)
      if (dump === undefined)
        throw new Failure("inspect-stage", `this program never comes to the stage \`${options.after ?? ""}\``)
      if (options.json) return print(JSON.stringify(dump.json(), null, 2))
      if (!options.html) return print(dump.text())
      // Loaded here because Graphviz comes with it, which no other command needs.
      const { stagePage } = await import("../page/page.js")
      print(await stagePage(readProgram(file), dump))
    })
}

function dumpsOf(
  file: string,
  { after, timePasses, remarks, data, for: device, ...others }: Options,
): ReadonlyMap<string, StageDump> {
  if (after !== undefined && !STAGES.some(({ name }) => name === after)) throw unknownStage(after)
  const hooks = {
    ...(timePasses
      ? { time: (pass: string, ms: number) => note(`${ms.toFixed(1).padStart(8)} ms  ${pass}`) }
      : {}),
    ...(remarks ? { remark: (pass: string, text: string) => note(`${pass}: ${text}`) } : {}),
  }
  const options = {
    hooks,
    ...(after === undefined ? {} : { stopAfter: after }),
    ...(device === undefined
      ? {}
      : { devices: [device === "wasm" ? ("wasm" as const) : ("webgpu" as const)] }),
    ...compiling(others),
    target: WEBGPU_VARIANTS.find(({ name }) => name === device) ?? DEFAULT_TARGET,
  }
  if (extname(file) === ".nn") return compileFile(file, { ...options, data }).stages
  refuseSettings(file, others)
  return accept(outcomeOf(readProgram(file), options)).stages
}

/** The text does not say how large B and R get, and memory has to be laid out for some size. */
const ROWS = 256

function outcomeOf({ path, text }: SourceFile, options: CompileOptions): Outcome {
  try {
    return compileText(text, () => ({ B: ROWS, R: ROWS }), options)
  } catch (error) {
    if (!(error instanceof IrTextError)) throw error
    throw new Failure(
      "inspect-text",
      `${path}:${error.message}`,
      "the text of any stage can be fed back: `nnc inspect program.nn --after=graph`",
    )
  }
}

function unknownStage(name: string): Failure {
  const near = nearest(
    name,
    STAGES.map((stage) => stage.name),
  )
  return new Failure(
    "inspect-stage",
    `there is no stage \`${name}\``,
    near === undefined ? "`nnc inspect` lists the stages" : `did you mean \`${near}\`?`,
  )
}

function stageList(): string {
  const width = Math.max(...STAGES.map(({ name }) => name.length))
  return STAGES.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`).join("\n")
}
