/** editor: the lenses above a model and a train section: figures and commands. */
import type { Span } from "../source/source.js"
import { summarize } from "../summary/summary.js"
import type { Analysis } from "./analysis.js"

export interface Lens {
  readonly span: Span
  readonly text: string
  /** A command of the editor; none where the text only says something. */
  readonly command?: "train" | "profile"
}

export function lenses({ module, model }: Analysis): readonly Lens[] {
  const models = new Map(summarize(model, undefined).map((each) => [each.model, each]))
  return module.declarations.flatMap((decl): readonly Lens[] => {
    const { span } = decl
    if (decl.kind === "train")
      return [
        { span, text: "train", command: "train" },
        { span, text: "profile", command: "profile" },
      ]
    const summary = decl.kind === "model" ? models.get(decl.name.text) : undefined
    if (summary === undefined) return []
    const count = (n: number): string => n.toLocaleString("en-US")
    return [
      {
        span,
        text: `${count(summary.parameters)} parameters, ${count(summary.multiplyAdds)} multiply-adds a row`,
      },
    ]
  })
}
