/** cli: a path -> a compiled program; its warnings on stderr, its errors as `Refused`. */
import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Outcome } from "../compilation.js"
import { compile, type Compiled, type CompileOptions } from "../compile.js"
import type { RunnerHooks } from "../pass.js"
import { renderDiagnostics } from "../source/render.js"
import type { SourceFile } from "../source/source.js"
import { DEFAULT_TARGET, type TargetProfile } from "../target.js"
import type { Bundle } from "../../runtime/bundle/format.js"
import { noteMessage } from "./console.js"
import { Failure, Refused } from "./failure.js"
import { fileHost } from "./host.js"

export interface CompileFileOptions {
  /** `--data name=path`: checked while compiling, because the sources decide the sizes. */
  readonly data?: ReadonlyMap<string, string>
  readonly stopAfter?: string
  readonly devices?: NonNullable<CompileOptions["devices"]>
  readonly hooks?: RunnerHooks
  /** Left out: what WebGPU guarantees everywhere. */
  readonly target?: TargetProfile
}

/** Compiles, and stops with the diagnostics when there are errors. */
export function compileFile(path: string, options: CompileFileOptions = {}): Compiled {
  const host = fileHost(path, options.data)
  const compiled = accept(compile(readProgram(path), host, { target: DEFAULT_TARGET, ...options }))
  host.checkOverrides()
  return compiled
}

/** Compiles all the way. */
export function bundleOf(path: string, options: CompileFileOptions = {}): Bundle {
  const { bundle } = compileFile(path, options)
  if (bundle === undefined || bundle.manifest.trains.length + bundle.manifest.predicts.length === 0)
    throw new Failure("io-program", `${path} holds nothing to train or to predict with`)
  return bundle
}

/** Shows the warnings; throws when there are errors. */
export function accept<T extends Outcome>(compiled: T): T {
  const { diagnostics } = compiled
  if (diagnostics.some(({ severity }) => severity === "error")) throw new Refused(diagnostics)
  if (diagnostics.length > 0) noteMessage(renderDiagnostics(diagnostics))
  return compiled
}

/** A `.nn` file, or the text of an intermediate form. */
export function readProgram(path: string): SourceFile {
  if (!existsSync(path))
    throw new Failure(
      "io-program",
      `there is no file ${path}`,
      path.endsWith(".nn")
        ? undefined
        : (nnBeside(path) ?? "name a .nn file, or a folder that `nnc compile` wrote"),
    )
  if (statSync(path).isDirectory())
    throw new Failure(
      "io-program",
      `${path} is a folder, not a program`,
      isBundleFolder(path) ? `it is a compiled bundle: \`nnc run ${path}\` trains it` : "name a .nn file",
    )
  return { path, text: readFileSync(path, "utf8").replace(/^\uFEFF/, "") }
}

export const isBundleFolder = (path: string): boolean => existsSync(join(path, "manifest.json"))

const nnBeside = (path: string): string | undefined =>
  existsSync(`${path}.nn`) ? `did you mean ${path}.nn?` : undefined
