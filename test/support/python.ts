/** test: a Python that has PyTorch, where there is one: tests that need it are skipped elsewhere, and counted as such. */
import { spawnSync } from "node:child_process"

const ASK = "import importlib.util as u; print(all(u.find_spec(n) for n in ('torch', 'numpy')))"

/** $NNC_PYTHON, or python3 of the PATH. */
export const python: string | undefined = [process.env["NNC_PYTHON"], "python3"].find(
  (name) =>
    name !== undefined && spawnSync(name, ["-c", ASK], { encoding: "utf8" }).stdout?.trim() === "True",
)

/** Runs a script with PyTorch; what it printed. */
export function runPython(script: string, cwd: string): string {
  const { status, stdout, stderr } = spawnSync(python!, ["-c", script], {
    cwd,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  })
  if (status !== 0) throw new Error(`python failed:\n${stderr.slice(-4000)}`)
  return stdout
}
