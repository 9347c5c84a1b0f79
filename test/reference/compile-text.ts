// A generated program through the compiler, as the command line would take it.

import { dirname } from "node:path"
import { compile } from "../../compiler/driver/compile.js"
import { fileHost } from "../../compiler/cli/host.js"
import type { Diagnostic } from "../../compiler/source/diagnostic.js"
import { renderDiagnostics } from "../../compiler/source/render.js"
import type { SourceFile } from "../../compiler/source/source.js"
import { DEFAULT_TARGET, WEBGPU_VARIANTS } from "../../compiler/targets/index.js"
import type { Bundle } from "../../runtime/bundle/format.js"
import { unfusedBundle } from "../support/unfused-bundle.js"

/** The program has errors. */
export class DoesNotCompile extends Error {
  constructor(readonly errors: readonly Diagnostic[]) {
    super(`does not compile: ${errors[0]?.message ?? "no reason given"}`)
  }
  get rendered(): string {
    return renderDiagnostics(this.errors)
  }
}

/** `fusion` false: every node is a kernel of its own. */
export function compileText(
  file: SourceFile,
  fusion = true,
): { readonly bundle: Bundle; readonly folder: string } {
  const compiled = compile(file, fileHost(file.path), {
    target: DEFAULT_TARGET,
    variants: WEBGPU_VARIANTS,
  })
  const { bundle, diagnostics } = compiled
  const errors = diagnostics.filter(({ severity }) => severity === "error")
  if (errors.length > 0 || bundle === undefined) throw new DoesNotCompile(errors)
  return { bundle: fusion ? bundle : unfusedBundle(compiled), folder: dirname(file.path) }
}

let names: ReadonlySet<string> | undefined

/** The names that the standard library declares. */
export function standardNames(): ReadonlySet<string> {
  names ??= new Set(
    fileHost("").stdlib.flatMap(({ declarations }) => declarations.map(({ name }) => name?.text ?? "")),
  )
  return names
}
