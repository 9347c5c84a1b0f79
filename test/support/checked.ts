/** test: a program through parse and check, with the standard library. */
import { check } from "../../compiler/check/check.js"
import type { Module } from "../../compiler/ir/ast/types.js"
import type { Model } from "../../compiler/ir/model/types.js"
import { parseLibrary } from "../../compiler/parse/library.js"
import { parse } from "../../compiler/parse/parse.js"
import { Diagnostics } from "../../compiler/source/diagnostic.js"
import { programs } from "./programs.js"

const stdlib = parseLibrary(programs().filter(({ path }) => path.startsWith("stdlib/")))

export interface Checked {
  readonly model: Model | undefined
  readonly diagnostics: Diagnostics
}

/** `files` are what the program can import. */
export function checkText(
  text: string,
  path = "program.nn",
  files: Readonly<Record<string, string>> = {},
): Checked {
  const diagnostics = new Diagnostics()
  const module = parse({ path, text }, diagnostics)
  const load = (name: string): Module | undefined => {
    const found = files[name]
    return found === undefined ? undefined : parse({ path: name, text: found }, diagnostics)
  }
  return { model: check(module, { stdlib, load, diagnostics }), diagnostics }
}
