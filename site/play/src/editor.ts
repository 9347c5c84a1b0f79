/** play: the editor of the program. Diagnostics, hovers and completions come from the compiler's worker. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete"
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands"
import { bracketMatching, indentUnit } from "@codemirror/language"
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint"
import { EditorState, StateEffect, StateField } from "@codemirror/state"
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
} from "@codemirror/view"
import { h } from "./dom.js"
import { namesAndShapes, nn, showChecked } from "./language.js"
import type { Checked, HoverText, Option, Problem } from "./protocol.js"

export interface EditorServices {
  complete(text: string, offset: number): Promise<readonly Option[]>
  hover(text: string, offset: number): Promise<HoverText | null>
  changed(text: string): void
  /** The pointer is over a line, or has left. */
  pointed(line: number | undefined): void
}

export interface Editor {
  readonly view: EditorView
  text(): string
  setText(text: string): void
  show(checked: Checked): void
  showProblems(problems: readonly Problem[]): void
  light(lines: readonly number[]): void
  /** By line. */
  showShares(of: ReadonlyMap<number, string>): void
  goTo(offset: number): void
}

const theme = EditorView.theme({
  "&": { height: "100%", fontSize: "var(--code-size)", backgroundColor: "transparent", color: "var(--text)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6" },
  ".cm-content": { padding: "12px 0", caretColor: "var(--accent)" },
  ".cm-gutters": { backgroundColor: "transparent", border: "none", color: "var(--faint)" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 6px 0 12px", minWidth: "28px" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--line-active)" },
  "&.cm-focused": { outline: "none" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-cursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  ".cm-tooltip": {
    border: "1px solid var(--border)",
    borderRadius: "8px",
    backgroundColor: "var(--raised)",
    color: "var(--text)",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
  },
  ".cm-tooltip-autocomplete > ul > li": { padding: "3px 10px", fontFamily: "var(--mono)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "#fff" },
  ".cm-completionDetail": { color: "inherit", opacity: "0.7", fontStyle: "normal" },
})

const setLit = StateEffect.define<readonly number[]>()
const litLine = Decoration.line({ class: "lit" })
const lit = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(before, { changes, effects, state }) {
    let now = before.map(changes)
    for (const effect of effects)
      if (effect.is(setLit)) {
        const lines = [...new Set(effect.value)].filter((n) => n >= 1 && n <= state.doc.lines)
        now = Decoration.set(lines.sort((a, b) => a - b).map((n) => litLine.range(state.doc.line(n).from)))
      }
    return now
  },
  provide: (field) => EditorView.decorations.from(field),
})

const setShares = StateEffect.define<ReadonlyMap<number, string>>()
const shares = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(before, { docChanged, effects, state }) {
    // After a change of the text, the old shares are those of other lines.
    let now = docChanged ? Decoration.none : before
    for (const effect of effects)
      if (effect.is(setShares)) {
        const lines = [...effect.value].filter(([n]) => n >= 1 && n <= state.doc.lines)
        const marks = lines
          .sort(([a], [b]) => a - b)
          .map(([n, share]) => {
            const mark = Decoration.line({ class: "share", attributes: { "data-share": share } })
            return mark.range(state.doc.line(n).from)
          })
        now = Decoration.set(marks)
      }
    return now
  },
  provide: (field) => EditorView.decorations.from(field),
})
/** Shows a share of the time at the end of some lines, until the text changes. */
export const lineShares = [shares]
export const showShares = (view: EditorView, of: ReadonlyMap<number, string>): void =>
  view.dispatch({ effects: setShares.of(of) })

/** Lights some lines of a text and tells the line under the pointer, in the program and in the stages of its compilation. */
export const litLines = [lit]
export const lightLines = (view: EditorView, lines: readonly number[]): void =>
  view.dispatch({ effects: setLit.of(lines) })

