/** .nn text -> graphs, for tests of what comes after checking. The library is parsed once. */
import { check } from "../../compiler/check/check.js"
import type { Graph } from "../../compiler/ir/graph/types.js"
import type { Module } from "../../compiler/ir/ast/types.js"
import { lower } from "../../compiler/lower/lower.js"
import { autodiff } from "../../compiler/autodiff/backward.js"
import { parseLibrary } from "../../compiler/parse/library.js"
import { parse } from "../../compiler/parse/parse.js"
import { runPass } from "../../compiler/pass.js"
import { Diagnostics } from "../../compiler/source/diagnostic.js"
import { formatSpan, type SourceFile } from "../../compiler/source/source.js"
import { DEFAULT_TARGET } from "../../compiler/targets/index.js"
import { programs } from "./programs.js"

let library: readonly Module[] | undefined

/** The graphs of a program by name. Throws what the compiler had to say about it, warnings excepted. */
export function lowered(source: SourceFile | string): ReadonlyMap<string, Graph> {
  const file = typeof source === "string" ? { path: "test.nn", text: source } : source
  const diagnostics = new Diagnostics()
  library ??= parseLibrary(programs().filter((p) => p.path.startsWith("stdlib/")))
  const model = check(parse(file, diagnostics), { stdlib: library, load: () => undefined, diagnostics })
  stopAtErrors(diagnostics)
  const { graphs } = runPass(lower, model, { diagnostics, target: DEFAULT_TARGET })
  stopAtErrors(diagnostics)
  return new Map(graphs.map((g) => [g.name, g]))
}

/** The graph with its gradients written out. */
export function differentiated(graph: Graph): Graph {
  const diagnostics = new Diagnostics()
  const result = runPass(autodiff, graph, { diagnostics, target: DEFAULT_TARGET })
  stopAtErrors(diagnostics)
  return result
}

function stopAtErrors(diagnostics: Diagnostics): void {
  const errors = diagnostics.all.filter((d) => d.severity === "error")
  if (errors.length === 0) return
  const lines = errors.map((d) => {
    const related = (d.related ?? []).map((r) => ` [${formatSpan(r.span)} ${r.text}]`).join("")
    return `${d.code}: ${d.message} (${d.primary ? `${formatSpan(d.primary.span)} ${d.primary.text}` : ""})${related}`
  })
  throw new Error(lines.join("\n"))
}
