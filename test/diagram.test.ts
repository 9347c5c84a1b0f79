/** `nnc inspect --html`: the drawing has all that the stage holds, and leads back to the program. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { stagePage } from "../compiler/cli/page/page.js"
import { fileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import type { KernelProgram } from "../compiler/ir/kernels/types.js"
import type { GroupedGraph } from "../compiler/ir/groups/types.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"

const path = "examples/cancer/cancer.nn"
const source = { path, text: readFileSync(path, "utf8") }
const { stages } = compile(source, fileHost(path), { target: DEFAULT_TARGET })
const stage = (name: string) => stages.get(name)!

describe("diagrams", () => {
  it.each([...stages.keys()])("%s: arrows join boxes, and no box is in two frames", (name) => {
    for (const { boxes, arrows, frames } of stage(name).diagrams()) {
      const ids = boxes.map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids).toEqual(expect.arrayContaining(arrows.flatMap(({ from, to }) => [from, to])))
      const framed = frames.flatMap((f) => f.boxes)
      expect(new Set(framed).size).toBe(framed.length)
      expect(ids).toEqual(expect.arrayContaining(framed))
    }
  })

  it("a graph has a box for every slot, and for every node that reads something", () => {
    const graphs = stage("dce").json() as readonly Graph[]
    stage("dce")
      .diagrams()
      .forEach(({ title, boxes }, i) => {
        expect(title).toBe(graphs[i]!.name)
        const count = (kind: string): number => boxes.filter((b) => b.kind === kind).length
        expect(count("slot")).toBe(graphs[i]!.state.length)
        expect(count("node")).toBe(graphs[i]!.nodes.filter(({ args }) => args.length > 0).length)
      })
  })

  it("groups have a frame each", () => {
    const grouped = stage("order").json() as readonly GroupedGraph[]
    const frames = stage("order")
      .diagrams()
      .map((d) => d.frames.length)
    expect(frames).toEqual(grouped.map(({ groups }) => groups.length))
  })

  it("kernels have a box for every dispatch", () => {
    const programs = stage("kernels").json() as readonly KernelProgram[]
    const drawn = stage("kernels")
      .diagrams()
      .map((d) => d.boxes.filter(({ kind }) => kind === "dispatch").length)
    expect(drawn).toEqual(programs.map(({ dispatches }) => dispatches.length))
  })
})

describe("pages", () => {
  it("draw every box, with the class of its line", async () => {
    const page = await stagePage(source, stage("order"))
    const boxes = stage("order")
      .diagrams()
      .flatMap((d) => d.boxes)
    expect(page.match(/class="node box/g)).toHaveLength(boxes.length)
    const line = source.text.split("\n").findIndex((text) => text.includes("Linear(16)")) + 1
    expect(page).toContain(`node box line${line}"`)
    expect(page).toContain(`data-line="${line}"`)
  })

  it("show a stage that is no graph as text, and escape what stands in it", async () => {
    const text = { path: "a<b>.nn", text: '// <script> & "quotes"' }
    const page = await stagePage(text, stage("ast"))
    expect(page).not.toContain("<svg")
    expect(page).toContain("&#60;script&#62; &#38; &#34;quotes&#34;")
    expect(page).toContain("<details open>")
  })
})
