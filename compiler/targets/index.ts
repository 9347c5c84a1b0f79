/** targets: the list of all targets. */
import type { AdapterKind, TargetProfile } from "./target.js"
import { WASM_TARGET } from "./wasm.js"
import { DEFAULT_TARGET } from "./webgpu-gpu.js"
import { SOFTWARE_TARGET } from "./webgpu-software.js"
import { SUBGROUP_TARGET } from "./webgpu-subgroups.js"

export type { TargetProfile } from "./target.js"
export { DEFAULT_TARGET, SOFTWARE_TARGET, SUBGROUP_TARGET, WASM_TARGET }

/** The kinds of WebGPU adapters that code is made for, besides the default: a GPU of which nothing else is known. */
export const WEBGPU_VARIANTS: readonly TargetProfile[] = [SUBGROUP_TARGET, SOFTWARE_TARGET]
export const TARGETS: readonly TargetProfile[] = [DEFAULT_TARGET, ...WEBGPU_VARIANTS, WASM_TARGET]

/** The target that suits an adapter best. */
export const targetFor = (adapter: AdapterKind): TargetProfile =>
  WEBGPU_VARIANTS.find((t) => t.adapter !== undefined && suits(t.adapter, adapter)) ?? DEFAULT_TARGET

/** Whether code for `wanted` is for this adapter. */
const suits = (wanted: AdapterKind, adapter: AdapterKind): boolean =>
  (wanted.software === undefined || wanted.software === adapter.software) &&
  wanted.features.every((name) => adapter.features.includes(name))
