/** ir/plan: Plan <-> text. The memory map, the kernels and the dispatch list, readable and read back.
 *  Guarantees: parse(print(plan)) equals the plan; grids are read off the kernels again.
 *  Not here:   whether the plan is right (`verify.ts`). */
import { jsonText } from "../../source/visible.js"
import { SLOT_ROLES } from "../graph/types.js"
import { gridOf } from "../kernels/grid.js"
import { parseKernelAt } from "../kernels/parse.js"
import { printKernel, withLoops } from "../kernels/text.js"
import type { Kernel, Loop } from "../kernels/types.js"
import {
  oneOf,
  parseDimAt,
  parseDType,
  parseName,
  parseTypeAt,
  printName,
  printSlotName,
} from "../text/notation.js"
import { Cursor, type Locations } from "../text/scanner.js"
import { printDim, printType } from "../tensor.js"
import type {
  Arena,
  PlacedBuffer,
  PlacedSlot,
  Placement,
  Plan,
  PlannedDispatch,
  PlannedProgram,
} from "./types.js"

export function printPlan(plan: Plan): string {
  return [
    "plan {",
    ...plan.arenas.map((a) => `  arena ${quote(a.name)} ${a.bytes}`),
    ...plan.slots.map(
      (s) => `  slot ${printSlotName(s.name)}: ${printType(s.type)} ${s.role} at ${placement(s)}`,
    ),
    "}",
    "",
    ...plan.kernels.flatMap((k) => [printKernel(k).trimEnd(), ""]),
    ...plan.programs.flatMap((p) => [...printProgram(p), ""]),
  ].join("\n")
}

export function parsePlan(text: string, locations?: Locations): Plan {
  const c = new Cursor(text, locations)
  const arenas: Arena[] = []
  const slots: PlacedSlot[] = []
  c.expect("plan")
  c.expect("{")
  while (!c.accept("}")) {
    if (c.accept("arena")) arenas.push({ name: c.string(), bytes: c.integer() })
    else {
      c.expect("slot")
      slots.push(c.located(() => parseSlot(c)))
    }
  }
  const kernels: Kernel[] = []
  while (c.is("kernel")) kernels.push(c.located(() => parseKernelAt(c)))
  const byName = new Map(kernels.map((k) => [k.name, k]))
  const programs: PlannedProgram[] = []
  while (c.is("program")) programs.push(parseProgram(c, byName))
  c.end()
  return { arenas, slots, kernels, programs }
}

const quote: (text: string) => string = jsonText
function parseSlot(c: Cursor): PlacedSlot {
  const name = c.slot()
  c.expect(":")
  const type = parseTypeAt(c)
  const role = oneOf(c, SLOT_ROLES)
  c.expect("at")
  return { name, type, role, ...parsePlacement(c) }
}

const life = (b: PlacedBuffer): string => (b.last === ALWAYS ? "always" : `${b.first}..${b.last}`)
/** Slots and data fields outlive every call. */
const ALWAYS = Number.MAX_SAFE_INTEGER
const placement = (p: Placement): string => `${quote(p.arena)}+${p.offset} ${p.bytes}`

function parsePlacement(c: Cursor): Placement {
  const arena = c.string()
  c.expect("+")
  return { arena, offset: c.integer(), bytes: c.integer() }
}

function printProgram(p: PlannedProgram): string[] {
  return [
    `program ${printName(p.name)} batch ${p.maxBatch} work ${p.workBytes} live ${p.liveBytes} {`,
    ...p.buffers.map(
      (b) =>
        `  buffer ${b.id} ${quote(b.name)}: ${b.dtype} x ${printDim(b.elements)} ${b.role} at ${placement(b)} live ${life(b)}`,
    ),
    ...p.inputs.map(
      (i) =>
        `  input ${quote(i.name)} ${i.buffer}: ${printType(i.type)}${i.data === null ? "" : ` data ${quote(i.data)}`}`,
    ),
    ...withLoops(
      p.dispatches.map((d) => {
        const args = d.bindings.map((b) => `${placement(b)} {${b.buffers.join(", ")}}`)
        return `dispatch ${d.kernel}(${args.join(", ")})`
      }),
      p.loops,
    ).map((line) => `  ${line}`),
    ...p.outputs.map(
      (o) =>
        `  output ${quote(o.name)} ${o.buffer}${o.at === undefined ? "" : ` at ${o.at}`}: ${printType(o.type)}`,
    ),
    "}",
  ]
}

function parseProgram(c: Cursor, kernels: ReadonlyMap<string, Kernel>): PlannedProgram {
  c.expect("program")
  const name = parseName(c)
  c.expect("batch")
  const maxBatch = c.integer()
  c.expect("work")
  const workBytes = c.integer()
  c.expect("live")
  const liveBytes = c.integer()
  const buffers: PlacedBuffer[] = []
  const inputs: PlannedProgram["inputs"][number][] = []
  const dispatches: PlannedDispatch[] = []
  const loops: Loop[] = []
  const outputs: PlannedProgram["outputs"][number][] = []
  c.expect("{")
  while (!c.accept("}")) {
    if (c.accept("buffer")) buffers.push(c.located(() => parseBuffer(c)))
    else if (c.accept("input")) {
      const input = { name: c.string(), buffer: c.integer(), type: typeAfterColon(c) }
      inputs.push({ ...input, data: c.accept("data") ? c.string() : null })
    } else if (c.accept("dispatch")) dispatches.push(c.located(() => parseDispatch(c, kernels)))
    else if (c.accept("loop")) {
      const iterations = c.integer()
      const first = dispatches.length
      c.expect("{")
      while (c.accept("dispatch")) dispatches.push(c.located(() => parseDispatch(c, kernels)))
      c.expect("}")
      loops.push({ first, end: dispatches.length, iterations })
    } else {
      c.expect("output")
      const output = { name: c.string(), buffer: c.integer() }
      outputs.push({ ...output, ...(c.accept("at") && { at: c.integer() }), type: typeAfterColon(c) })
    }
  }
  const looped = loops.length > 0 && { loops }
  return { name, maxBatch, workBytes, liveBytes, buffers, dispatches, ...looped, outputs, inputs }
}

function parseDispatch(c: Cursor, kernels: ReadonlyMap<string, Kernel>): PlannedDispatch {
  const at = c.peek()
  const kernel = kernels.get(c.name("a kernel")) ?? c.fail(`there is no kernel \`${at.text}\``, at)
  const bindings = c.list("(", ")", () => ({
    ...parsePlacement(c),
    buffers: c.list("{", "}", () => c.integer()),
  }))
  return { kernel: kernel.name, bindings, grid: gridOf(kernel) }
}

function typeAfterColon(c: Cursor): PlannedProgram["outputs"][number]["type"] {
  c.expect(":")
  return parseTypeAt(c)
}

function parseBuffer(c: Cursor): PlacedBuffer {
  const id = c.integer()
  const name = c.string()
  c.expect(":")
  const dtype = parseDType(c)
  c.expect("x")
  const elements = parseDimAt(c)
  const role = oneOf(c, ["slot", "data", "feed", "temp", "output"])
  c.expect("at")
  const at = parsePlacement(c)
  c.expect("live")
  if (c.accept("always")) return { id, name, dtype, elements, role, ...at, first: 0, last: ALWAYS }
  const first = c.integer()
  c.expect("..")
  return { id, name, dtype, elements, role, ...at, first, last: c.integer() }
}
