// Every code and every operation has the tests that it needs, and ARCHITECTURE.md names every room. Which room imports from which is
// checked by `npm run lint` (.dependency-cruiser.mjs).

import { computed } from "./support/registry.js"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
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

describe("ARCHITECTURE.md", () => {
  const text = readFileSync("ARCHITECTURE.md", "utf8")
  const rooms = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)

  it.each([
    ...rooms("compiler").map((name) => `compiler/${name}/`),
    ...rooms("runtime").map((name) => `| \`${name}/\` |`),
  ])("has the room %s", (room) => {
    expect(text).toContain(room)
  })

  it("names no file or folder that is not there", () => {
    const named = [...text.matchAll(/`((?:\.?[\w-]+\/)*(?:[\w-]+\/|[\w.-]+\.(?:ts|md|mjs)))`/g)].map(
      ([, path = ""]) => path,
    )
    // Paths are written from the top, or from the room that the sentence is about.
    const tops = ["", "compiler/", "runtime/", "test/"]
    const inside = [...tops, ...tops.slice(1, 3).flatMap((top) => rooms(top).map((name) => `${top}${name}/`))]
    expect(named.length).toBeGreaterThan(60)
    expect(named.filter((path) => !inside.some((root) => existsSync(root + path)))).toEqual([])
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
