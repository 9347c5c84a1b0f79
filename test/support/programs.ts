/** test: the .nn programs in the repository. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { SourceFile } from "../../compiler/source/source.js"

const root = new URL("../../", import.meta.url)

/** Every .nn file of stdlib/ and examples/. */
export function programs(): SourceFile[] {
  return ["stdlib/", "examples/"].flatMap((folder) => {
    const at = new URL(folder, root)
    if (!existsSync(fileURLToPath(at))) return []
    return readdirSync(fileURLToPath(at), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".nn"))
      .sort()
      .map((name) => ({ path: folder + name, text: readFileSync(new URL(name, at), "utf8") }))
  })
}

/** The fenced `nn` programs of a markdown file, placeholders excepted (a line that is only `...`). */
export function fencedPrograms(path: string): SourceFile[] {
  const text = readFileSync(new URL(path, root), "utf8")
  return [...text.matchAll(/^```nn\n(.*?)^```/gms)]
    .map((match, i) => ({ path: `${path}#${i + 1}`, text: match[1]! }))
    .filter((program) => !/^\s*\.\.\.\s*$/m.test(program.text))
}
