// A compiled program on a device, as the runner uses it.

import { openBundle } from "../../runtime/node.js"
import type { Bundle } from "../../runtime/bundle/format.js"
import type { Numbers, Values } from "../../runtime/exec/values.js"

export interface Session {
  /** Replaces a parameter or state. */
  set(slot: string, values: Numbers): void
  /** Trains from the values as they are; losses by step. */
  train(section: string): Promise<ReadonlyMap<number, number>>
  /** Every slot: parameters, states, optimizer states. */
  slots(): Promise<ReadonlyMap<string, Values>>
  /** The outputs of a model, in order. */
  predict(model: string, inputs: ReadonlyMap<string, Numbers>): Promise<readonly Values[]>
  close(): void
}

export async function openSession(bundle: Bundle, folder: string, device: string): Promise<Session> {
  if (device !== "auto" && device !== "webgpu" && device !== "wasm")
    throw new Error(`no such device: ${device}`)
  const trainer = await openBundle(bundle, folder, { device })
  return {
    set: (slot, values) => trainer.setParameters({ [slot]: values }),
    async train(section) {
      const losses = new Map<number, number>()
      await trainer.train({
        train: section,
        keepParameters: true,
        onEvent: (event) => {
          if (event.event === "report") losses.set(event.step, event.metrics.loss)
        },
      })
      return losses
    },
    async slots() {
      const tensors = await trainer.parameters(true)
      return new Map([...tensors].map(([name, { values }]) => [name, values]))
    },
    async predict(model, inputs) {
      const outputs = await trainer.predict(model, Object.fromEntries(inputs))
      return Object.values(outputs).map(({ values }) => values)
    },
    close: () => trainer.close(),
  }
}
