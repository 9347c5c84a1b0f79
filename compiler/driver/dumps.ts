/** driver: the dumps of each stage of a compilation, for `nnc inspect` and tests. */
import type { Diagram } from "../ir/diagram.js"

/** The result of one stage or pass, printed on demand. */
export interface StageDump {
  /** Also the word for `--after`. */
  readonly name: string
  readonly summary: string
  text(): string
  /** The noun itself: plain data. */
  json(): unknown
  /** Empty for a stage that is no graph. */
  diagrams(): readonly Diagram[]
}

/** Collects dumps by name, in order; a stage that runs once per program gets one dump with all programs. */
export class Stages {
  readonly dumps = new Map<string, StageDump>()

  add(
    stage: Omit<StageDump, "json" | "diagrams"> & Partial<Pick<StageDump, "diagrams">>,
    value: unknown,
  ): void {
    this.dumps.set(stage.name, { diagrams: () => [], ...stage, json: () => plain(value) })
  }
}

/** Maps become objects, everything else is plain already. */
const plain = (value: unknown): unknown => (value instanceof Map ? Object.fromEntries(value) : value)
