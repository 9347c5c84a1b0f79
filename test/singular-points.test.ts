/** Values and gradients where functions have none, or infinite ones, and where f32 ends: those of PyTorch 2.15 in double precision
 *  (data/singular.jsonl), by the float64 interpreter; and on both devices what that gives. `t` is a target, without a gradient. */
import { testAgainstOracle } from "./support/oracle-cases.js"

testAgainstOracle({
  oracle: "PyTorch",
  file: "singular.jsonl",
  differentiated: "sum(value)",
  nameOf: ({ expression, inputs }) => `${expression} at ${JSON.stringify(inputs)}`,
})
