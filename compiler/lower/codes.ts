/** lower: the pages of its codes. */
import type { CodePages } from "../source/codes.js"

export const lowerCodes: CodePages = {
  "accumulate-unsupported": {
    title: "gradients cannot be accumulated over several batches yet",
    explanation: `\`accumulate N\` is to sum the gradients of N batches before one update, which gives the gradient of a batch N times as
large with the memory of one. It is not supported yet. Use a larger \`batch\` where memory allows it.`,
    bad: "batch 16, accumulate 4",
    good: "batch 64",
  },
}
