/** schedule: pages about plans of kernels that are given. */
import type { CodePages } from "../../source/codes.js"

export const planCodes: CodePages = {
  "plan-unknown": {
    title: "a plan for a kernel that the program does not have",
    explanation: `A file of plans names kernels by their groups, as \`nnc inspect m.nn --after=choose\` prints them. When a program changes, so do its
groups. \`nnc tune m.nn\` writes the file anew.`,
  },
  "plan-unfit": {
    title: "a plan that the device cannot carry out",
    explanation: `A plan says how the loops of a kernel run: tiles, lanes of a workgroup, vectors. It has to suit the kernel (vectors of four want a
number of columns that 4 divides) and the device, whose workgroups have a most of lanes and of memory.`,
  },
}
