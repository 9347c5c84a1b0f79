/** test: case files. A case is a text file: the input, a line `---- expect`, the expected text.
 *  The header of the input (`// ...` lines) says what the case shows. `UPDATE=1` writes what came out instead. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { expect, test } from "vitest"

const SEPARATOR = /^---- expect\r?\n/m

export interface Case {
  /** The file name without its ending. */
  readonly name: string
  readonly path: string
  /** The name that messages should print: the file's own, without folders. */
  readonly shownPath: string
  readonly input: string
  readonly expected: string | undefined
}

/** The cases in `test/cases/<folder>` and below it, by name. */
export function casesIn(folder: string, ending = ".nn"): Case[] {
  const root = new URL(`../cases/${folder}/`, import.meta.url).pathname
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((file) => {
      const path = join(root, file)
      const [input = "", expected] = readFileSync(path, "utf8").split(SEPARATOR)
      return { name: file.slice(0, -ending.length), path, shownPath: relative(root, path), input, expected }
    })
}

/** One test per case: what `run` makes of the input is the expected text. */
export function testCases(folder: string, run: (c: Case) => string | Promise<string>, ending = ".nn"): void {
  for (const c of casesIn(folder, ending))
    test(`${folder}/${c.name}`, async () => {
      const result = await run(c)
      const actual = result === "" || result.endsWith("\n") ? result : result + "\n"
      if (process.env["UPDATE"] === "1") writeFileSync(c.path, `${c.input}---- expect\n${actual}`)
      else expect(actual).toBe(c.expected ?? "(no `---- expect` yet: run with UPDATE=1)")
    })
}
