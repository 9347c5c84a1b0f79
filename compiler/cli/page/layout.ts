/** cli: a diagram -> SVG, laid out by Graphviz. Boxes have the class `box` and the classes of the lines they come from. */
import { instance } from "@viz-js/viz"
import type { Box, BoxKind, Diagram } from "../../ir/diagram.js"

export type Layout = (diagram: Diagram) => string

/** Graphviz is a WebAssembly module of its own, loaded once. `lineOf`: the line of the program that a box comes from. */
export async function newLayout(lineOf: (box: Box) => number | undefined): Promise<Layout> {
  const viz = await instance()
  return (diagram) => {
    const node = (box: Box): { name: string; attributes: Record<string, string> } => {
      const line = lineOf(box)
      return {
        name: box.id,
        attributes: {
          label: box.label
            .map((each) => (each.length > LONGEST ? `${each.slice(0, LONGEST)}…` : each))
            .join("\n"),
          tooltip: [...box.label, ...box.origins.map(({ at }) => at)].join("\n"),
          class: line === undefined ? "box" : `box line${line}`,
          ...STYLES[box.kind],
        },
      }
    }
    return viz.renderString(
      {
        graphAttributes: { bgcolor: "transparent", ranksep: 0.3, nodesep: 0.15, ...effort(diagram) },
        nodeAttributes: { fontname: "Courier", fontsize: 10, margin: "0.08,0.04", height: 0.2 },
        edgeAttributes: { arrowsize: 0.5, color: "#7a8699" },
        nodes: diagram.boxes.map(node),
        edges: diagram.arrows.map(({ from, to }) => ({ tail: from, head: to })),
        subgraphs: diagram.frames.map(({ label, boxes }, n) => ({
          name: `cluster ${n}`,
          graphAttributes: { label, fontname: "Courier", fontsize: 10, color: "#7a8699", style: "rounded" },
          nodes: boxes.map((name) => ({ name })),
        })),
      },
      { format: "svg" },
    )
  }
}

/** Graphviz looks for the best layout for minutes when there are thousands of boxes; a rough one says as much. */
const effort = ({ boxes }: Diagram): Record<string, string | number> =>
  boxes.length <= 200 ? {} : { nslimit: 1, nslimit1: 1, mclimit: 0.2, splines: "line" }

/** Characters of a line in a box; the tooltip has all of them. */
const LONGEST = 48

const STYLES: Readonly<Record<BoxKind, Record<string, string>>> = {
  input: { shape: "box", style: "filled", fillcolor: "#dbeafe" },
  slot: { shape: "box", style: "filled", fillcolor: "#fde68a" },
  node: { shape: "box", style: "rounded,filled", fillcolor: "#ffffff" },
  output: { shape: "box", style: "filled", fillcolor: "#bbf7d0" },
  dispatch: { shape: "box", style: "filled", fillcolor: "#ffffff" },
  buffer: { shape: "ellipse", style: "filled", fillcolor: "#fde68a" },
}
