/** cli: `nnc fmt`: programs in their canonical layout. A program with syntax errors is left alone; of standard input nothing is
 *  printed then. */
import { buffer } from "node:stream/consumers"
import type { Command } from "commander"
import { format } from "../../parse/format.js"
import { Diagnostics } from "../../source/diagnostic.js"
import { renderDiagnostics } from "../../source/render.js"
import type { SourceFile } from "../../source/source.js"
import { programText, readProgram } from "../compile-file.js"
import { note, noteMessage, printProgram } from "../console.js"
import { EXIT } from "../failure.js"
import { replaceFile } from "../replace-file.js"

export function addFmt(program: Command): void {
  program
    .command("fmt")
    .description("lay programs out in the one canonical way")
    .argument("<files...>", "programs; - formats standard input to standard output")
    .option("--check", "change nothing; exit with 1 when a file is not formatted")
    .action(async (files: string[], options: { check?: boolean }) => {
      for (const path of files) {
        const isPiped = path === "-"
        const file = isPiped
          ? { path: "<stdin>", text: programText(await buffer(process.stdin)) }
          : readProgram(path)
        const text = formatted(file)
        if (text === undefined) process.exitCode = EXIT.mistake
        else if (options.check) {
          if (text === file.text) continue
          note(`${file.path} is not formatted`)
          process.exitCode = EXIT.mistake
        } else if (isPiped) printProgram(text)
        else if (text !== file.text) {
          replaceFile(path, text)
          note(`formatted ${path}`)
        }
      }
    })
}

function formatted(file: SourceFile): string | undefined {
  const diagnostics = new Diagnostics()
  const text = format(file, diagnostics)
  if (diagnostics.all.length > 0) noteMessage(renderDiagnostics(diagnostics.all))
  return text
}
