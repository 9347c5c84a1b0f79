/** cli: `nnc compile`: a program -> a bundle folder that runs without nnc. */
import { Option, type Command } from "commander"
import { basename, dirname } from "node:path"
import { withBuild } from "../../../runtime/bundle/builds.js"
import { valueOf } from "../../driver/levels.js"
import { PROGRAM_PASSES } from "../../driver/passes.js"
import type { Graph } from "../../ir/graph/types.js"
import { WEBGPU_VARIANTS } from "../../targets/index.js"
import { goldenLosses } from "../../validate/golden.js"
import { bundleOf, type CompileFileOptions } from "../compile-file.js"
import { note, printJson } from "../console.js"
import { EXIT, Failure } from "../failure.js"
import { whenConverted } from "../convert/index.js"
import { type DataOptions, compiling, withData } from "../usage.js"

interface Options extends DataOptions {
  readonly out: string
  readonly for?: "webgpu" | "wasm"
  readonly json?: boolean
  readonly timings?: boolean
  readonly single?: boolean
}

export function addCompile(program: Command): void {
  withData(program.command("compile"))
    .description("write a bundle: kernels, plan, data and a typed trainer module, usable without nnc")
    .argument("<file>", "program")
    .requiredOption(
      "-o, --out <path>",
      "folder to write it to, with --single a file; an earlier bundle there is replaced",
    )
    .addOption(
      new Option("--for <device>", "leave out the code for other devices").choices(["webgpu", "wasm"]),
    )
    .option("--single", "write one module for pages that imports and fetches nothing: `-o model.js`")
    .option("--timings", "say how long each stage took")
    .option("--json", "print one object")
    .action(async (file: string, options: Options) => {
      const stages = new Map<string, number>()
      const time = (stage: string, ms: number): void => void stages.set(stage, (stages.get(stage) ?? 0) + ms)
      if (options.single && !/\.m?js$/.test(options.out))
        throw new Failure(
          "usage",
          "`--single` writes a module, and the name in `--out` is none",
          "write `-o model.js`",
          EXIT.usage,
        )
      let graphs: readonly Graph[] = []
      const asked: CompileFileOptions = {
        data: options.data,
        hooks: {
          time,
          after: (pass, _, output) => {
            if (pass.to === "graphs" && PROGRAM_PASSES.includes(pass)) graphs = valueOf(output, "graphs")
          },
        },
        variants: WEBGPU_VARIANTS,
        ...compiling(options),
        ...(options.for === undefined ? {} : { devices: [options.for] }),
      }
      const compiled = await whenConverted(() => bundleOf(file, asked))
      const golden = goldenLosses(compiled.manifest, graphs)
      const bundle = { ...compiled, manifest: { ...compiled.manifest, golden } }
      // Loaded here because TypeScript's compiler comes with it, which no other command needs.
      const { writeBundle, writeSingle } = await import("../write-bundle.js")
      const write = options.single ? writeSingle : writeBundle
      const files = await write(bundle, options.out, dirname(file))
      // The last build for WebGPU is the one for adapters that the others do not fit.
      const builds = bundle.manifest.builds
      const { kernels, programs, slots } = withBuild(
        bundle.manifest,
        builds.findLast(({ requires }) => requires.device === "webgpu"),
      )
      const facts = {
        kernels: kernels.length,
        dispatches: Object.fromEntries(programs.map(({ name, dispatches }) => [name, dispatches.length])),
        parameters: slots
          .filter(({ role }) => role === "param")
          .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
      }
      const timings = options.timings
        ? {
            stages_ms: Object.fromEntries(
              [...stages].map(([stage, ms]) => [stage, Math.round(ms * 10) / 10]),
            ),
          }
        : {}
      if (options.json) printJson({ event: "end", out: options.out, files, ...facts, ...timings })
      else {
        if (options.timings)
          for (const [stage, ms] of stages) note(`${ms.toFixed(1).padStart(9)} ms  ${stage}`)
        const written = options.single ? files.join(" and ") : `${files.length} files in ${options.out}`
        note(`${basename(file)}: ${written}: ${facts.kernels} kernels, ${facts.parameters} parameters`)
      }
    })
}
