/** targets: the profile of a kind of device: its limits and capabilities, the plans that it offers, and the costs of operations there.
 *  Stages ask for these; none names a device. Each target is one file beside this one, and `index.ts` lists them. */

/** A kind of WebGPU adapters. */
export interface AdapterKind {
  /** Whether they are emulated on the processor; absent: either. */
  readonly software?: boolean
  readonly features: readonly string[]
}

export interface TargetProfile {
  readonly name: string
  /** The language of its kernels. */
  readonly code: "wgsl" | "wasm"
  /** The kind of WebGPU adapter that runs code of this target; absent where the device is no WebGPU adapter. */
  readonly adapter?: AdapterKind
  /** Storage buffers one kernel may bind. */
  readonly maxStorageBuffersPerStage: number
  readonly maxBindingBytes: number
  readonly maxBufferBytes: number
  readonly maxWorkgroupsPerDimension: number
  /** Invocations of one workgroup. */
  readonly maxInvocations: number
  /** Bytes of workgroup memory. */
  readonly maxWorkgroupMemory: number
  /** Bytes that the offset of a binding is a multiple of. */
  readonly minStorageOffsetAlignment: number
  /** Four elements may be loaded from and stored to any index, and a buffer be accessed by one and by four. */
  readonly anyVectors: boolean
  /** Invocations of a workgroup run in subgroups that can combine values without memory. */
  readonly subgroups: boolean
  /** Kinds of plans for contractions that this target is offered besides `tile`. */
  readonly plans: readonly ContractionPlanKind[]
  /** Invocations of the one workgroup that is to run all of a program; absent when kernels have the whole device. */
  readonly oneWorkgroup?: number
  readonly costs: CostFigures
}

/** block: workgroups share slices of both operands. panels: threads copy parts of operands side by side for SIMD. slide: a tile of
 *  neighbouring columns and several taps of a window loads the elements that its windows share once. */
export type ContractionPlanKind = "block" | "panels" | "slide"

/** Where choices depend on the device, the figures that they depend on. */
export interface CostFigures {
  /** One dispatch less, in operations and loads of single numbers. */
  readonly dispatch: number
  /** How often a contraction uses an element that it has computed for itself: as often as its tile or block is wide. */
  readonly reuse: number
  /** Multiplications and the like of a program that runs faster as one multi-step kernel; 0: none does. */
  readonly multiStepWork: number
  readonly oneWorkgroup: OneWorkgroupCosts
  /** Invocations of a workgroup for elementwise kernels, and where they have few elements. */
  readonly mapLanes: { readonly most: number; readonly few: number }
  /** A row of at least `inner` elements is worked on by the lanes of a workgroup where there are at most `rows`; absent: never. */
  readonly rowByWorkgroup?: { readonly inner: number; readonly rows: number }
  /** Depth up to which the kernel of the rows of a product also computes the product; 0: it never does. */
  readonly joinedDepth: number
  /** Whether the lanes of a workgroup work on one row of a product. */
  readonly sharesRows: boolean
  /** Rows in work at once, at least, that fill the device. */
  readonly rowsThatFill: number
  /** Absent: dispatches are not fused horizontally. */
  readonly horizontalFusion?: HorizontalFusionCosts
  /** Absent: a tile is as large as the registers of one thread allow. */
  readonly tiles?: TileCosts
  /** Whether the driver writes out loops of constant counts to its disadvantage, so that the counts are hidden from it. */
  readonly hidesTripCounts: boolean
}

/** In instructions: a load and a sum per iteration, the overhead of an iteration, and an output of a tile, once per round of tiles
 *  and once for the time to compile it. */
export interface OneWorkgroupCosts {
  /** Its invocations; absent: as many as a workgroup may have. */
  readonly lanes?: number
  readonly load: number
  readonly sum: number
  readonly iteration: number
  readonly output: number
  readonly code: number
}

export interface HorizontalFusionCosts {
  /** Expressions and statements of a fused kernel, at most. */
  readonly size: number
  /** Whether kernels with barriers run beside others. */
  readonly barriers: boolean
  /** Whether kernels of several dispatches run beside others, where their code is there again. */
  readonly repeatsCode: boolean
}

export interface TileCosts {
  /** Tiles that keep the device busy. */
  readonly fill: number
  /** Rows x columns of one invocation's tile, the best first. Without vectors columns may be any. */
  readonly scalar: readonly (readonly [number, number])[]
  readonly vector: readonly (readonly [number, number])[]
  /** The number of outputs of a tile beyond which its sums pass through workgroup memory before they are stored; absent: never. */
  readonly stagedBeyond?: { readonly scalar: number; readonly vector: number }
  /** Invocations of a workgroup where there are few tiles. */
  readonly fewLanes: number
}