export const pointerLine = (
  tell: (line: number | undefined) => void,
): ReturnType<typeof EditorView.domEventHandlers> =>
  EditorView.domEventHandlers({
    mousemove(event, view) {
      const at = view.posAtCoords({ x: event.clientX, y: event.clientY })
      tell(at === null ? undefined : view.state.doc.lineAt(at).number)
    },
    mouseleave: () => tell(undefined),
  })

const KINDS: Readonly<Record<string, string>> = {
  layer: "class",
  model: "class",
  optimizer: "class",
  fn: "function",
  source: "function",
  stage: "function",
  keyword: "keyword",
  setting: "keyword",
  parameter: "property",
  field: "property",
  constant: "constant",
  size: "type",
}

export const codeTheme = [theme, EditorView.lineWrapping]

export function newEditor(parent: HTMLElement, text: string, services: EditorServices): Editor {
  const complete = autocompletion({
    override: [
      async ({ state, pos, explicit }) => {
        const word = /[\w"]*$/.exec(state.sliceDoc(Math.max(0, pos - 60), pos))?.[0] ?? ""
        if (word === "" && !explicit && !/\|>\s*$/.test(state.sliceDoc(Math.max(0, pos - 4), pos)))
          return null
        const options = await services.complete(state.doc.toString(), pos)
        return {
          from: pos - word.replace(/^.*"/, "").length,
          validFor: /^\w*$/,
          options: options.map(({ label, kind, detail, doc }) => ({
            label,
            type: KINDS[kind] ?? "variable",
            ...(detail !== undefined && { detail: detail.length > 60 ? `${detail.slice(0, 60)}…` : detail }),
            ...(doc !== undefined && { info: doc }),
          })),
        }
      },
    ],
  })
  const hover = hoverTooltip(async (view, pos) => {
    const found = await services.hover(view.state.doc.toString(), pos)
    if (found === null) return null
    const { from, to, title, gives, doc } = found
    return {
      pos: from,
      end: to,
      above: true,
      create: () => ({
        dom: h(
          "div",
          { className: "hover" },
          h("code", {}, title),
          gives !== undefined && h("code", { className: "gives" }, `→ ${gives}`),
          doc !== undefined && h("p", {}, doc),
        ),
      }),
    }
  })
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        highlightActiveLineGutter(),
        highlightActiveLine(),
        drawSelection(),
        history(),
        bracketMatching(),
        closeBrackets(),
        indentUnit.of("  "),
        lintGutter(),
        nn,
        namesAndShapes,
        litLines,
        lineShares,
        pointerLine((line) => services.pointed(line)),
        complete,
        hover,
        keymap.of([
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          ...completionKeymap,
          ...lintKeymap,
          indentWithTab,
        ]),
        EditorView.contentAttributes.of({ "aria-label": "The program" }),
        codeTheme,
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged) services.changed(state.doc.toString())
        }),
      ],
    }),
  })
  return {
    view,
    text: () => view.state.doc.toString(),
    setText: (now) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: now } }),
    show: (checked) => showChecked(view, checked),
    showProblems: (problems) =>
      view.dispatch(
        setDiagnostics(
          view.state,
          problems.map((each) => asDiagnostic(each, view)),
        ),
      ),
    light: (lines) => lightLines(view, lines),
    showShares: (of) => showShares(view, of),
    goTo(offset) {
      view.dispatch({ selection: { anchor: Math.min(offset, view.state.doc.length) }, scrollIntoView: true })
      view.focus()
    },
  }
}

function asDiagnostic(problem: Problem, { state }: EditorView): Diagnostic {
  const { from, to, severity, code, message, help, fix } = problem
  const end = state.doc.length
  return {
    from: Math.min(from, end),
    to: Math.min(Math.max(to, from), end),
    severity: severity === "note" ? "info" : severity,
    source: code,
    message: help === undefined ? message : `${message}\n${help}`,
    ...(fix && {
      actions: [
        {
          name: "Repair",
          apply: (view) =>
            view.dispatch({ changes: { from: fix.from, to: fix.to, insert: fix.replacement } }),
        },
      ],
    }),
  }
}
