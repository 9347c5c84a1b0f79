/** check: `one_hot(10)`: a class number becomes as many values, 1 at its place and 0 elsewhere. */
import { printType } from "../../../ir/tensor.js"
import { oneNumber, type StageRule } from "./stage.js"

export const oneHot: StageRule<{ readonly kind: "one_hot"; readonly classes: number }> = {
  check: (env, call) => {
    const classes = oneNumber(env, call, { argument: "classes", counts: "classes" })
    return classes === undefined ? undefined : { kind: "one_hot", classes }
  },
  refuse: ({ classes }, { name, type }) =>
    type.shape.at(-1) === classes
      ? undefined
      : {
          message: `one_hot(${classes}) gives ${classes} numbers, and \`${name}\` is ${printType(type)}`,
          label: printType(type),
          help: `write \`f32[${classes}]\``,
        },
}
