/** cli: a path -> a compiled program; its warnings on stderr, its errors as `Refused`. */
import { existsSync, readFileSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import type { Hooks, Outcome } from "../driver/compilation.js"
import { compile, type Compiled, type CompileOptions } from "../driver/compile.js"
import { renderDiagnostics } from "../source/render.js"
import type { SourceFile } from "../source/source.js"
import { DEFAULT_TARGET, type TargetProfile } from "../targets/index.js"
import type { Bundle } from "../../runtime/bundle/format.js"
import type { CompileCache } from "./compile-cache.js"
import { noteMessage } from "./console.js"
import { optimizeLater } from "./engine.js"
import { Failure, Refused } from "./failure.js"
import type { KeptTables } from "./kept-tables.js"
import { fileHost, type FileHost } from "./host.js"

export interface CompileFileOptions {
  /** `--data name=path`: checked while compiling, because the sources decide the sizes. */
  readonly data?: ReadonlyMap<string, string>
  /** `--fold k`: fitted stages depend on the rows that train. */
  readonly fold?: number
  readonly stopAfter?: string
  readonly devices?: NonNullable<CompileOptions["devices"]>
  readonly verify?: boolean
  readonly settings?: CompileOptions["settings"]
  readonly hooks?: Hooks
  readonly change?: NonNullable<CompileOptions["change"]>
  /** Other kinds of adapters to compile for. */
  readonly variants?: readonly TargetProfile[]
  /** Left out: the limits that WebGPU guarantees everywhere. */
  readonly target?: TargetProfile
}

/** Compiles, and stops with the diagnostics when there are errors. */
export function compileFile(path: string, options: CompileFileOptions = {}, tables?: KeptTables): Compiled {
  return compileWith(fileHost(path, options, tables), path, options)
}

function compileWith(host: FileHost, path: string, options: CompileFileOptions): Compiled {
  const program = readProgram(path, host.read)
  optimizeLater()
  const compiled = accept(compile(program, host, { target: DEFAULT_TARGET, ...options }))
  host.checkAsked()
  return compiled
}

/** Compiles all the way, unless the cache has the bundle already. */
export function bundleOf(
  path: string,
  options: CompileFileOptions = {},
  cache?: CompileCache,
  tables?: KeptTables,
): Bundle {
  const { data = new Map<string, string>(), settings = new Map(), hooks: _, ...rest } = options
  const files = [...data].map(([name, file]) => [name, resolve(file)])
  const asked = [path, resolve(path), files, [...settings], rest]
  const known = cache?.find(asked)
  if (known !== undefined) return accept(known).bundle
  const host = fileHost(path, options, tables)
  const { bundle, diagnostics } = compileWith(host, path, options)
  if (bundle === undefined || bundle.manifest.trains.length + bundle.manifest.predicts.length === 0)
    throw new Failure("io-program", `${path} holds nothing to train or to predict with`)
  cache?.keep(asked, { bundle, diagnostics }, host.reads)
  return bundle
}

/** Shows the warnings; throws when there are errors. */
export function accept<T extends Pick<Outcome, "diagnostics">>(compiled: T): T {
  const { diagnostics } = compiled
  if (diagnostics.some(({ severity }) => severity === "error")) throw new Refused(diagnostics)
  if (diagnostics.length > 0) noteMessage(renderDiagnostics(diagnostics))
  return compiled
}

/** A `.nn` file, or the text of an intermediate form. */
export function readProgram(path: string, read: (path: string) => Buffer = readFileSync): SourceFile {
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
  return { path, text: programText(read(path)) }
}

/** A byte order mark is no part of a program. */
export const programText = (bytes: Buffer): string => bytes.toString("utf8").replace(/^\uFEFF/, "")

export const isBundleFolder = (path: string): boolean => existsSync(join(path, "manifest.json"))

const nnBeside = (path: string): string | undefined =>
  existsSync(`${path}.nn`) ? `did you mean ${path}.nn?` : undefined
