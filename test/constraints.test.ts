// Every constraint of every operation, broken from source text: the messages stand in test/cases/constraints/, a file per
// operation, each program above its message. `UPDATE=1` writes the present ones.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, test } from "vitest"
import { allOps } from "../compiler/ops/index.js"
import type { OpDef } from "../compiler/ops/op.js"
import { renderDiagnostics } from "../compiler/source/render.js"
import { checkText } from "./support/checked.js"
import { brokenCalls } from "../compiler/ops/broken-calls.js"
import { opProgram } from "../compiler/check/op-program.js"
import { unseenConstraints } from "../compiler/check/unseen-constraints.js"

const folder = fileURLToPath(new URL("cases/constraints/", import.meta.url))

describe.each(allOps().map((def) => ({ def, name: def.name })))("$name", ({ def }) => {
  const shown = Object.entries(def.constraints).map(([label, rule]) => brokenFromSource(def, label, rule))
  test("the messages are as written down", () => {
    const path = `${folder}${def.name}.txt`
    const actual = shown.map((s) => s.text).join("\n")
    if (process.env["UPDATE"] === "1") writeFileSync(path, actual)
    else
      expect(actual).toBe(existsSync(path) ? readFileSync(path, "utf8") : "(no file yet: run with UPDATE=1)")
  })
  test.each(shown)("a program that breaks $code", ({ codes, expected }) => expect(codes).toEqual(expected))
})

test("no file is left over", () => {
  const names = allOps().map(({ name }) => `${name}.txt`)
  expect(readdirSync(folder).filter((file) => !names.includes(file))).toEqual([])
})

interface Shown {
  readonly code: string
  readonly codes: readonly string[]
  readonly expected: readonly string[]
  readonly text: string
}
function brokenFromSource(def: OpDef, label: string, rule: string): Shown {
  const code = `${def.name}-${label}`
  const bad = brokenCalls[code]
  if (!bad) throw new Error(`${code} has no case in compiler/ops/broken-calls.ts`)
  const unreachable = unseenConstraints[code]
  const note = unreachable ? `// ${code} cannot be seen: ${unreachable.why}\n` : ""
  const program = opProgram(def, bad)
  const { diagnostics } = checkText(program, `${code}.nn`)
  return {
    code,
    codes: diagnostics.all.map((d) => d.code),
    expected: unreachable ? [unreachable.instead ?? []].flat() : [code],
    text: `// ${label}: ${rule}\n${note}${program}\n${renderDiagnostics(diagnostics.all)}`,
  }
}
