/** schedule: the interface to the plans of one kind of group. */
import type { KernelPlan } from "../../ir/groups/types.js"
import type { KernelBuild } from "../kernel/kernel-build.js"

export interface Planner {
  /** The plan that the cost model takes for the fastest. */
  best(b: KernelBuild): KernelPlan
  /** Others worth measuring; some may have problems. */
  others(b: KernelBuild): readonly KernelPlan[]
  /** Why a plan cannot be carried out for this group and target; undefined: it can. */
  problem(b: KernelBuild, plan: KernelPlan): string | undefined
}

/** Sizes of workgroups worth measuring. */
export const SIZES_OF_WORKGROUPS = [16, 32, 64, 128, 256] as const

export const isPowerOfTwo = (n: number): boolean => Number.isInteger(Math.log2(n))

/** Why so many lanes are no workgroup of the target. */
export const tooManyLanes = ({ placed: { target } }: KernelBuild, lanes: number): string | undefined =>
  lanes > target.maxInvocations
    ? `a workgroup of ${lanes} lanes, where ${target.name} allows ${target.maxInvocations}`
    : undefined

/** Why so many bytes are too much workgroup memory. */
export const tooMuchMemory = ({ placed: { target } }: KernelBuild, bytes: number): string | undefined =>
  bytes > target.maxWorkgroupMemory
    ? `${bytes} bytes of workgroup memory, where ${target.name} allows ${target.maxWorkgroupMemory}`
    : undefined
