/** cli: `nnc check`: everything that can be known without running. */
import type { Command } from "commander"
import { planBytes, sizeText } from "../../driver/budget.js"
import { compile, type Compiled } from "../../driver/compile.js"
import { diagnosticJson } from "../../source/render.js"
import { DEFAULT_TARGET } from "../../target.js"
import { accept, readProgram } from "../compile-file.js"
import { note, printJson } from "../console.js"
import { optimizeLater } from "../engine.js"
import { EXIT } from "../failure.js"
import { fileHost } from "../host.js"
import { withData } from "../usage.js"

interface Options {
  readonly json?: boolean
  readonly data: ReadonlyMap<string, string>
}

export function addCheck(program: Command): void {
  withData(program.command("check"))
    .description("find every mistake that can be found without running")
    .argument("<files...>", "programs")
    .option("--json", "print one object per diagnostic, and one `end` per file")
    .action((files: string[], options: Options) => {
      optimizeLater()
      for (const path of files) {
        const host = fileHost(path, options.data)
        const compiled = compile(readProgram(path), host, { target: DEFAULT_TARGET })
        host.checkOverrides()
        if (options.json) {
          const errors = compiled.diagnostics.filter(({ severity }) => severity === "error").length
          for (const each of compiled.diagnostics) printJson({ event: "diagnostic", ...diagnosticJson(each) })
          const memory = memoryOf(compiled)
          printJson({
            event: "end",
            file: path,
            errors,
            warnings: compiled.diagnostics.length - errors,
            ...(memory && { memory }),
          })
          if (errors > 0) process.exitCode = EXIT.mistake
        } else {
          accept(compiled)
          note(`${path}: no mistakes found`)
          const memory = memoryOf(compiled)
          if (memory) note(`${path}: ${memoryText(memory)}`)
        }
      }
    })
}

interface Memory {
  readonly budget: number
  /** Bytes on each device that the program is compiled for. */
  readonly takes: Readonly<Record<string, number>>
}

/** Of a program that trains within a budget. */
function memoryOf({ model, bundle }: Compiled): Memory | undefined {
  const budgets = model?.trains.flatMap(({ settings }) => settings.budget?.bytes ?? []) ?? []
  if (bundle === undefined || budgets.length === 0) return undefined
  const { arenas, wasm } = bundle.manifest
  const takes = { webgpu: planBytes({ arenas }), ...(wasm && { wasm: planBytes(wasm) }) }
  return { budget: Math.min(...budgets), takes }
}

const memoryText = ({ budget, takes }: Memory): string => {
  const each = Object.entries(takes).map(([device, bytes]) => `${sizeText(bytes)} on ${device}`)
  return `training takes ${each.join(", ")}; the budget is ${sizeText(budget)}`
}
