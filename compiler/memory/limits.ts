/** memory: the plan against the target's limits: buffers per kernel, bytes per binding and per arena, invocations and memory
 *  of a workgroup. Grids are folded by the scheduler; here they are checked. */
import { evalSize, openGrid } from "../ir/kernels/grid.js"
import type { Plan } from "../ir/plan/types.js"
import type { PassContext } from "../pass.js"

const MiB = 1024 * 1024
const mib = (bytes: number): string => `${(bytes / MiB).toFixed(1)} MiB`

export function checkLimits(plan: Plan, { diagnostics, target }: PassContext): void {
  const error = (code: string, message: string, help: string): void =>
    diagnostics.add({ code, severity: "error", message, help })
  for (const arena of plan.arenas)
    if (arena.bytes > target.maxBufferBytes)
      error(
        "memory-arena",
        `the ${arena.name} memory takes ${mib(arena.bytes)}, but a buffer on ${target.name} holds at most ${mib(target.maxBufferBytes)}`,
        "use smaller layers or a smaller batch",
      )
  for (const k of plan.kernels) {
    if (k.params.length > target.maxStorageBuffersPerStage)
      error(
        "memory-bindings",
        `kernel ${k.name} binds ${k.params.length} buffers, ${target.name} allows ${target.maxStorageBuffersPerStage}`,
        "this is a limit that the scheduler should have kept; please report the program",
      )
    const { lanes } = openGrid(k.body)
    if ((lanes?.extent ?? 1) > target.maxInvocations)
      error(
        "memory-workgroup",
        `kernel ${k.name} runs ${lanes?.extent} invocations per workgroup, ${target.name} allows ${target.maxInvocations}`,
        "this is a limit that the scheduler should have kept; please report the program",
      )
  }
  for (const program of plan.programs) {
    const sizes = { B: program.maxBatch, R: 1 }
    const named = new Map(program.buffers.map((b) => [b.id, b.name]))
    for (const d of program.dispatches) {
      for (const b of d.bindings)
        if (b.bytes > target.maxBindingBytes)
          error(
            "memory-binding",
            `${b.buffers.map((id) => named.get(id)).join(", ")} takes ${mib(b.bytes)} at batch ${program.maxBatch}, but ${target.name} binds at most ${mib(target.maxBindingBytes)}`,
            program.maxBatch > 1 ? "use a smaller `batch`" : "use smaller layers",
          )
      d.grid.forEach((extent, i) => {
        const n = evalSize(extent, sizes)
        if (n > target.maxWorkgroupsPerDimension)
          error(
            "memory-grid",
            `kernel ${d.kernel} needs ${n} workgroups along ${"xyz"[i]}, ${target.name} allows ${target.maxWorkgroupsPerDimension}`,
            program.maxBatch > 1 ? "use a smaller `batch`" : "use smaller layers",
          )
      })
    }
  }
}
