/** codegen/wasm: the plan against the one limit of this device: 32-bit addresses. */
import type { Plan } from "../../ir/plan/types.js"
import type { Diagnostic } from "../../source/diagnostic.js"

const GiB = 1024 ** 3
/** Half a GiB is left for rows of data, snapshots of the state, and histories of losses. */
const MOST_BYTES = 3.5 * GiB

/** A diagnostic when everything together does not fit; the caller sets its severity. */
export function linearMemoryExcess(plan: Plan): Omit<Diagnostic, "severity"> | undefined {
  const data = new Map<string, number>()
  for (const program of plan.programs)
    for (const b of program.buffers)
      if (b.role === "data") data.set(b.arena, Math.max(data.get(b.arena) ?? 0, b.bytes))
  const arenas = new Map([...plan.arenas.map((a): [string, number] => [a.name, a.bytes]), ...data])
  const total = [...arenas.values()].reduce((sum, bytes) => sum + bytes, 0)
  if (total <= MOST_BYTES) return undefined
  const parts = [...arenas].sort(([, a], [, b]) => b - a).map(([name, bytes]) => `${name} ${gib(bytes)}`)
  return {
    code: "memory-wasm",
    message: `WebAssembly addresses 4 GiB of memory, of which a program may lay out 3.5; this one needs ${gib(total)} (${parts.slice(0, 4).join(", ")})`,
    help: "use a smaller batch or smaller layers, or train on a WebGPU device",
  }
}

const gib = (bytes: number): string => `${(bytes / GiB).toFixed(2)} GiB`
