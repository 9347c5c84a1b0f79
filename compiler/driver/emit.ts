/** driver: any level between passes -> code for the devices asked for. Source text and the texts of levels both end up here. */
import type { EmittedCode } from "../bundle/encode.js"
import type { WebgpuCode } from "../bundle/encode-builds.js"
import { emitWasm, wasmModule } from "../codegen/wasm/emit.js"
import { linearMemoryExcess } from "../codegen/wasm/limits.js"
import { printWat } from "../codegen/wasm/text.js"
import { emitWgsl } from "../codegen/wgsl/emit.js"
import type { Kernel } from "../ir/kernels/types.js"
import type { Plan } from "../ir/plan/types.js"
import { type TargetProfile, WASM_TARGET } from "../targets/index.js"
import { type Compilation, type How, SHOWN } from "./compilation.js"
import { type State, valueOf } from "./levels.js"
import { DEVICE_PASSES, type DriverPass, type Facts, PASSES, PROGRAM_PASSES } from "./passes.js"

/** The stages behind the last pass. */
export const WGSL = { name: "wgsl", summary: "one WGSL module per kernel" }
export const WASM = { name: "wasm", summary: "all kernels as one WebAssembly module" }

/** Code for every device asked for. The stages shown are those of the first device. */
export const forDevices = (from: State, facts: Facts, run: Compilation): EmittedCode =>
  codeOf(run.through(startingAt(PROGRAM_PASSES, from), from, facts), facts, run)

/** Emits code for graphs that have gone through the passes over programs. `change` is applied to each device's plan. */
export function codeOf(
  best: State,
  facts: Facts,
  run: Compilation,
  change: (plan: Plan) => Plan = (plan) => plan,
): EmittedCode {
  const { target, variants = [], devices = ["webgpu", "wasm"], devicePasses = DEVICE_PASSES } = run.options
  const planned = (how: How): Plan =>
    change(valueOf(run.through(startingAt(devicePasses, best), best, facts, how), "plan"))
  const code = (of: TargetProfile): WebgpuCode => {
    const shown = of === target
    const plan = planned({ shown, target: of })
    return {
      target: of,
      plan,
      wgsl: shown ? emit(plan.kernels, run) : run.stage(WGSL.name, () => wgslOf(plan)),
    }
  }
  const kinds = devices.includes("webgpu") ? [target, ...variants].map(code) : []
  return {
    graphs: valueOf(best, "graphs"),
    // The target stands for all adapters that no variant is for.
    webgpu: [...kinds.slice(1), ...kinds.slice(0, 1)],
    wasm: devices.includes("wasm") ? wasmOf(planned, run, kinds.length === 0) : undefined,
  }
}

/** Code for the compilation's own target. */
export function forTarget(from: State, facts: Facts, run: Compilation): void {
  emit(valueOf(run.through(startingAt(PASSES, from), from, facts, SHOWN), "plan").kernels, run)
}

/** The passes from the first one that takes this level: a text may have come from any pass of its level. */
export function startingAt(passes: readonly DriverPass[], { level }: State): readonly DriverPass[] {
  const first = passes.findIndex((p) => p.from === level)
  return first < 0 ? [] : passes.slice(first)
}

/** `alone`: nothing else is compiled, so these are the stages to show. A program too large for this device is an error then,
 *  and otherwise a remark: the bundle is for WebGPU only. */
function wasmOf(planned: (how: How) => Plan, run: Compilation, alone: boolean): EmittedCode["wasm"] {
  const plan = planned({ shown: alone, target: WASM_TARGET })
  const excess = linearMemoryExcess(plan)
  if (excess !== undefined) {
    run.diagnostics.add({ ...excess, severity: alone ? "error" : "warning" })
    run.gate()
    return undefined
  }
  const module = run.stage(WASM.name, () => emitWasm(plan.kernels))
  run.kept(WASM.name, WASM.summary, plan.kernels, () => printWat(wasmModule(plan.kernels).module))
  return { plan, module }
}

const wgslOf = ({ kernels }: Pick<Plan, "kernels">): ReadonlyMap<string, string> =>
  new Map(kernels.map((k) => [k.name, emitWgsl(k)]))

export function emit(kernels: readonly Kernel[], run: Compilation): ReadonlyMap<string, string> {
  const wgsl = run.stage(WGSL.name, () => wgslOf({ kernels }))
  run.kept(WGSL.name, WGSL.summary, wgsl, () => [...wgsl.values()].join("\n"))
  return wgsl
}
