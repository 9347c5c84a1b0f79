// The generated pages of the reference, as text. A test compares them with the files of docs/.

import { readdirSync, readFileSync } from "node:fs"
import { allCodes } from "../compiler/cli/codes.js"
import type { Declaration } from "../compiler/ir/ast/types.js"
import type { AttrValue } from "../compiler/ir/graph/types.js"
import { allOps } from "../compiler/ops/index.js"
import type { OpDef } from "../compiler/ops/op.js"
import { parse } from "../compiler/parse/parse.js"
import { bug } from "../compiler/source/bug.js"
import type { CodePage } from "../compiler/source/codes.js"
import { Diagnostics } from "../compiler/source/diagnostic.js"
import type { SourceFile } from "../compiler/source/source.js"

const stdlib = new URL("../stdlib/", import.meta.url)

/** One section per file of stdlib/, one entry per public declaration. */
export function libraryReference(): string {
  const files = readdirSync(stdlib)
    .filter((name) => name.endsWith(".nn"))
    .sort()
    .map((name) => ({ path: `stdlib/${name}`, text: readFileSync(new URL(name, stdlib), "utf8") }))
  const topics = files.map((file) => topicOf(file))
  return page([
    "# The standard library",
    GENERATED,
    "Every name here is known in every program, without an import, and is written in the language itself: each section names its source, to read, copy and change. The primitives it is built from are in [operations.md](operations.md).",
    topics
      .map(({ title, names }) => `- [${title}](#${anchor(title)}): ${names.map(code).join(" ")}`)
      .join("\n"),
    ...topics.flatMap(({ parts }) => parts),
  ])
}

/** One entry per primitive, in the order of the registry. */
export function operationsReference(): string {
  const ops = allOps()
  return page([
    "# Operations",
    GENERATED,
    "The primitives that the standard library is written with, called as `op.NAME(tensors, attribute: constant)`. Programs rarely need them: [library.md](library.md) wraps each, with defaults and checks. The rules of an operation have codes; `nnc explain CODE` shows one, and a message that begins `error[matmul-c4]` broke rule `matmul-c4`.",
    ops.map(({ name }) => `[${name}](#${anchor(name)})`).join(" · "),
    ...ops.flatMap(entryOf),
  ])
}

/** One entry per message, in the order of the alphabet. */
export function errorsReference(): string {
  const codes = Object.entries(allCodes).sort(([a], [b]) => (a < b ? -1 : 1))
  return page([
    "# Messages by code",
    GENERATED,
    "Every message has a code in square brackets, `error[matmul-c2]`. `nnc explain CODE` shows its page, which stands here too.",
    ...codes.flatMap(([code, entry]) => messageOf(code, entry)),
  ])
}

function messageOf(
  code: string,
  { title, explanation, bad, good, files, pytorch }: CodePage,
): readonly string[] {
  const program = (word: string, text: string | undefined): readonly string[] =>
    text === undefined ? [] : [`${word}:`, `\`\`\`nn\n${text.trim()}\n\`\`\``]
  return [
    `## ${code}`,
    `**${title}**`,
    escapedProse(explanation.trim()),
    ...program("Wrong", bad),
    ...program("Right", good),
    ...Object.entries(files ?? {}).flatMap(([path, text]) => program(`With \`${path}\``, text)),
    ...(pytorch === undefined ? [] : [`In PyTorch: ${escapedProse(pytorch)}`]),
  ]
}

/** Prose for a terminal, in which signs of Markdown and HTML outside of code are escaped. */
const escapedProse = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[<>*_|{}[\]]/g, "\\$&")))
    .join("")

const GENERATED = "<!-- Written by `npm run docs`; edit the sources instead. -->"

interface Topic {
  readonly title: string
  readonly names: readonly string[]
  readonly parts: readonly string[]
}

function topicOf(file: SourceFile): Topic {
  const diagnostics = new Diagnostics()
  const { declarations } = parse(file, diagnostics)
  if (diagnostics.hasErrors) bug(`${file.path} does not parse`)
  const shown = declarations.filter((d) => d.name !== undefined && !d.name.text.startsWith("_"))
  const title = file.path.replace(/^stdlib\/|\.nn$/g, "")
  return {
    title,
    names: shown.map((d) => d.name?.text ?? ""),
    parts: [
      `## ${title}`,
      `[${file.path}](../${file.path}). ${opening(file)}`,
      ...shown.flatMap((d) => [
        `### ${code(d.name?.text ?? "")}`,
        fenced(signature(file, d)),
        "doc" in d && d.doc !== undefined ? prose(d.doc) : bug(`${file.path}: ${d.name?.text} has no doc`),
      ]),
    ],
  }
}

/** The `//` lines that a file opens with. */
function opening({ text }: SourceFile): string {
  const lines = text.split("\n")
  const end = lines.findIndex((line) => !/^\/\/(?!\/)/.test(line))
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join(" ")
}

/** The declaration without its body. */
function signature(file: SourceFile, d: Declaration): string {
  const end = "body" in d && "span" in d.body ? d.body.span.start : d.span.end
  return file.text.slice(d.span.start, end).trim()
}

function entryOf(op: OpDef): string[] {
  const attrs = Object.entries(op.attrs)
  const given = [...op.params, ...attrs.map(([name, { kind }]) => `${name}: ${kind}`)]
  const rows = attrs.map(([name, { kind, doc, default: value }]) => {
    const fallback = value === undefined ? "" : ` (default ${written(value)})`
    return `- ${code(name)}, ${kind}: ${prose(doc)}${fallback}`
  })
  const rules = Object.entries(op.constraints).map(
    ([label, rule]) => `- ${code(`${op.name}-${label}`)}: ${prose(rule)}`,
  )
  const noGradient = typeof op.grad === "object" ? [`No gradient: ${prose(op.grad.none)}.`] : []
  return [
    `## ${op.name}`,
    fenced(`op.${op.name}(${given.join(", ")})`),
    prose(op.doc),
    ...noGradient,
    ...(rows.length > 0 ? [rows.join("\n")] : []),
    ...(rules.length > 0 ? [`Rules:\n\n${rules.join("\n")}`] : []),
  ]
}

const page = (parts: readonly string[]): string => `${parts.join("\n\n")}\n`
const code = (text: string): string => `\`${text}\``
const fenced = (text: string): string => `\`\`\`\n${text}\n\`\`\``
/** Markdown would read these signs as its own. */
const prose = (text: string): string => text.replace(/[*<]/g, (sign) => `\\${sign}`)
const anchor = (title: string): string => title.toLowerCase().replace(/[^\w-]/g, "")
const written = (value: AttrValue): string => code(value === null ? "none" : JSON.stringify(value))
