/** schedule: the form of a group: all that decides its kernel, with values and buffers numbered. Groups of one form have one kernel,
 *  which is built once: the layers of a network are often alike, and so are the programs it is compiled to.
 *  Not here:   packs, whose kernels depend on each other's names. */
import { printAttrs } from "../../ir/graph/text.js"
import type { ValueId } from "../../ir/graph/types.js"
import { printPlan } from "../../ir/groups/plans.js"
import { printShape, printType } from "../../ir/tensor.js"
import { bug } from "../../source/bug.js"
import type { Group } from "../../ir/groups/types.js"
import type { Placed } from "./kernel-build.js"

export interface GroupForm {
  /** Equal for groups whose kernels differ in the buffers they are bound to, and in names. */
  readonly key: string
  /** Numbers of the buffers, in the order in which the form names them. */
  readonly buffers: readonly number[]
}

/** `narrow`: buffers that are accessed by element only. */
export function groupForm(placed: Placed, group: Group, narrow: ReadonlySet<number>): GroupForm {
  const { g } = placed
  const members = new Set(group.members)
  const numbers = new Map<ValueId, number>()
  const buffers: number[] = []
  const lines: string[] = []
  const add = (v: ValueId, line: string): number => {
    lines.push(line)
    numbers.set(v, numbers.size)
    return numbers.size - 1
  }
  const bufferText = (v: ValueId, holder: ValueId): string => {
    const { id, dtype } = placed.bufferOf(holder) ?? bug(`no buffer for %${holder}`)
    if (!buffers.includes(id)) buffers.push(id)
    return `b${buffers.indexOf(id)} ${dtype}${narrow.has(id) ? " narrow" : ""} ${placed.rows.get(v) ?? ""}`
  }
  const numberOf = (v: ValueId): number => {
    const known = numbers.get(v)
    if (known !== undefined) return known
    const input = g.inputs.get(v)
    if (input?.source.kind === "scalar") return add(v, input.source.scalar)
    if (!members.has(v) && placed.bufferOf(v) !== undefined) {
      const { type } = input ?? g.slots.get(v) ?? g.nodes.get(v) ?? bug(`no value %${v}`)
      return add(v, `${bufferText(v, v)} ${printType(type)}`)
    }
    const node = g.nodes.get(v) ?? bug(`%${v} is in no buffer`)
    const args = node.args.map(numberOf)
    return add(v, `${node.op}(${args.join()}) ${printAttrs(node.attrs)} ${printType(node.type)}`)
  }
  const headOf = ({ kind, outer, inner, rootAxes, parts, plan }: Group): string => {
    const how = plan === null ? "" : printPlan(plan)
    const own = `${kind} ${printShape(outer)} ${printShape(inner)} ${rootAxes?.join() ?? ""} ${how}`
    return [own, ...parts.map(headOf)].join(" ")
  }
  const own = group.members.map(numberOf)
  const full = group.full.map(numberOf)
  const stores = group.stores.map((s) => `${numberOf(s.value)} in ${bufferText(s.value, s.slot ?? s.value)}`)
  return { key: [headOf(group), ...lines, own.join(), full.join(), ...stores].join("\n"), buffers }
}
