// `npm run examples`: trains every example that has a program, one after the other, and says which failed.
// `npm run examples -- xor cancer` trains only these.

import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"

const MAIN = "dist/compiler/cli/main.js"

const wanted = process.argv.slice(2)
const names = readdirSync("examples")
  .filter((name) => existsSync(program(name)))
  .filter((name) => wanted.length === 0 || wanted.includes(name))
const failed = names.filter((name) => !train(name))
console.log(
  `${names.length - failed.length} examples trained, ${failed.length} failed ${failed.join(" ")}`.trim(),
)
process.exitCode = failed.length > 0 || names.length === 0 ? 1 : 0

function program(name: string): string {
  return `examples/${name}/${name}.nn`
}

function train(name: string): boolean {
  console.log(`\n${program(name)}`)
  return (
    spawnSync(process.execPath, [MAIN, "train", program(name)], { stdio: ["ignore", "inherit", "inherit"] })
      .status === 0
  )
}
