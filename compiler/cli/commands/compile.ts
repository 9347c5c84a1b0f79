/** cli: `nnc compile`: a program -> a bundle folder that runs without nnc. */
import type { Command } from "commander"
import { basename, dirname } from "node:path"
import { bundleOf } from "../compile-file.js"
import { note, printJson } from "../console.js"
import { namedPath } from "../usage.js"

interface Options {
  readonly out: string
  readonly data: ReadonlyMap<string, string>
  readonly json?: boolean
}

export function addCompile(program: Command): void {
  program
    .command("compile")
    .description("write a bundle: kernels, plan, data and a typed trainer module, usable without nnc")
    .argument("<file>", "program")
    .requiredOption("-o, --out <folder>", "where to write it; an earlier bundle there is replaced")
    .option(
      "--data <name=path>",
      "read a data set from another file; may be given several times",
      namedPath,
      new Map<string, string>(),
    )
    .option("--json", "print one object")
    .action(async (file: string, options: Options) => {
      const bundle = bundleOf(file, { data: options.data })
      // Loaded here because TypeScript's compiler comes with it, which no other command needs.
      const { writeBundle } = await import("../write-bundle.js")
      const files = await writeBundle(bundle, options.out, dirname(file))
      const { kernels, programs, slots } = bundle.manifest
      const facts = {
        kernels: kernels.length,
        dispatches: Object.fromEntries(programs.map(({ name, dispatches }) => [name, dispatches.length])),
        parameters: slots
          .filter(({ role }) => role === "param")
          .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
      }
      if (options.json) printJson({ event: "end", out: options.out, files, ...facts })
      else
        note(
          `${basename(file)}: ${files.length} files in ${options.out}: ${facts.kernels} kernels, ${facts.parameters} parameters`,
        )
    })
}
