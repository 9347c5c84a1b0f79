// The documentation is true: its programs compile, its TypeScript is accepted, its links lead somewhere.
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join, normalize } from "node:path"
import { describe, expect, it } from "vitest"
import { nnc } from "../compiler/cli/commands/index.js"
import { fileHost } from "../compiler/cli/host.js"
import { TEMPLATES } from "../compiler/cli/init/index.js"
import { compile } from "../compiler/driver/compile.js"
import { format } from "../compiler/parse/format.js"
import { Diagnostics } from "../compiler/source/diagnostic.js"
import { renderDiagnostics } from "../compiler/source/render.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"

const PAGES = [
  "README.md",
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
]
const ALL = [...PAGES, "grammar/language.md", "ARCHITECTURE.md"]
/** Pages all of whose programs are whole. */
const OF_PROGRAMS = ["README.md", "docs/tutorial.md", "docs/pytorch.md", "docs/cookbook.md"]

interface Block {
  readonly place: string
  readonly text: string
}
function blocks(page: string, language: string): readonly Block[] {
  const found = readFileSync(page, "utf8").matchAll(
    new RegExp(`^\`\`\`${language}\\b[^\\n]*\\n([^]*?)^\`\`\`$`, "gm"),
  )
  return [...found].map(({ index, 1: text = "", input }) => ({
    place: `${page}:${input.slice(0, index).split("\n").length}`,
    text,
  }))
}

describe("programs", () => {
  const host = fileHost("program.nn")
  it.each(OF_PROGRAMS.flatMap((page) => blocks(page, "nn")))("$place compiles", ({ place, text }) => {
    const { diagnostics } = compile({ path: place, text }, host, {
      target: DEFAULT_TARGET,
      stopAfter: "model",
    })
    expect(renderDiagnostics(diagnostics)).toBe("")
    expect(format({ path: place, text }, new Diagnostics())).toBeDefined()
  })
})

/** Command lines by their place: those of shell blocks and of inline code. */
function commandLines(): readonly (readonly [place: string, args: readonly string[]])[] {
  const pages = [...ALL, "CONTRIBUTING.md", ...examplePages()].map(
    (page) => [page, readFileSync(page, "utf8")] as const,
  )
  const templates = Object.entries(TEMPLATES).map(
    ([name, { files }]) => [`init --template ${name}`, String(files()["README.md"])] as const,
  )
  return [...pages, ...templates].flatMap(([page, text]) => {
    const fenced = [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap(({ 1: lines = "" }) => [
      ...lines.matchAll(/^(?:npx )?nnc ([^#\n]*)/gm),
    ])
    const others = text.matchAll(/^ {4}(?:npx )?nnc ([^#\n]*)|`(?:npx )?nnc ([^`\n]*)`/gm)
    return [...fenced, ...others].map(({ 0: line, 1: block, 2: inline }) => [
      `${page}: ${line.trim()}`,
      (block ?? inline ?? "").replace(/"[^"]*"/g, "TEXT").split(/\s+/),
    ])
  })
}
const examplePages = (): readonly string[] =>
  readdirSync("examples")
    .map((name) => `examples/${name}/README.md`)
    .filter(existsSync)

it("every command line names a command and options that there are", () => {
  const wrong = commandLines().filter(([, [name, ...args]]) => {
    if (name === undefined || name === "COMMAND" || name.startsWith("--")) return false
    const command = nnc().commands.find((each) => each.name() === name)
    const known = [command, ...(command?.commands ?? [])].flatMap((each) => each?.options ?? [])
    const options = args.filter((arg) => /^--?[a-z]/.test(arg)).map((arg) => arg.split("=")[0])
    return (
      command === undefined ||
      options.some((o) => o !== "--help" && !known.some(({ long, short }) => o === long || o === short))
    )
  })
  expect(wrong.map(([place]) => place)).toEqual([])
  expect(commandLines().length).toBeGreaterThan(80)
})

it("TypeScript 5.9 and 7 accept every snippet", () => {
  const folder = join(".cache", "snippets")
  mkdirSync(folder, { recursive: true })
  // The declarations that `nnc compile` and the plugin of Vite write beside a program.
  const trainer = `export declare function load(options?: object): Promise<{
  train(options?: object): Promise<unknown> & AsyncIterable<unknown>
  save(): Promise<Uint8Array>
}>\n`
  for (const name of ["churn.d.ts", "churn.nn.d.ts", "churn/trainer.browser.d.ts"]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), trainer)
  }
  const snippets = PAGES.flatMap((page) => blocks(page, "ts"))
  const files = snippets.map(({ text }, i) => {
    const path = join(folder, `snippet-${i}.ts`)
    writeFileSync(path, /^(?:import|export)\b/m.test(text) ? text : `${text}\nexport {}\n`)
    return path
  })
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: "es2022",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["es2023", "dom"],
    types: [],
  }
  const config = { compilerOptions, files: files.map((path) => basename(path)) }
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
  for (const version of ["typescript", "typescript-native"]) {
    const tsc = join("node_modules", version, "bin/tsc")
    const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
      encoding: "utf8",
    })
    const said = stdout.replace(/^.*snippet-(\d+)\.ts/gm, (_, i: string) => snippets[Number(i)]!.place)
    expect(said, version).toBe("")
  }
  expect(snippets.length).toBeGreaterThan(4)
})

describe("links", () => {
  const anchors = new Map<string, ReadonlySet<string>>()
  /** The anchors of headings, as GitHub makes them. */
  function anchorsOf(page: string): ReadonlySet<string> {
    const known = anchors.get(page)
    if (known) return known
    const prose = readFileSync(page, "utf8").replace(/^```[^]*?^```$/gm, "")
    const seen = new Map<string, number>()
    const all = [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => {
      const plain = title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(" ", "-")
      const before = seen.get(plain) ?? 0
      seen.set(plain, before + 1)
      return before === 0 ? plain : `${plain}-${before}`
    })
    const found = new Set(all)
    anchors.set(page, found)
    return found
  }
  it.each(ALL)("%s has none that leads nowhere", (page) => {
    const text = readFileSync(page, "utf8").replace(/^```[^]*?^```$/gm, "")
    const dead = [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, to = ""]) => {
      if (/^[a-z]+:/.test(to)) return []
      const [path = "", anchor] = to.split("#")
      const file = path === "" ? page : normalize(join(dirname(page), path))
      // Made when the site is built.
      if (file === "docs/reference.md") return anchor === undefined ? [] : [to]
      if (!existsSync(file)) return [to]
      return anchor === undefined || !file.endsWith(".md") || anchorsOf(file).has(anchor) ? [] : [to]
    })
    expect(dead).toEqual([])
  })
})
