// The extension for VS Code, as far as it is data: what it contributes fits what the language server and the language have.

import { existsSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { analyse } from "../compiler/editor/analysis.js"
import { lenses } from "../compiler/editor/lenses.js"
import { parse } from "../compiler/parse/parse.js"
import { Diagnostics } from "../compiler/source/diagnostic.js"

const folder = "editors/vscode/"
const read = (name: string): unknown => JSON.parse(readFileSync(folder + name, "utf8"))
const { version, contributes } = read("package.json") as {
  readonly version: string
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[]
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>
  }
}
const commands = contributes.commands.map(({ command }) => command)

it("has the version of nnc, and the files it names", () => {
  expect(version).toBe((JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version)
  const named = JSON.stringify(contributes).match(/(?<="\.\/)[^"]+/g)!
  expect(named.length).toBeGreaterThan(4)
  for (const name of named) expect(existsSync(folder + name), name).toBe(true)
})

it("has every command of the menus and of the lenses, and registers it", () => {
  const text = "train on d {\n}\n"
  const { stdlib } = fileHost("")
  const own = lenses(analyse({ path: "p.nn", text }, { stdlib, load: () => undefined }))
  const asked = own.flatMap(({ command }) => (command ? [`nnc.${command}`] : []))
  expect(asked.length).toBeGreaterThan(0)
  for (const entry of Object.values(contributes.menus)) asked.push(...entry.map(({ command }) => command))
  expect(commands).toEqual(expect.arrayContaining(asked))
  const registered = readFileSync(`${folder}src/extension.ts`, "utf8").match(/(?<=\(")nnc\.\w+/g)
  expect(registered?.sort()).toEqual([...commands].sort())
})

describe("a snippet with its placeholders as they are is a program", () => {
  const snippets = read("snippets/nn.json") as Readonly<
    Record<string, { readonly prefix: string; readonly body: readonly string[] }>
  >
  it.each(Object.entries(snippets))("%s", (_, { prefix, body }) => {
    const values = new Map<string, string>()
    const filled = body
      .join("\n")
      .replace(/\$\{(\d+):((?:[^{}$]|\$\d)*)\}/g, (_, place: string, value: string) => {
        values.set(place, value)
        return `$${place}`
      })
      .replaceAll("$0", "")
    let text = filled
    while (/\$\d/.test(text)) text = text.replace(/\$(\d)/g, (_, place: string) => values.get(place)!)
    const diagnostics = new Diagnostics()
    parse(
      { path: "p.nn", text: prefix === "scan" ? `fn f(xs: f32[B, 2, 16]) {\n${text}\nout\n}` : text },
      diagnostics,
    )
    expect(diagnostics.all).toEqual([])
  })
})
