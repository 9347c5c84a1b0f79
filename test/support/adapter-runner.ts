/** test: runs tests as vitest does. A test that cannot run here is skipped, with its reason. Where this machine has no WebGPU adapter
 *  (`scripts/test.ts` says so), that is each test that ended because it asked for one. The rule stands here once, so that no test of a device can forget it. Vitest takes
 *  this file by its place in vitest.config.ts. */
import { TestRunner, type RunnerTestCase, type RunnerTestSuite } from "vitest"
import { NO_ADAPTER } from "../../scripts/adapter-outcome.js"
import { RunError } from "../../runtime/error.js"

declare module "vitest" {
  interface TaskMeta {
    /** Why a test could not run here; `scripts/test.ts` counts by it. */
    skipped?: string
  }
}

const REASON = "no WebGPU adapter here"

export default class AdapterRunner extends TestRunner {
  async runTask(test: RunnerTestCase): Promise<void> {
    try {
      await TestRunner.getTestFn(test)()
    } catch (caught) {
      if (caught instanceof CannotRun) skip(test, caught.message)
      if (asksForAdapter(caught)) skip(test, REASON)
      throw caught
    }
  }

  /** Vitest skips the tests of a suite whose `beforeAll` failed; the suite itself must not count as a failure either. */
  override async onAfterRunSuite(suite: RunnerTestSuite): Promise<void> {
    const errors = suite.result?.errors ?? []
    if (suite.result && errors.length > 0 && errors.every(asksForAdapter)) {
      suite.result.state = "skip"
      suite.result.errors = []
    }
    await super.onAfterRunSuite(suite)
  }
}

class CannotRun extends Error {}

/** Ends the test that runs; it counts as skipped, for this reason. */
export function skipTest(reason: string): never {
  throw new CannotRun(reason)
}

function skip({ meta, context }: RunnerTestCase, reason: string): never {
  meta.skipped = reason
  return context.skip(reason)
}

/** Errors of suites have been copied for the reporter: they keep their code, not their class. */
function asksForAdapter(error: unknown): boolean {
  if (!process.env[NO_ADAPTER]) return false
  return typeof error === "object" && error !== null && "code" in error && error.code === "no-adapter"
}

/** What the command line printed, as the error that a test in this process would have met. */
export function skipWithoutAdapter(printed: string): void {
  if (process.env[NO_ADAPTER] && printed.includes("no-adapter")) throw new RunError("no-adapter", printed)
}
