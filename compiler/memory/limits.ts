/** memory: the plan against the target's limits. Sizes that a program asks for are the user's to change, and say which line asks;
 *  buffers per kernel, invocations and memory of a workgroup are the scheduler's own choices, so that exceeding them is a bug. */
import { evalSize, openGrid } from "../ir/kernels/grid.js"
import type { Kernel } from "../ir/kernels/types.js"
import type { PlacedBuffer, Plan, PlannedProgram } from "../ir/plan/types.js"
import type { PassContext } from "../pass.js"
import { bug } from "../source/bug.js"
import type { Label } from "../source/diagnostic.js"

export function checkLimits(plan: Plan, cx: PassContext): void {
  for (const kernel of plan.kernels) checkWorkgroup(kernel, cx)
  const kernels = new Map(plan.kernels.map((k) => [k.name, k]))
  const said = new Set<string>()
  const error: Report = (code, what, message, help, kernel) => {
    if (said.has(`${code} ${what}`)) return
    said.add(`${code} ${what}`)
    const primary = kernel && placeOf(kernel, cx)
    cx.diagnostics.add({ code, severity: "error", message, ...(primary && { primary }), help })
  }
  for (const program of plan.programs) checkProgram(program, kernels, cx, error)
  // A tensor that cannot even be bound has been named; the sum it is part of says nothing new.
  if (said.size === 0) checkArenas(plan, kernels, cx, error)
}

/** `what` tells messages apart: one buffer is reported once, however many kernels read it. */
type Report = (code: string, what: string, message: string, help: string, kernel?: Kernel) => void

const MiB = 1024 * 1024
const mib = (bytes: number): string => `${(bytes / MiB).toFixed(1)} MiB`
/** With as many digits as it takes to be seen to be more than the limit. */
function mibBeyond(bytes: number, limit: number): string {
  const digits = [1, 2, 3, 4].find((n) => (bytes / MiB).toFixed(n) !== (limit / MiB).toFixed(n)) ?? 5
  return `${(bytes / MiB).toFixed(digits)} MiB`
}

function checkProgram(
  program: PlannedProgram,
  kernels: ReadonlyMap<string, Kernel>,
  { target }: PassContext,
  error: Report,
): void {
  const sizes = { B: program.maxBatch, R: 1 }
  const buffers = new Map(program.buffers.map((b) => [b.id, b]))
  const rows = `${program.maxBatch} ${program.maxBatch === 1 ? "row" : "rows"}`
  const batch = program.maxBatch > 1 ? `, at batch ${program.maxBatch},` : ""
  for (const dispatch of program.dispatches) {
    const kernel = kernels.get(dispatch.kernel) ?? bug(`no kernel ${dispatch.kernel}`)
    for (const { bytes, buffers: ids } of dispatch.bindings) {
      if (bytes <= target.maxBindingBytes) continue
      const bound = ids.map((id) => buffers.get(id) ?? bug(`no buffer ${id}`))
      error(
        "memory-binding",
        bound.map((b) => b.name).join(" "),
        `${bound.map((b) => describe(b, rows)).join(", ")}${bound.every(isData) ? "," : batch} takes ${mibBeyond(bytes, target.maxBindingBytes)}, and ${target.name} binds at most ${mib(target.maxBindingBytes)}`,
        advice(program, bound),
        kernel,
      )
    }
    dispatch.grid.forEach((extent, i) => {
      const groups = evalSize(extent, sizes)
      if (groups > target.maxWorkgroupsPerDimension)
        error(
          "memory-grid",
          dispatch.kernel,
          `kernel ${dispatch.kernel}${batch} needs ${groups} workgroups along ${"xyz"[i]}, and ${target.name} runs at most ${target.maxWorkgroupsPerDimension}`,
          advice(program, []),
          kernel,
        )
    })
  }
}

function checkArenas(
  plan: Plan,
  kernels: ReadonlyMap<string, Kernel>,
  { target }: PassContext,
  error: Report,
): void {
  for (const arena of plan.arenas) {
    if (arena.bytes <= target.maxBufferBytes) continue
    const isState = arena.name === "state"
    const [largest] = [...plan.slots].sort((a, b) => b.bytes - a.bytes)
    const most =
      isState && largest
        ? `; the largest of ${plan.slots.length} is ${largest.name}, ${mib(largest.bytes)}`
        : ""
    error(
      "memory-arena",
      arena.name,
      `${isState ? "parameters and optimizer state take" : "what a step computes takes"} ${mibBeyond(arena.bytes, target.maxBufferBytes)} together, and a buffer on ${target.name} holds at most ${mib(target.maxBufferBytes)}${most}`,
      isState
        ? "use fewer or smaller layers, or an optimizer with less state"
        : "use a smaller `batch`, or smaller layers",
      largestIn(plan, arena.name, kernels),
    )
  }
}

/** The kernel that accesses the most of an arena at once. */
function largestIn(
  { programs }: Plan,
  arena: string,
  kernels: ReadonlyMap<string, Kernel>,
): Kernel | undefined {
  let [most, found] = [0, undefined as Kernel | undefined]
  for (const { dispatches } of programs)
    for (const { kernel, bindings } of dispatches)
      for (const binding of bindings)
        if (binding.arena === arena && binding.bytes > most)
          [most, found] = [binding.bytes, kernels.get(kernel)]
  return found
}

function checkWorkgroup(kernel: Kernel, { target }: PassContext): void {
  const lanes = openGrid(kernel.body).lanes?.extent ?? 1
  const beyond = (what: string, limit: number): never =>
    bug(`kernel ${kernel.name} has ${what}, and ${target.name} allows ${limit}`)
  if (kernel.params.length > target.maxStorageBuffersPerStage)
    beyond(`${kernel.params.length} buffers`, target.maxStorageBuffersPerStage)
  if (lanes > target.maxInvocations) beyond(`${lanes} invocations in a workgroup`, target.maxInvocations)
}

const isData = ({ role }: PlacedBuffer): boolean => role === "data"

const describe = (b: PlacedBuffer, rows: string): string =>
  isData(b)
    ? `a batch of the field \`${b.name}\`, ${rows}`
    : b.role === "slot" || b.role === "data" || b.role === "feed"
      ? `\`${b.name}\``
      : `the result \`${b.name}\``

/** Advises a smaller batch where a buffer grows with it. */
function advice(program: PlannedProgram, bound: readonly PlacedBuffer[]): string {
  const codes = "or write the columns as integers of 8 or 16 bits, which stay so on the device"
  if (bound.some(isData))
    return program.maxBatch > 1 ? `use a smaller \`batch\`, ${codes}` : `use smaller rows, ${codes}`
  const grows = bound.length === 0 || bound.some((b) => typeof b.elements !== "number")
  return grows && program.maxBatch > 1 ? "use a smaller `batch`" : "use smaller layers, or split this one"
}

function placeOf(kernel: Kernel, { locate }: PassContext): Label | undefined {
  const span = kernel.origins.map(locate).find((s) => s !== undefined)
  return span && { span, text: "this needs it" }
}
