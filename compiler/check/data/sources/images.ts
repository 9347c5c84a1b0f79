/** check: `images("photos")`, a folder of folders, and `images("list.csv", path: "file")`, a table of paths. Images are as large as
 *  the type of the field says that takes them. */
import type { CallExpr } from "../../../ir/ast/types.js"
import type { DataSource, Field } from "../../../ir/model/types.js"
import { printType } from "../../../ir/tensor.js"
import { bindData, callOf } from "../args.js"
import type { Env } from "../../env.js"
import { badSource, textOf, type SourceRule, type Taken } from "./source.js"

export const images: SourceRule = { written: 'images("...")', check: imageSource }

const WRITTEN = 'images("photos")` or `images("list.csv", path: "file")'
const IMAGE = "image"
const SKIP = "damaged"

function imageSource(
  env: Env,
  call: CallExpr,
  fields: readonly (Taken | undefined)[],
): DataSource | undefined {
  const bound = bindData(env, callOf(call), {
    names: ["from"],
    named: ["path", "skip"],
    written: WRITTEN,
    code: "data-source",
  })
  if (!bound) return undefined
  const [from, column, skip] = ["from", "path", "skip"].map((name) => bound.get(name))
  if (!from) return badSource(env, call.span, "`images` needs the path of a folder, or of a table of paths")
  const path = textOf(env, from.value)
  const columnName = column ? textOf(env, column.value) : null
  const skipped = skip ? textOf(env, skip.value) : undefined
  if (path === undefined || columnName === undefined || (skip && skipped === undefined)) return undefined
  if (skip && skipped !== SKIP)
    return badSource(env, skip.span, `what can be skipped are "${SKIP}" images, not "${skipped}"`)
  const shape = shapeOf(env, call, fields)
  return shape && { kind: "images", path, column: columnName, shape, skipDamaged: skip !== undefined }
}

/** Channels, height and width. */
function shapeOf(
  env: Env,
  call: CallExpr,
  fields: readonly (Taken | undefined)[],
): readonly number[] | undefined {
  const taking = fields.filter((taken) => taken !== undefined).filter(({ field }) => takesImage(field))
  const [first] = taking
  if (!first) {
    if (fields.every((field) => field !== undefined))
      badSource(env, call.span, 'no field takes the images: `x: f32[3, 32, 32] = column("image")`')
    return undefined
  }
  const { name, type } = first.field
  const shape = type.shape.filter((size) => typeof size === "number")
  if (shape.length !== 3 || (shape[0] !== 1 && shape[0] !== 3))
    return badSource(
      env,
      first.type,
      `an image is [3, height, width], or [1, height, width] if it is grey, and \`${name}\` is ${printType(type)}`,
      "this type",
    )
  const other = taking.find(({ field }) => field.type.shape.join() !== type.shape.join())
  if (!other) return shape
  return badSource(
    env,
    other.type,
    `images have one size, and \`${name}\` is ${printType(type)}, \`${other.field.name}\` ${printType(other.field.type)}`,
    "another size",
  )
}

const takesImage = ({ columns }: Field): boolean =>
  columns.kind === "only"
    ? columns.names.includes(IMAGE)
    : columns.kind === "all" || !columns.names.includes(IMAGE)
