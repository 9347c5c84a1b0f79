/** cli: the resources that a compiled program needs, beside the limits of its target, and the line of the program that needs the most. */
import { withBuild } from "../../runtime/bundle/builds.js"
import type { Manifest } from "../../runtime/bundle/format.js"
import { programBytes } from "../../runtime/bundle/memory.js"
import { sizeText } from "../driver/budget.js"
import type { TargetProfile } from "../targets/index.js"

export interface Need {
  readonly what: string
  readonly needs: number
  /** Absent: the target says nothing of it. */
  readonly limit?: number
  readonly unit: "bytes" | "buffers"
  /** The line of the program that asks for it; absent where no one line does. */
  readonly at?: string
}

/** The needs of a program compiled for that target alone. */
export function needsOf(manifest: Manifest, target: TargetProfile): readonly Need[] {
  const layout = withBuild(manifest)
  const kernels = new Map(layout.kernels.map((k) => [k.name, k]))
  const lineOf = (kernel: string | undefined): Pick<Need, "at"> => {
    const at = kernel === undefined ? undefined : kernels.get(kernel)?.origins[0]
    return at === undefined ? {} : { at }
  }
  const bindings = layout.programs.flatMap(({ dispatches }) =>
    dispatches.flatMap((d) => d.bindings.map(({ arena, bytes }) => ({ kernel: d.kernel, arena, bytes }))),
  )
  const binding = greatest(bindings, ({ bytes }) => bytes)
  const arena = greatest(layout.arenas, ({ bytes }) => bytes)
  const inArena = greatest(
    bindings.filter((b) => b.arena === arena?.name),
    ({ bytes }) => bytes,
  )
  const kernel = greatest(layout.kernels, (k) => k.bindings.length)
  return [
    {
      what: "largest tensor of a kernel",
      needs: binding?.bytes ?? 0,
      limit: target.maxBindingBytes,
      unit: "bytes",
      ...lineOf(binding?.kernel),
    },
    {
      what: arena?.name === "state" ? "parameters and optimizer state" : "results of a step",
      needs: arena?.bytes ?? 0,
      limit: target.maxBufferBytes,
      unit: "bytes",
      ...lineOf(inArena?.kernel),
    },
    {
      what: "buffers of a kernel",
      needs: kernel?.bindings.length ?? 0,
      limit: target.maxStorageBuffersPerStage,
      unit: "buffers",
      ...lineOf(kernel?.name),
    },
    { what: "memory without rows of data", needs: programBytes(layout), unit: "bytes" },
  ]
}

/** A line for each need, in columns. */
export function needsText(needs: readonly Need[]): string {
  const amount = (n: number, { unit }: Need): string => (unit === "bytes" ? sizeText(n) : String(n))
  const rows = needs.map((n) => {
    const of = n.limit === undefined || n.limit >= UNLIMITED ? "" : ` of ${amount(n.limit, n)}`
    return [n.what, `${amount(n.needs, n)}${of}`, n.at ?? ""] as const
  })
  const [first, second] = [0, 1].map((i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows.map(([a, b, c]) => `  ${a.padEnd(first!)}  ${b.padEnd(second!)}  ${c}`.trimEnd()).join("\n")
}
/** Limits from here on are no limits of a real device. */
const UNLIMITED = 2 ** 40

function greatest<T>(items: readonly T[], size: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>(
    (best, item) => (best === undefined || size(item) > size(best) ? item : best),
    undefined,
  )
}
