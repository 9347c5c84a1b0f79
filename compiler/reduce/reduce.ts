/** reduce: the smallest program that still fails in the same way, by delta debugging over the tree (Zeller and Hildebrandt, 2002):
 *  parts of lists are left out, expressions give way to their operands, numbers get smaller, optional parts go.
 *  Guarantees: the result fails, and no single further change that it knows of would still fail.
 *  Not here:   the test for failure (cli/). */
import { printModule } from "../ir/ast/text.js"
import type { Module } from "../ir/ast/types.js"

/** Whether a program, given as text, still fails. */
export type Fails = (text: string) => Promise<boolean>

/** `module` fails. */
export async function reduce(module: Module, fails: Fails): Promise<string> {
  const search = new Search(module, fails)
  while (await search.round());
  return search.text
}

/** A part of the tree: an object with a span, a list of them, or a word or number in one. */
type Tree = unknown
/** Where a part stands: the keys that lead to it. */
type Path = readonly (string | number)[]

const isObject = (tree: Tree): tree is Readonly<Record<string, Tree>> =>
  typeof tree === "object" && tree !== null && !Array.isArray(tree)

class Search {
  private tree: Tree
  text: string
  private readonly tried = new Set<string>()

  constructor(
    module: Module,
    private readonly fails: Fails,
  ) {
    this.tree = module
    this.text = printModule(module)
  }

  /** Tries everything once; whether anything was made smaller. */
  async round(): Promise<boolean> {
    const before = this.text
    for (const { path } of parts(this.tree, (t) => Array.isArray(t) && t.length > 0)) await this.shorten(path)
    for (const { path } of parts(this.tree, isObject)) await this.simplify(path)
    return this.text.length < before.length
  }

  /** Leaves out halves of a list, then quarters, down to single elements. */
  private async shorten(path: Path): Promise<void> {
    const list = at(this.tree, path)
    if (!Array.isArray(list)) return
    let now: readonly Tree[] = list
    for (let size = now.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let from = now.length - size; from > -size; from -= size) {
        const start = Math.max(0, from)
        const less = [...now.slice(0, start), ...now.slice(start + size)]
        if (less.length < now.length && (await this.take(path, less))) now = less
      }
  }

  /** Tries a node's operands in its place, the node without an optional part, and smaller numbers. */
  private async simplify(path: Path): Promise<void> {
    const node = at(this.tree, path)
    if (!isObject(node)) return
    for (const smaller of [...insteadOf(node), ...without(node), ...smallerNumbers(node)])
      if (await this.take(path, smaller)) return this.simplify(path)
  }

  private async take(path: Path, part: Tree): Promise<boolean> {
    const tree = replaced(this.tree, path, part)
    const text = printed(tree)
    if (text === undefined || this.tried.has(text)) return false
    this.tried.add(text)
    if (!(await this.fails(text))) return false
    this.tree = tree
    this.text = text
    return true
  }
}

/** Undefined where the tree is none that a program has. */
function printed(tree: Tree): string | undefined {
  try {
    return printModule(tree as Module)
  } catch {
    return undefined
  }
}

/** Parts for which `wanted` holds, outer ones first. */
function parts(tree: Tree, wanted: (tree: Tree) => boolean, path: Path = []): { path: Path }[] {
  const own = wanted(tree) ? [{ path }] : []
  if (Array.isArray(tree)) return [...own, ...tree.flatMap((t: Tree, i) => parts(t, wanted, [...path, i]))]
  if (!isObject(tree)) return own
  const fields = Object.keys(tree).filter((key) => key !== "span")
  return [...own, ...fields.flatMap((key) => parts(tree[key], wanted, [...path, key]))]
}

function at(tree: Tree, path: Path): Tree {
  let found = tree
  for (const key of path) {
    if (Array.isArray(found)) found = found[Number(key)]
    else if (isObject(found)) found = found[key]
    else return undefined
  }
  return found
}

function replaced(tree: Tree, [key, ...rest]: Path, part: Tree): Tree {
  if (key === undefined) return part
  if (Array.isArray(tree)) return tree.map((t: Tree, i) => (i === key ? replaced(t, rest, part) : t))
  return isObject(tree) ? { ...tree, [key]: replaced(tree[key], rest, part) } : tree
}

/** The operands of an expression, each of which may replace it. A block never gives way to its value. */
function insteadOf(node: Readonly<Record<string, Tree>>): Tree[] {
  const fields = REPLACED_BY[String(node["kind"])] ?? []
  return fields.flatMap((key): Tree[] => {
    const part = node[key]
    if (!Array.isArray(part)) return isObject(part) ? [part] : []
    return part
      .map((item: Tree) => (isObject(item) && !("kind" in item) ? item["value"] : item))
      .filter(isObject)
  })
}
const REPLACED_BY: Readonly<Record<string, readonly string[]>> = {
  pipe: ["value"],
  binary: ["left", "right"],
  unary: ["operand"],
  call: ["args"],
  index: ["object"],
  list: ["items"],
  tuple: ["items"],
  scan: ["sequence"],
}

const OPTIONAL = [
  "doc",
  "result",
  "split",
  "windows",
  "where",
  "val",
  "test",
  "default",
  "else",
  "as",
  "over",
  "on",
  "data",
] as const

const without = (node: Readonly<Record<string, Tree>>): Tree[] =>
  OPTIONAL.filter((key) => node[key] !== undefined).map((key) =>
    Object.fromEntries(Object.entries(node).filter(([name]) => name !== key)),
  )

function smallerNumbers(node: Readonly<Record<string, Tree>>): Tree[] {
  const { kind, value, isInt } = node
  if (kind !== "number" || typeof value !== "number" || isInt !== true) return []
  const smaller = [1, 2, Math.floor(value / 2), value - 1].filter((n) => n > 0 && n < value)
  return [...new Set(smaller)].map((n) => ({ ...node, value: n, text: String(n) }))
}
