/** cli: `nnc check`: everything that can be known without running. */
import type { Command } from "commander"
import { compile } from "../../compile.js"
import { diagnosticJson } from "../../source/render.js"
import { DEFAULT_TARGET } from "../../target.js"
import { accept, readProgram } from "../compile-file.js"
import { note, printJson } from "../console.js"
import { EXIT } from "../failure.js"
import { fileHost } from "../host.js"

export function addCheck(program: Command): void {
  program
    .command("check")
    .description("find every mistake that can be found without running")
    .argument("<files...>", "programs")
    .option("--json", "print one object per diagnostic, and one `end` per file")
    .action((files: string[], options: { json?: boolean }) => {
      for (const path of files) {
        const compiled = compile(readProgram(path), fileHost(path), { target: DEFAULT_TARGET })
        if (options.json) {
          const errors = compiled.diagnostics.filter(({ severity }) => severity === "error").length
          for (const each of compiled.diagnostics) printJson({ event: "diagnostic", ...diagnosticJson(each) })
          printJson({ event: "end", file: path, errors, warnings: compiled.diagnostics.length - errors })
          if (errors > 0) process.exitCode = EXIT.mistake
        } else {
          accept(compiled)
          note(`${path}: no mistakes found`)
        }
      }
    })
}
