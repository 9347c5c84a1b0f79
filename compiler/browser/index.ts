/** browser: the entry `nnc/browser`: a text is compiled in the page, and trains there. The only room besides the command line that sees
 *  compiler and runtime; it needs nothing but the files that the program names.
 *  Not here:   compiled bundles (runtime/index.ts).
 *  @module nnc/browser */
import type { Bundle } from "../../runtime/bundle/format.js"
import { autoDevice } from "../../runtime/device/choose.js"
import { probeBrowserDevice } from "../../runtime/device/browser-gpu.js"
import { openBundle, type PageOpenOptions } from "../../runtime/index.js"
import { PageTrainer } from "../../runtime/page-trainer.js"
import { compile as compileSource, type CompileOptions } from "../driver/compile.js"
import type { StageDump } from "../driver/dumps.js"
import type { Diagnostic } from "../source/diagnostic.js"
import { renderDiagnostics } from "../source/render.js"
import { withLimits } from "../targets/device-profiles.js"
import { DEFAULT_TARGET, targetFor, WEBGPU_VARIANTS } from "../targets/index.js"
import { blobOf, type Files } from "./files.js"
import { FilesAtHand, pageHost } from "./host.js"

export interface PageCompileOptions {
  /** The name of the program in messages; paths of files are relative to its folder. Left out: `program.nn`. */
  readonly path?: string
  /** Data files and imported programs, by the paths that stand in the program. */
  readonly files?: Files
  /** Where files are fetched that are not given. Left out: nothing is fetched. */
  readonly base?: string | URL
  /** Values for the constants of the program. */
  readonly settings?: Readonly<Record<string, number | boolean | string>>
  /** The devices to compile for. auto: the device that this page would take. all: every kind of device, for a bundle that goes elsewhere. */
  readonly device?: "auto" | "webgpu" | "wasm" | "all"
  /** The stage after which to stop, as in `nnc inspect --after`. */
  readonly stopAfter?: string
}

/** The result of compiling a text. */
export interface Program {
  /** Errors, warnings and notes, in the order of the text. */
  readonly diagnostics: readonly Diagnostic[]
  /** The program in every stage that it reached, by name. */
  readonly stages: ReadonlyMap<string, StageDump>
  /** Undefined where there are errors, or it was to stop before. */
  readonly bundle?: Bundle
  /** Every file that was read, by its path in the program. */
  readonly files: ReadonlyMap<string, Blob>
}

/** A program that has errors was to be opened. The message shows them in their lines. */
export class CompileError extends Error {
  override readonly name = "CompileError"
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(renderDiagnostics(diagnostics))
  }
}

/** Compiles a program. Its mistakes are in the result; nothing is thrown for them. */
export async function compile(text: string, options: PageCompileOptions = {}): Promise<Program> {
  const { path = "program.nn", base, settings = {}, device = "auto", stopAfter } = options
  const given = Object.entries(options.files ?? {}).map(
    ([name, content]) => [name, blobOf(name, content)] as const,
  )
  const files = new FilesAtHand(new Map(given), base === undefined ? undefined : new URL(base, here()))
  const host = pageHost(files)
  const how: CompileOptions = {
    ...(await targetOf(device)),
    settings: new Map(Object.entries(settings).map(([name, value]) => [name, String(value)])),
    ...(stopAfter === undefined ? {} : { stopAfter }),
  }
  for (;;) {
    const compiled = compileSource({ path, text }, host, how)
    if (await files.bring()) continue
    const { diagnostics, stages, bundle } = compiled
    return { diagnostics, stages, files: files.blobs, ...(bundle && { bundle }) }
  }
}

export interface ProgramOpenOptions extends Omit<PageOpenOptions, "files"> {
  /** Where data files are fetched that are not among those of the program. */
  readonly base?: string | URL
}

/** Opens a compiled program on a device of the page. Throws CompileError where it has errors. */
export async function open(
  program: Program,
  { base, ...options }: ProgramOpenOptions = {},
): Promise<PageTrainer> {
  const { bundle, diagnostics, files } = program
  if (bundle === undefined) throw new CompileError(diagnostics)
  return new PageTrainer(await openBundle(bundle, base ?? here(), { ...options, files }))
}

/** The device that `auto` takes in this page, and why. */
export const deviceHere = (): ReturnType<typeof autoDevice> =>
  autoDevice({ mayHaveGpu: () => true, probeDevice: probeBrowserDevice })

async function targetOf(
  device: NonNullable<PageCompileOptions["device"]>,
): Promise<Pick<CompileOptions, "target" | "variants" | "devices">> {
  if (device === "all") return { target: DEFAULT_TARGET, variants: WEBGPU_VARIANTS }
  const name = device === "auto" ? (await deviceHere()).name : device
  if (name === "wasm") return { target: DEFAULT_TARGET, devices: ["wasm"] }
  const adapter = await probeBrowserDevice()
  return {
    target: withLimits(targetFor(adapter), adapter.limits),
    devices: ["webgpu"],
  }
}

/** A worker made from a blob, and Node, have no folder of their own. */
const here = (): string => (globalThis.location?.href.startsWith("http") ? location.href : "file:///")

export { CompilerBug } from "../source/bug.js"
export { diagnosticJson, renderDiagnostic, renderDiagnostics, type DiagnosticJson } from "../source/render.js"
export { Diagnostics } from "../source/diagnostic.js"
export type { Diagnostic, Fix, Label, Severity } from "../source/diagnostic.js"
export { positionAt, type Position, type SourceFile, type Span } from "../source/source.js"
export { format } from "../parse/format.js"
export { codes } from "../driver/codes.js"
export { STAGES } from "../driver/stages.js"
export type { StageDump } from "../driver/dumps.js"
export { VERSION } from "../version.js"
export type { Cell, DataArray, DataRow, FileContent, Files } from "./files.js"
export { standardLibrary } from "./host.js"
export * from "../../runtime/index.js"
// Services of an editor, over texts that may be wrong.
export { analyse, type Analysis, type EditorHost } from "../editor/analysis.js"
export { type Completion, completionsAt } from "../editor/completion.js"
export { type Hover, hoverAt } from "../editor/hover.js"
export { type InlayHint, inlayHints } from "../editor/inlay-hints.js"
export { type SemanticToken, semanticTokens } from "../editor/semantic-tokens.js"
export { type SignatureHelp, signatureAt } from "../editor/signature.js"
