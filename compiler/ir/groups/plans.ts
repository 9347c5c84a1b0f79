/** ir/groups: the plans of kernels as text that reads back: `tile {rows: 4, columns: 8, taps: 1, lanes: 64, vector: true, ...}`.
 *  Not here:   which plans suit a group and a target (`schedule/choose/`). */
import { parseAttrs, printAttrs } from "../graph/text.js"
import type { Attrs } from "../graph/types.js"
import type { Cursor, Token } from "../text/scanner.js"
import type { KernelPlan, PlanKind } from "./types.js"

export function printPlan({ kind, ...fields }: KernelPlan): string {
  return `${kind} ${printAttrs(fields)}`
}

/** Throws `IrTextError`. */
export function parsePlan(c: Cursor): KernelPlan {
  const at = c.peek()
  const word = c.name("a kind of plan")
  const kind = KINDS.find((k) => k === word) ?? c.fail(`expected ${KINDS.join(", ")}, found \`${word}\``, at)
  const fields = new Fields(c, at, parseAttrs(c))
  const plan = READ[kind](fields)
  fields.end()
  return plan
}

const READ: { readonly [K in PlanKind]: (f: Fields) => KernelPlan & { readonly kind: K } } = {
  map: (f) => ({ kind: "map", width: f.oneOf("width", [1, 4]), lanes: f.count("lanes") }),
  row: (f) => ({
    kind: "row",
    by: f.oneOf("by", ["invocation", "workgroup"]),
    lanes: f.count("lanes"),
    subgroups: f.yes("subgroups"),
  }),
  along: (f) => ({ kind: "along", lanes: f.count("lanes"), keep: f.yes("keep") }),
  across: (f) => ({ kind: "across", vectors: f.count("vectors"), lanes: f.count("lanes") }),
  lines: (f) => ({ kind: "lines", lanes: f.count("lanes") }),
  tile: (f) => ({
    kind: "tile",
    rows: f.count("rows"),
    columns: f.count("columns"),
    taps: f.count("taps"),
    lanes: f.count("lanes"),
    vector: f.yes("vector"),
    split: f.yes("split"),
    staged: f.yes("staged"),
  }),
  block: (f) => ({
    kind: "block",
    rows: f.count("rows"),
    columns: f.count("columns"),
    tileRows: f.count("tileRows"),
    tileColumns: f.count("tileColumns"),
    depth: f.count("depth"),
    split: f.count("split"),
  }),
  panels: (f) => ({
    kind: "panels",
    wide: f.oneOf("wide", ["row", "column"]),
    wideAt: f.count("wideAt", 0),
    wideChunk: f.count("wideChunk"),
    tallAt: f.count("tallAt", 0),
    tallChunk: f.count("tallChunk"),
    depth: f.count("depth"),
  }),
  chain: (f) => ({ kind: "chain", by: f.oneOf("by", ["invocation", "workgroup"]), lanes: f.count("lanes") }),
}
const KINDS: readonly PlanKind[] = [
  "map",
  "row",
  "along",
  "across",
  "lines",
  "tile",
  "block",
  "panels",
  "chain",
]

class Fields {
  private readonly read = new Set<string>()
  constructor(
    private readonly c: Cursor,
    private readonly at: Token,
    private readonly attrs: Attrs,
  ) {}

  /** An integer of at least `least`. */
  count(name: string, least = 1): number {
    const value = this.field(name)
    return typeof value === "number" && Number.isSafeInteger(value) && value >= least
      ? value
      : this.c.fail(`\`${name}\` of a plan is an integer of at least ${least}`, this.at)
  }
  yes(name: string): boolean {
    const value = this.field(name)
    return typeof value === "boolean" ? value : this.c.fail(`\`${name}\` of a plan is true or false`, this.at)
  }
  oneOf<T extends string | number>(name: string, options: readonly T[]): T {
    const value = this.field(name)
    return (
      options.find((o) => o === value) ??
      this.c.fail(`\`${name}\` of a plan is ${options.join(" or ")}`, this.at)
    )
  }
  /** Nothing else was written. */
  end(): void {
    const other = Object.keys(this.attrs).find((name) => !this.read.has(name))
    if (other !== undefined)
      this.c.fail(`this plan has ${[...this.read].join(", ")}, and no \`${other}\``, this.at)
  }
  private field(name: string): Attrs[string] | undefined {
    this.read.add(name)
    return this.attrs[name]
  }
}
