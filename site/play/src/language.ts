/** play: colours of a program: words by the tokens of the grammar, names by the compiler's knowledge of them. */
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language"
import { type Extension, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state"
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view"
import { tags } from "@lezer/highlight"
import { contextual, keywords } from "virtual:nn-words"
import type { Checked } from "./protocol.js"

const KEYWORDS = new Set(keywords)
const CONTEXTUAL = new Set(contextual)
const TYPES = new Set(["f32", "f16", "i32", "u32", "bool", "int", "float", "string"])

const language = StreamLanguage.define<null>({
  name: "nn",
  languageData: { commentTokens: { line: "//" }, closeBrackets: { brackets: ["(", "[", "{", '"'] } },
  startState: () => null,
  token(stream) {
    if (stream.eatSpace()) return null
    if (stream.match(/^\/\/\/.*/)) return "docComment"
    if (stream.match(/^\/\/.*/)) return "lineComment"
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string"
    if (stream.match(/^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/)) return "number"
    if (stream.match(/^(?:\|>|->|<-)/)) return "controlOperator"
    const word = stream.match(/^[A-Za-z_]\w*/)
    if (word === null || word === true || word === false) {
      stream.next()
      return null
    }
    const text = String(word[0])
    if (TYPES.has(text)) return "typeName"
    if (text === "true" || text === "false" || text === "none") return "bool"
    if (KEYWORDS.has(text)) return "keyword"
    // These are words only where a line begins with them, or where another one stands before.
    return CONTEXTUAL.has(text) && !stream.match(/^\s*[(=:|.)\]]/, false) ? "modifier" : "variableName"
  },
})

const style = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--syntax-keyword)", fontWeight: "600" },
  { tag: tags.modifier, color: "var(--syntax-setting)" },
  { tag: tags.typeName, color: "var(--syntax-type)" },
  { tag: [tags.number, tags.bool], color: "var(--syntax-number)" },
  { tag: tags.string, color: "var(--syntax-string)" },
  { tag: [tags.lineComment, tags.docComment], color: "var(--syntax-comment)", fontStyle: "italic" },
  { tag: tags.controlOperator, color: "var(--syntax-keyword)" },
])

export const nn: Extension = [language, syntaxHighlighting(style)]

const setNames = StateEffect.define<Checked>()
const NAME_CLASSES: Readonly<Record<string, string>> = {
  layer: "name-layer",
  model: "name-layer",
  optimizer: "name-layer",
  fn: "name-fn",
  data: "name-data",
  field: "name-data",
  size: "name-size",
  constant: "name-constant",
}

class Hint extends WidgetType {
  constructor(private readonly text: string) {
    super()
  }
  override eq(other: Hint): boolean {
    return other.text === this.text
  }
  override toDOM(): HTMLElement {
    const span = document.createElement("span")
    span.className = "shape-hint"
    span.textContent = this.text
    return span
  }
}

const names = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(before, transaction) {
    let now = before.map(transaction.changes)
    for (const effect of transaction.effects)
      if (effect.is(setNames)) now = decorationsOf(effect.value, transaction.state.doc.length)
    return now
  },
  provide: (field) => EditorView.decorations.from(field),
})

function decorationsOf({ names: tokens, hints }: Checked, length: number): DecorationSet {
  const all = [
    ...tokens.flatMap(({ from, to, kind }) => {
      const name = NAME_CLASSES[kind]
      return name && to <= length ? [{ from, to, decoration: Decoration.mark({ class: name }) }] : []
    }),
    ...hints
      .filter(({ offset }) => offset <= length)
      .map(({ offset, text }) => ({
        from: offset,
        to: offset,
        decoration: Decoration.widget({ widget: new Hint(text), side: 1 }),
      })),
  ].sort((a, b) => a.from - b.from || a.decoration.startSide - b.decoration.startSide)
  const builder = new RangeSetBuilder<Decoration>()
  for (const { from, to, decoration } of all) builder.add(from, to, decoration)
  return builder.finish()
}

export const namesAndShapes: Extension = names
export const showChecked = (view: EditorView, checked: Checked): void =>
  view.dispatch({ effects: setNames.of(checked) })
