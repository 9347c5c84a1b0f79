// The site: what docs/ holds, the reference and the architecture beside it, and links that run programs in the playground.
import { readFileSync } from "node:fs"
import { deflateSync, strToU8 } from "fflate"
import { defineConfig, type MarkdownOptions } from "vitepress"

const base = process.env["SITE_BASE"] ?? "/"
const grammar = JSON.parse(
  readFileSync(new URL("../../editors/vscode/syntaxes/nn.tmLanguage.json", import.meta.url), "utf8"),
)

/** The link in the form that site/play/src/share.ts reads. */
function playAddress(text: string, example: string | undefined): string {
  const packed = deflateSync(strToU8(JSON.stringify({ text, ...(example && { example }) })), { level: 9 })
  const code = Buffer.from(packed).toString("base64url")
  return `${base}play/index.html#p=${code}`
}

/** Pages of the repository are pages of the site; its other files are named, and not linked. */
function addressOnSite(href: string): string | undefined {
  if (/^(?:[a-z]+:|#|\/)/.test(href)) return href
  const [path = "", anchor] = href.split("#")
  const name = path
    .replace(/^(?:\.\.?\/)*/, "")
    .replace("grammar/language.md", "reference.md")
    .replace(/^docs\//, "")
  if (/^[\w-]+\.md$/.test(name) && !/^[A-Z]/.test(name))
    return `./${name}${anchor === undefined ? "" : `#${anchor}`}`
  if (name === "ARCHITECTURE.md") return "./compiler.md"
  return undefined
}

/** The anchor of a heading as GitHub makes it, so that a link leads to the same place here and there. */
const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-")

const configureMarkdown: NonNullable<MarkdownOptions["config"]> = (md) => {
  md.core.ruler.push("nnc-links", ({ tokens }) => {
    for (const { children } of tokens) {
      const open: boolean[] = []
      for (const token of children ?? []) {
        if (token.type === "link_open") {
          const to = addressOnSite(String(token.attrGet("href")))
          open.push(to !== undefined)
          if (to === undefined) Object.assign(token, { tag: "span", attrs: [] })
          else token.attrSet("href", to)
        }
        if (token.type === "link_close" && open.pop() === false) token.tag = "span"
      }
    }
  })
  const { fence } = md.renderer.rules
  md.renderer.rules.fence = (tokens, i, ...rest) => {
    const token = tokens[i]!
    const [, example] = /^nn play(?:=([\w-]+))?/.exec(token.info) ?? []
    const isRun = /^nn play\b/.test(token.info)
    if (isRun) token.info = "nn"
    const html = fence?.(tokens, i, ...rest) ?? ""
    if (!isRun) return html
    return `${html}<p class="run"><a href="${playAddress(token.content, example)}" target="_self">Run in the playground</a></p>`
  }
}

export default defineConfig({
  base,
  title: "nnc",
  description: "A small language for neural networks, compiled for WebGPU and WebAssembly",
  outDir: "../site/dist",
  cacheDir: "../.cache/vitepress",
  cleanUrls: true,
  // The playground and the API are built beside this.
  ignoreDeadLinks: [/^\/(?:play|api)\//],
  markdown: {
    languages: [{ ...grammar, name: "nn" }],
    config: configureMarkdown,
    anchor: { slugify: anchorOf },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Tutorial", link: "/tutorial" },
      { text: "Cookbook", link: "/cookbook" },
      { text: "Reference", link: "/reference" },
      { text: "API", link: "/api/index.html", target: "_self" },
      { text: "Playground", link: `/play/index.html`, target: "_self" },
    ],
    sidebar: [
      {
        text: "Learn",
        items: [
          { text: "Tutorial", link: "/tutorial" },
          { text: "From PyTorch", link: "/pytorch" },
          { text: "Cookbook", link: "/cookbook" },
        ],
      },
      {
        text: "Use",
        items: [
          { text: "In a page", link: "/web" },
          { text: "Editors", link: "/editors" },
          { text: "ONNX", link: "/onnx" },
          { text: "A program in PyTorch", link: "/pytorch-export" },
          { text: "GPUs and drivers", link: "/adapters" },
        ],
      },
      {
        text: "Reference",
        items: [
          { text: "The language", link: "/reference" },
          { text: "The library", link: "/library" },
          { text: "Operations", link: "/operations" },
          { text: "Messages by code", link: "/errors" },
          { text: "API in TypeScript", link: "/api/index.html", target: "_self" },
        ],
      },
      {
        text: "Inside",
        items: [
          { text: "How the compiler works", link: "/compiler" },
          { text: "Benchmarks", link: "/benchmark" },
        ],
      },
    ],
  },
})
