/** cli: `nnc/vite`, a plugin for Vite: a program is imported like a module, `import { load } from "./churn.nn"`.
 *  Guarantees: mistakes are shown in the page and the terminal with their lines; a file with the types of the program is written beside
 *              it; every file that it reads is watched.
 *  Not here:   the module that is imported (bundle/host-module.ts).
 *  @module nnc/vite */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { compile } from "../driver/compile.js"
import { positionAt } from "../source/source.js"
import { renderDiagnostic, renderDiagnostics } from "../source/render.js"
import { DEFAULT_TARGET, WEBGPU_VARIANTS } from "../targets/index.js"
import { readProgram } from "./compile-file.js"
import { outcomeOf, Refused } from "./failure.js"
import { fileHost } from "./host.js"
import { pageModule, runtimeFile } from "./write-bundle.js"

export interface ViteOptions {
  /** Leaves out the code for the other device. */
  readonly for?: "webgpu" | "wasm"
}

/** So that pages have threads of WebAssembly. */
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
}

/** One for all programs of a project; Vite puts it into a piece of its own. */
const RUNTIME = "nnc/runtime/browser"
/** The hooks of this plugin, which all supported versions of Vite call. */
export interface VitePlugin {
  readonly name: "nnc"
  readonly enforce: "pre"
  config(): { readonly server: WithHeaders; readonly preview: WithHeaders }
  resolveId(source: string): string | undefined
  load(this: LoadContext, id: string): Promise<Loaded | undefined>
}
interface WithHeaders {
  readonly headers: Record<string, string>
}
interface LoadContext {
  warn(text: string): void
  error(what: RollupError): never
  addWatchFile(path: string): void
}
interface Loaded {
  readonly code: string
  readonly map: null
  /** The name of the file does not depend on its content. */
  readonly moduleType: "js"
}

const PROGRAM = /\.nn$/

export default function nnc(options: ViteOptions = {}): VitePlugin {
  return {
    name: "nnc",
    enforce: "pre",
    config: () => ({ server: { headers: ISOLATED }, preview: { headers: ISOLATED } }),
    resolveId: (source) => (source === RUNTIME ? runtimeFile("browser.js") : undefined),
    async load(id) {
      if (!PROGRAM.test(id)) return undefined
      const host = fileHost(id)
      try {
        const compiled = compile(readProgram(id, host.read), host, {
          target: DEFAULT_TARGET,
          variants: WEBGPU_VARIANTS,
          ...(options.for && { devices: [options.for] }),
        })
        const { bundle, diagnostics } = compiled
        if (bundle === undefined) throw new Refused(diagnostics)
        if (diagnostics.length > 0) this.warn(renderDiagnostics(diagnostics))
        const addresses: string[] = []
        const { js, dts } = await pageModule(bundle, dirname(id), {
          runtime: `import * as nncRuntime from ${JSON.stringify(RUNTIME)}`,
          data: (path) => ({ address: `nncData${addresses.push(path) - 1}` }),
        })
        const imports = addresses.map(
          (path, i) => `import nncData${i} from ${JSON.stringify(`${path}?url`)}\n`,
        )
        writeTypes(`${id}.d.ts`, dts)
        return { code: `${imports.join("")}${js}`, map: null, moduleType: "js" }
      } catch (caught) {
        return this.error(asRollupError(caught, id))
      } finally {
        for (const path of host.reads.keys()) this.addWatchFile(path)
      }
    },
  }
}

/** Writes only changed files, so that watchers of the folder are not woken for nothing. */
function writeTypes(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, "utf8") === text) return
  writeFileSync(path, text)
}

interface RollupError {
  message: string
  id: string
  plugin: string
  loc?: { file: string; line: number; column: number }
  frame?: string
  /** None: it would be one of this plugin. */
  stack: string
}

function asRollupError(caught: unknown, id: string): RollupError {
  const about = { id, plugin: "nnc", stack: "" }
  if (!(caught instanceof Refused)) return { ...about, message: outcomeOf(caught).text }
  const errors = caught.diagnostics.filter(({ severity }) => severity === "error")
  const [first] = errors
  const span = first?.primary?.span
  const { line, column } = span ? positionAt(span.file, span.start) : { line: 1, column: 1 }
  return {
    ...about,
    message: errors.map(({ code, message }) => `${message} [${code}]`).join("\n"),
    loc: { file: span?.file.path ?? id, line, column: column - 1 },
    frame: errors.map((each) => renderDiagnostic(each)).join("\n"),
  }
}
