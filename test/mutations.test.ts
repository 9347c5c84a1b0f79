/** Programs with something changed at random: whatever comes of it is compiled or refused with a message at a place, and never
 *  fails otherwise. */
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { compile } from "../compiler/driver/compile.js"
import { fileHost } from "../compiler/cli/host.js"
import type { Diagnostic } from "../compiler/source/diagnostic.js"
import { WASM_TARGET } from "../compiler/targets/index.js"
import { random } from "./support/random.js"

const MUTATIONS = 40
const EXAMPLES = ["autoencoder", "boston", "digits", "gan", "gradient-penalty", "vae"]
const KEYWORDS = new Set(
  (
    "data model layer fn train on let var param state minimize with report batch shuffle epochs steps seed if else for in " +
    "return split test column columns csv checkpoint every keep best over import from true false"
  ).split(" "),
)
const TOKEN = /\s+|\/\/[^\n]*|"[^"]*"|[A-Za-z_]\w*|\d+(?:\.\d+)?(?:e-?\d+)?|\|>|->|<-|[=!<>]=|\.\.|./gs
const NUMBERS = ["0", "1", "2", "3", "7", "16", "64", "1.5", "-1", "1e9", "1000000000"]
const OPERATORS = ["+", "-", "*", "/", "@", "^", "<", "=="]

const library = [...readFileSync("docs/library.md", "utf8").matchAll(/^### `(\w+)`/gm)].map((m) => m[1]!)
const isName = (token: string): boolean => /^[A-Za-z_]/.test(token) && !KEYWORDS.has(token)

function errorsOf(path: string, text: string): readonly Diagnostic[] {
  try {
    const { diagnostics } = compile({ path, text }, fileHost(path), {
      target: WASM_TARGET,
      devices: ["wasm"],
    })
    return diagnostics.filter((d) => d.severity === "error")
  } catch (cause) {
    throw new Error(`failed on this program:\n${text}`, { cause })
  }
}

test.each(EXAMPLES)("%s", (name) => {
  const path = `examples/${name}/${name}.nn`
  const tokens = readFileSync(path, "utf8").match(TOKEN)!
  const places = tokens.flatMap((t, i) => (t.trim() === "" || t.startsWith("//") ? [] : [i]))
  const next = random(name.length)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!
  const changed = (token: string): string => {
    if (/^\d/.test(token)) return pick(NUMBERS)
    if (isName(token)) return pick(next() < 0.6 ? tokens.filter(isName) : library)
    if (OPERATORS.includes(token)) return pick(OPERATORS)
    return next() < 0.3 ? "" : token
  }
  let refused = 0
  for (let i = 0; i < MUTATIONS; i++) {
    const mutant = [...tokens]
    for (let n = 0; n < 1 + (i % 3); n++) {
      const at = pick(places)
      mutant[at] = changed(mutant[at]!)
    }
    const text = mutant.join("")
    const errors = errorsOf(path, text)
    expect(
      errors.filter((e) => e.primary === undefined),
      text,
    ).toEqual([])
    if (errors.length > 0) refused++
  }
  expect(refused).toBeGreaterThan(MUTATIONS / 4)
})
