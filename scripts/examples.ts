// `npm run examples`: trains every example that has a program, one after the other, and says which failed.
// `npm run examples -- xor cancer` trains only these.

import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"

const MAIN = "dist/compiler/cli/main.js"

const wanted = process.argv.slice(2)
const names = readdirSync("examples")
  .filter((name) => existsSync(program(name)))
  .filter((name) => wanted.length === 0 || wanted.includes(name))
const [ready, without] = [names.filter(hasData), names.filter((name) => !hasData(name))]
for (const name of without) console.log(`${name}: skipped, its README says where its data comes from`)
const failed = ready.filter((name) => !train(name))
console.log(
  `${ready.length - failed.length} examples trained, ${failed.length} failed ${failed.join(" ")}`.trim(),
)
process.exitCode = failed.length > 0 || ready.length === 0 ? 1 : 0

function program(name: string): string {
  return `examples/${name}/${name}.nn`
}

/** The images of mnist are not part of the repository. */
function hasData(name: string): boolean {
  return name !== "mnist" || existsSync("examples/mnist/data")
}

function train(name: string): boolean {
  console.log(`\n${program(name)}`)
  return (
    spawnSync(process.execPath, [MAIN, "train", program(name)], { stdio: ["ignore", "inherit", "inherit"] })
      .status === 0
  )
}
