/** cli: a stage of a program -> one self-contained page: the source beside the drawing, each lighting up its part of the other;
 *  below it the stage as text. */
import type { Box } from "../../ir/diagram.js"
import type { SourceFile } from "../../source/source.js"
import type { StageDump } from "../../driver/dumps.js"
import { markup, Markup } from "../markup.js"
import { newLayout } from "./layout.js"

export async function stagePage(source: SourceFile, stage: StageDump): Promise<string> {
  const lineOf = ({ origins }: Box): number | undefined => {
    const own = origins.find(({ at }) => at.startsWith(`${source.path}:`))
    return own && Number(own.at.slice(source.path.length + 1).split(":")[0])
  }
  const draw = await newLayout(lineOf)
  const drawings = stage.diagrams().map((d) => markup`<h2>${d.title}</h2>\n${inline(draw(d))}\n`)
  const lines = source.text
    .split(/\r?\n/)
    .map((text, n) => markup`<li data-line="${n + 1}"><code>${text}</code></li>`)
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${source.path}: ${stage.name}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<nav><h1>${source.path}</h1><ol>${lines}</ol></nav>
<main>
<h1>${stage.name}</h1><p>${stage.summary}</p>
${drawings}<details${drawings.length === 0 ? " open" : ""}><summary>as text</summary><pre>${stage.text()}</pre></details>
</main>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`.text
}

/** Without the declarations that only a file of its own may have. */
const inline = (svg: string): Markup => new Markup(svg.slice(svg.indexOf("<svg")))

const STYLE = `
body { display: flex; margin: 0; height: 100vh; font: 14px system-ui, sans-serif; background: #f6f7f9; color: #1c2430 }
nav { width: 34rem; overflow: auto; padding: 1rem; background: #fff; border-right: 1px solid #d5dae2 }
main { flex: 1; overflow: auto; padding: 1rem }
h1 { font-size: 1rem } h2 { font-size: 0.95rem }
ol { padding-left: 2.5rem; color: #7a8699 } li { cursor: pointer } li code { white-space: pre; color: #1c2430 }
li.lit { background: #fef3c7 } .box { cursor: pointer }
.box.lit :is(path, polygon, ellipse) { stroke: #d97706; stroke-width: 3 } svg text { font-family: monospace }
`

const SCRIPT = `
const light = (line) => {
  for (const each of document.querySelectorAll(".lit")) each.classList.remove("lit")
  if (line === undefined) return
  for (const each of document.querySelectorAll(".line" + line + ", [data-line='" + line + "']")) each.classList.add("lit")
}
document.addEventListener("click", ({ target }) => {
  const box = target.closest(".box")
  const row = target.closest("[data-line]")
  const line = row?.dataset.line ?? [...(box?.classList ?? [])].find((c) => c.startsWith("line"))?.slice(4)
  light(line)
  if (box) document.querySelector("[data-line].lit")?.scrollIntoView({ block: "nearest" })
  if (row) document.querySelector("main .lit")?.scrollIntoView({ block: "center", inline: "center" })
})
`
