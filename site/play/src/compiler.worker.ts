/** play: the compiler beside the page, so that typing never waits for it. */
import {
  analyse,
  type Analysis,
  compile,
  completionsAt,
  deviceHere,
  type Diagnostic,
  Diagnostics,
  format,
  hoverAt,
  inlayHints,
  positionAt,
  RunError,
  type Program,
  semanticTokens,
  standardLibrary,
} from "nnc/browser"
import { filesOfBundle } from "./bundle-files.js"
import { originsOf } from "./origins.js"
import type { Answer, Call, CompilerApi, FileMap, Problem } from "./protocol.js"

const PATH = "program.nn"
let last: { readonly text: string; readonly analysis: Analysis } | undefined
let shown: Program | undefined

function analysisOf(text: string): Analysis {
  if (last?.text === text) return last.analysis
  const host = { stdlib: standardLibrary(), load: () => undefined }
  last = { text, analysis: analyse({ path: PATH, text }, host) }
  return last.analysis
}

function problemsOf(diagnostics: readonly Diagnostic[]): readonly Problem[] {
  return diagnostics.map(({ severity, code, message, primary, help, fix }) => {
    const span = primary?.span.file.path === PATH ? primary.span : undefined
    const [from, to] = [span?.start ?? 0, span?.end ?? 0]
    return {
      from,
      to,
      line: span ? positionAt(span.file, from).line : 1,
      severity,
      code,
      message,
      ...(primary?.text && { label: primary.text }),
      ...(help !== undefined && { help }),
      ...(fix?.span.file.path === PATH && {
        fix: { from: fix.span.start, to: fix.span.end, replacement: fix.replacement },
      }),
    }
  })
}

const given = (files: FileMap): { files: Record<string, Blob> } => ({ files: Object.fromEntries(files) })

const api: CompilerApi = {
  check(text) {
    const began = performance.now()
    const analysis = analysisOf(text)
    return {
      problems: problemsOf(analysis.diagnostics),
      names: semanticTokens(analysis).map(({ span, kind, isLibrary }) => ({
        from: span.start,
        to: span.end,
        kind,
        isLibrary,
      })),
      hints: inlayHints(analysis),
      ms: performance.now() - began,
    }
  },
  complete: (text, offset) => completionsAt(analysisOf(text), offset),
  hover(text, offset) {
    const hover = hoverAt(analysisOf(text), offset)
    if (hover === undefined) return null
    const { span, title, gives, doc } = hover
    return {
      from: span.start,
      to: span.end,
      title,
      ...(gives !== undefined && { gives }),
      ...(doc !== undefined && { doc }),
    }
  },
  format: (text) => format({ path: PATH, text }, new Diagnostics()) ?? null,
  async checkData(text, files) {
    const { diagnostics } = await compile(text, { ...given(files), device: "wasm", stopAfter: "graph" })
    return problemsOf(diagnostics)
  },
  async build(text, files, device) {
    const began = performance.now()
    const { name, why } = device === "auto" ? await deviceHere() : { name: device, why: undefined }
    const program = await compile(text, { ...given(files), device: name })
    return {
      device: name,
      ...(why !== undefined && { why }),
      problems: problemsOf(program.diagnostics),
      files: program.files,
      ms: performance.now() - began,
      ...(program.bundle && { bundle: program.bundle }),
    }
  },
  async stages(text, files) {
    shown = await compile(text, { ...given(files), device: "webgpu" })
    return [...shown.stages.values()].map(({ name, summary }) => ({ name, summary }))
  },
  stage(name) {
    const text = shown?.stages.get(name)?.text() ?? ""
    return originsOf(text, PATH)
  },
  async bundleFiles(text, files) {
    const program = await compile(text, { ...given(files), device: "all" })
    return program.bundle ? filesOfBundle(text, program.bundle, program.files) : new Map()
  },
}

addEventListener("message", ({ data }: MessageEvent<Call>) => void answer(data))

async function answer({ id, name, args }: Call): Promise<void> {
  const call: (...given: readonly never[]) => unknown = api[name]
  try {
    say({ id, result: await call(...(args as readonly never[])) })
  } catch (caught) {
    const help = caught instanceof RunError && caught.help !== undefined ? `\n${caught.help}` : ""
    say({ id, failed: `${caught instanceof Error ? caught.message : String(caught)}${help}` })
  }
}

const say = (message: Answer): void => postMessage(message)
