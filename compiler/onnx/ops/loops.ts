/** onnx/ops: `scan` as Scan of ONNX: states are carried, sequences are cut along axis 0, and the body reads other values from the graph around it. */
import type { OpName } from "../../ir/op-name.js"
import { intAttr } from "../../ops/attrs.js"
import { bug } from "../../source/bug.js"
import type { Term } from "../writer.js"
import type { Spelling } from "./spelling.js"

const scan: Spelling = ({ args, attrs, region = bug("a scan has a region"), w }) => {
  const [iterations, carries] = [intAttr(attrs, "iterations"), intAttr(attrs, "carries")]
  const sequences = args.slice(carries, carries + intAttr(attrs, "slices"))
  // A Scan goes by its sequences: there must be one.
  const counted = region.countsIterations || sequences.length === 0 ? [w.iota([iterations], 0, "i32")] : []
  const param = ({ dtype }: Term, shape: Term["shape"], name: string): Term => ({
    name: w.shared.fresh(name),
    dtype,
    shape,
    held: shape,
  })
  const states = args.slice(0, carries).map((x, i) => param(x, x.shape, `state.${i}`))
  const slices = [...sequences, ...counted].map((x, i) => param(x, x.shape.slice(1), `slice.${i}`))
  const given = region.countsIterations
    ? [...states, ...slices]
    : [...states, ...slices.slice(0, sequences.length)]
  let types: readonly Term[] = []
  const body = w.region([...states, ...slices], (inner) => (types = region.iteration(inner, given)))
  const names = w.emit(
    "Scan",
    [...args.slice(0, carries), ...sequences, ...counted].map((x) => w.whole(x).name),
    { body, num_scan_inputs: slices.length },
    types.length,
  )
  const parts = types.map(({ dtype, shape }, i): Term => {
    const all = i < carries ? shape : [iterations, ...shape]
    return { name: names[i]!, dtype, shape: all, held: all }
  })
  return { ...w.scalar(iterations, "i32"), parts }
}

export const LOOPS = {
  scan,
  scan_result: ({ args: [loop], attrs }) =>
    loop!.parts?.[intAttr(attrs, "index")] ?? bug("no result of a scan"),
} satisfies Partial<Record<OpName, Spelling>>
