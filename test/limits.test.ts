// Programs that do not fit a device: the messages are case files in test/cases/limits/, for the device that WebGPU promises, or a
// smaller one where a case says so (`// target: maxWorkgroupsPerDimension 2`).
import { expect, test } from "vitest"
import { type CompileHost, compile } from "../compiler/driver/compile.js"
import { gridCodes, memoryCodes } from "../compiler/memory/codes.js"
import { parseLibrary } from "../compiler/parse/library.js"
import { bug } from "../compiler/source/bug.js"
import type { Diagnostic } from "../compiler/source/diagnostic.js"
import { renderDiagnostics } from "../compiler/source/render.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { casesIn, testCases } from "./support/cases.js"
import { programs } from "./support/programs.js"

const host: CompileHost = {
  stdlib: parseLibrary(programs().filter(({ path }) => path.startsWith("stdlib/"))),
  load: () => undefined,
  data: ({ name }) => bug(`data ${name} in a program that should have none`),
}
function diagnosticsOf(text: string, path: string): readonly Diagnostic[] {
  const changes = [...text.matchAll(/^\/\/ target: (\w+) (\d+)$/gm)].map(([, limit, n]) => [limit, Number(n)])
  const target = { ...DEFAULT_TARGET, ...Object.fromEntries(changes) }
  return compile({ path, text }, host, { target }).diagnostics
}

testCases("limits", ({ input, shownPath }) => renderDiagnostics(diagnosticsOf(input, shownPath)))

test("every code has a case", () =>
  expect(casesIn("limits").map(({ name }) => name)).toEqual(
    expect.arrayContaining(Object.keys({ ...memoryCodes, ...gridCodes })),
  ))
