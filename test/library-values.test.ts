/** stdlib: functions that are written in the language, value and gradients, against what PyTorch and scikit-learn give in double precision
 *  (data/library.jsonl, written by library.py): by the float64 interpreter, and on both devices. */
import { type OracleCase, testAgainstOracle } from "./support/oracle-cases.js"

const headOf = ({ expression }: OracleCase): string | undefined => /\w+/.exec(expression)?.[0]
testAgainstOracle({
  oracle: "PyTorch and scikit-learn",
  file: "library.jsonl",
  differentiated: "sum(value * value) / 2",
  nameOf: ({ expression }, i) => `${expression} #${i}`,
  // Only the first of each function runs: the others are about the language and the interpreter.
  onDevices: (c, i, all) => all.findIndex((other) => headOf(other) === headOf(c)) === i,
})
