/** play: the messages between the page and its two workers. Everything is plain data. */
import type { Bundle, DeviceInfo, StepProfile, TrainEvent } from "nnc/runtime/browser"

export interface Problem {
  readonly from: number
  readonly to: number
  readonly line: number
  readonly severity: "error" | "warning" | "note"
  readonly code: string
  readonly message: string
  /** A remark at the place, in a few words. */
  readonly label?: string
  readonly help?: string
  readonly fix?: { readonly from: number; readonly to: number; readonly replacement: string }
}
export interface NameToken {
  readonly from: number
  readonly to: number
  readonly kind: string
  readonly isLibrary: boolean
}
export interface Checked {
  readonly problems: readonly Problem[]
  readonly names: readonly NameToken[]
  /** Shapes, shown behind the expressions that have them. */
  readonly hints: readonly { readonly offset: number; readonly text: string }[]
  readonly ms: number
}
export interface Option {
  readonly label: string
  readonly kind: string
  readonly detail?: string
  readonly doc?: string
}
export interface HoverText {
  readonly from: number
  readonly to: number
  readonly title: string
  readonly gives?: string
  readonly doc?: string
}
export type DeviceName = "auto" | "webgpu" | "wasm"
export type FileMap = ReadonlyMap<string, Blob>

export interface Built {
  readonly device: DeviceName
  /** Why that one, where it was not asked for. */
  readonly why?: string
  readonly problems: readonly Problem[]
  readonly bundle?: Bundle
  readonly files: FileMap
  readonly ms: number
}
export interface Stage {
  readonly name: string
  readonly summary: string
}
/** The text of a stage, and for each of its lines those of the program that it comes from. */
export interface StageText {
  readonly text: string
  readonly origins: readonly (readonly number[])[]
}

export interface CompilerApi {
  check(text: string): Checked
  complete(text: string, offset: number): readonly Option[]
  hover(text: string, offset: number): HoverText | null
  format(text: string): string | null
  /** With its data, as far as anything may be wrong with it. */
  checkData(text: string, files: FileMap): Promise<readonly Problem[]>
  build(text: string, files: FileMap, device: DeviceName): Promise<Built>
  stages(text: string, files: FileMap): Promise<readonly Stage[]>
  stage(name: string): StageText
  bundleFiles(text: string, files: FileMap): Promise<ReadonlyMap<string, Uint8Array>>
}

/** The drawings of a model beside its curves. */
export type View =
  | {
      readonly kind: "plane"
      readonly title: string
      /** Corners: x from, x to, y from, y to. */
      readonly extent: readonly [number, number, number, number]
      readonly size: number
      /** By place, row after row from below: how far it is of class 1, or which class it is of. */
      readonly values: Float32Array
      readonly classes: number
      readonly points: readonly PlanePoint[]
    }
  | {
      readonly kind: "curve"
      readonly title: string
      readonly curve: readonly (readonly [number, number])[]
      readonly points: readonly (readonly [number, number])[]
    }
  | {
      readonly kind: "images"
      readonly title: string
      readonly width: number
      readonly height: number
      readonly channels: number
      readonly images: readonly {
        readonly pixels: Float32Array
        readonly says?: string
        readonly isRight?: boolean
      }[]
    }
  | { readonly kind: "text"; readonly title: string; readonly text: string }
  | {
      readonly kind: "scatter"
      readonly title: string
      readonly points: readonly (readonly [actual: number, predicted: number])[]
    }
  | {
      readonly kind: "table"
      readonly title: string
      readonly rows: readonly {
        readonly actual: string
        readonly predicted: string
        readonly probability?: number
      }[]
    }
export interface PlanePoint {
  readonly x: number
  readonly y: number
  /** The class, or the value. */
  readonly value: number
  readonly isHeldBack: boolean
}

export interface TrainOrder {
  readonly bundle: Bundle
  readonly files: FileMap
  readonly device: DeviceName
  readonly why?: string
  /** Goes on from there. */
  readonly checkpoint?: Uint8Array<ArrayBuffer>
}
export type FromTrainer =
  | { readonly kind: "device"; readonly device: DeviceInfo }
  | { readonly kind: "event"; readonly event: TrainEvent }
  | { readonly kind: "view"; readonly view: View }
  | { readonly kind: "checkpoint"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "profile"; readonly profile: StepProfile }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly help?: string }
export type ToTrainer =
  | { readonly kind: "train"; readonly order: TrainOrder }
  | { readonly kind: "profile"; readonly order: TrainOrder }
  | { readonly kind: "stop" }

/** A question to a worker and its answer. */
export interface Call {
  readonly id: number
  readonly name: keyof CompilerApi
  readonly args: readonly unknown[]
}
export interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly failed?: string
}
