// What the runner prints: a line per case, and the count at the end.

export interface Verdict {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export class Report {
  private passed = 0
  private failed = 0

  add({ name, ok, detail }: Verdict): void {
    if (ok) this.passed++
    else this.failed++
    console.log(`${ok ? "ok  " : "FAIL"} ${name.padEnd(32)} ${detail.split("\n")[0]}`)
  }
  /** Prints the last line; whether all is well. */
  end(): boolean {
    console.log(`${this.passed} passed, ${this.failed} failed`)
    return this.failed === 0 && this.passed > 0
  }
}
