/** ir/ast: documents that know where they may be broken into lines -> text of at most a given width.
 *  Not here:   the layout of a program (text.ts). */

export type Doc =
  | string
  | readonly Doc[]
  /** A line break when the group around it is broken, `flat` otherwise. */
  | { readonly kind: "line"; readonly flat: string }
  /** Always a line break; breaks every group around it. */
  | { readonly kind: "hard" }
  /** Breaks the line only when the text up to the next possible break does not fit. */
  | { readonly kind: "fill"; readonly next: Doc }
  | { readonly kind: "indent"; readonly body: Doc }
  /** On one line if it fits. */
  | { readonly kind: "group"; readonly body: Doc }
  /** A comment that ends its line; breaks every group around it. */
  | { readonly kind: "comment"; readonly text: string }

export const line: Doc = { kind: "line", flat: " " }
export const softLine: Doc = { kind: "line", flat: "" }
export const hardLine: Doc = { kind: "hard" }
export const indent = (...body: Doc[]): Doc => ({ kind: "indent", body })
export const group = (...body: Doc[]): Doc => ({ kind: "group", body })
/** A space and `next`, or a line break and `next`. */
export const fill = (next: Doc): Doc => ({ kind: "fill", next })
export const comment = (text: string): Doc => ({ kind: "comment", text })
export const join = (separator: Doc, items: readonly Doc[]): Doc =>
  items.map((item, i) => (i === 0 ? item : [separator, item]))

/** The text, without spaces at line ends. */
export function pretty(doc: Doc, width: number): string {
  const pieces: string[] = []
  let column = 0
  let afterComment = false
  const newLine = (depth: number): void => {
    pieces.push("\n", " ".repeat(depth * 2))
    column = depth * 2
    afterComment = false
  }
  const put = (text: string, depth: number): void => {
    if (afterComment && text.trim() !== "") newLine(depth)
    pieces.push(text)
    column += text.length
  }
  const putOrBreak = (text: string, flat: boolean, depth: number): void => {
    if (flat) put(text, depth)
    else newLine(depth)
  }
  // Work still to do, the next piece last.
  const todo: Task[] = [{ doc, depth: 0, flat: false }]
  while (todo.length > 0) {
    const { doc: next, depth, flat } = todo.pop()!
    if (typeof next === "string") put(next, depth)
    else if (isParts(next))
      for (let i = next.length - 1; i >= 0; i--) todo.push({ doc: next[i]!, depth, flat })
    else if (next.kind === "line") putOrBreak(next.flat, flat, depth)
    else if (next.kind === "hard") newLine(depth)
    else if (next.kind === "comment") {
      put(`  ${next.text}`, depth)
      afterComment = true
    } else if (next.kind === "indent") todo.push({ doc: next.body, depth: depth + 1, flat })
    else if (next.kind === "group")
      todo.push({
        doc: next.body,
        depth,
        flat: flat || fits(width - column, { doc: next.body, depth, flat: true }, todo),
      })
    else {
      const onThisLine = flat || fits(width - column - 1, { doc: next.next, depth, flat: true }, todo)
      putOrBreak(" ", onThisLine, depth)
      todo.push({ doc: next.next, depth, flat })
    }
  }
  return pieces
    .join("")
    .split("\n")
    .map((text) => text.trimEnd())
    .join("\n")
}

interface Task {
  readonly doc: Doc
  readonly depth: number
  readonly flat: boolean
}

const isParts = (doc: Doc): doc is readonly Doc[] => Array.isArray(doc)

/** Whether `first` and the text after it, up to the next possible break, fit into `room` columns. */
function fits(room: number, first: Task, rest: readonly Task[]): boolean {
  const todo = [first]
  let later = rest.length
  let afterComment = false
  while (room >= 0) {
    const inside = later === rest.length && todo.length > 0
    const task = todo.pop() ?? rest[--later]
    if (task === undefined) return true
    const { doc, depth, flat } = task
    if (isParts(doc)) for (let i = doc.length - 1; i >= 0; i--) todo.push({ doc: doc[i]!, depth, flat })
    else if (typeof doc !== "string" && (doc.kind === "indent" || doc.kind === "group"))
      todo.push({ doc: doc.body, depth, flat })
    else if (typeof doc === "string") {
      if (doc === "") continue
      if (afterComment) return !inside
      room -= doc.length
    } else if (doc.kind === "comment") afterComment = true
    else if (!flat) return true
    else if (doc.kind === "hard" || afterComment) return !inside
    else if (doc.kind === "line") room -= doc.flat.length
    else {
      room -= 1
      todo.push({ doc: doc.next, depth, flat })
    }
  }
  return false
}
