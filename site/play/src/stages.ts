/** play: every stage of the compiler beside the program, its lines tied to those of the program. */
import { EditorState } from "@codemirror/state"
import { EditorView, lineNumbers } from "@codemirror/view"
import { codeTheme, lightLines, lineShares, litLines, pointerLine, showShares } from "./editor.js"
import type { Stage, StageText } from "./protocol.js"
import { type Shares, shareText } from "./shares.js"

export interface StageServices {
  stages(): Promise<readonly Stage[]>
  stage(name: string): Promise<StageText>
  /** Lines of the program that the line under the pointer comes from. */
  pointed(lines: readonly number[]): void
}

/** Those to begin with. */
const FIRST = "graph"

export class StagePanel {
  private readonly view: EditorView
  private origins: StageText["origins"] = []
  private shares: Shares | undefined
  /** Undefined: of a program that is no longer there. */
  private of: string | undefined

  constructor(
    private readonly select: HTMLSelectElement,
    private readonly about: HTMLElement,
    parent: HTMLElement,
    private readonly services: StageServices,
  ) {
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        extensions: [
          lineNumbers(),
          EditorState.readOnly.of(true),
          EditorView.contentAttributes.of({ "aria-label": "The stage" }),
          codeTheme,
          litLines,
          lineShares,
          pointerLine((line) => services.pointed(line === undefined ? [] : (this.origins[line - 1] ?? []))),
        ],
      }),
    })
    select.addEventListener("change", () => void this.showStage())
  }

  /** Shows the stages of the program as it is now. */
  async show(program: string): Promise<void> {
    if (this.of === program) return
    this.of = program
    const stages = await this.services.stages().catch((caught: unknown) => {
      this.of = undefined
      throw caught
    })
    // Another text was shown meanwhile.
    if (this.of !== program) return
    const before = this.select.value || FIRST
    this.select.replaceChildren(...stages.map(({ name, summary }) => new Option(`${name}: ${summary}`, name)))
    this.select.value = stages.some(({ name }) => name === before) ? before : (stages.at(-1)?.name ?? "")
    await this.showStage()
  }

  /** Shares of the time of a step, beside the kernels of a stage; undefined: not known for this program. */
  share(shares: Shares | undefined): void {
    this.shares = shares
    this.showShares()
  }

  private showShares(): void {
    const { doc } = this.view.state
    const of = new Map<number, string>()
    for (let n = 1; this.shares && n <= doc.lines; n++) {
      const [, kernel = ""] = /^\s*kernel (\w+)/.exec(doc.line(n).text) ?? []
      const share = this.shares.kernels.get(kernel)
      if (share) of.set(n, shareText(share))
    }
    showShares(this.view, of)
  }

  private async showStage(): Promise<void> {
    const { text, origins } = await this.services.stage(this.select.value)
    this.origins = origins
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } })
    const count = text.split("\n").length
    this.showShares()
    this.about.textContent = `${count.toLocaleString("en-US")} lines`
  }

  /** Lights the lines that a line of the program became. */
  light(line: number | undefined): void {
    const lines =
      line === undefined ? [] : this.origins.flatMap((from, i) => (from.includes(line) ? [i + 1] : []))
    lightLines(this.view, lines)
    const [first] = lines
    if (first !== undefined) {
      const at = this.view.state.doc.line(first).from
      this.view.dispatch({ effects: EditorView.scrollIntoView(at, { y: "start", yMargin: 60 }) })
    }
  }
}
