/** parse: the files of the standard library -> modules. A mistake in them is ours. */
import { bug } from "../source/bug.js"
import { Diagnostics } from "../source/diagnostic.js"
import type { Module } from "../ir/ast/types.js"
import type { SourceFile } from "../source/source.js"
import { parse } from "./parse.js"

export function parseLibrary(files: readonly SourceFile[]): readonly Module[] {
  const diagnostics = new Diagnostics()
  const modules = files.map((file) => parse(file, diagnostics))
  const [first] = diagnostics.all
  if (first !== undefined) bug(`the standard library does not parse: ${first.message}`)
  return modules
}
