// Nothing that has to be looked after is without the test that looks after it. Which room imports from which is checked by
// `npm run lint` (.dependency-cruiser.mjs).

import { computed } from "./support/registry.js"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { allCodes } from "../compiler/cli/codes.js"

describe("everything is looked after", () => {
  const tests = testTexts()

  it.each(Object.keys(allCodes))("the code %s has a test that shows its message", (code) => {
    expect(tests.some((text) => text.includes(code))).toBe(true)
  })

  it.each(computed)("the op $name has samples", ({ def }) => {
    expect(def.samples.length).toBeGreaterThan(0)
  })
})

function testTexts(): string[] {
  const under = (folder: string): string[] =>
    readdirSync(folder).flatMap((name) => {
      const path = join(folder, name)
      return statSync(path).isDirectory() ? under(path) : [path]
    })
  return under("test")
    .filter((path) => /\.(ts|nn|txt|md|snap)$/.test(path) && !path.endsWith("rooms.test.ts"))
    .map((path) => readFileSync(path, "utf8"))
}
