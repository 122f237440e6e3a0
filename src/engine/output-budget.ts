import type { JsonValue } from '../events/json-value.ts'
import { LIMITS } from '../workflow/document.ts'
import type { AttemptReport, ToolFailure } from '../attempt/attempt-outcome.ts'

/** Checks the outputs of one execution against the bounds of one output and of all together. */
export class OutputBudget {
  #spentBytes = 0

  /** Counts an output of an earlier process. */
  restore(output: JsonValue): void {
    this.#spentBytes += output.weight
  }

  /** Returns the report, or a failure if its output is too large. */
  admit(report: AttemptReport): AttemptReport {
    if (report.status !== 'success') return report
    const { output, executionTimeMs, metrics } = report
    const refuse = (expected: string, bytes: number): AttemptReport => {
      return { ...describeExcess(expected, bytes), executionTimeMs, metrics }
    }
    // A weight never exceeds the size. For a small output the exact size is not worth serializing it; for a far too large
    // one the text may exceed the maximum length of a string.
    const isExact = output.weight >= 1024 && output.weight <= LIMITS.maxOutputBytes
    const bytes = isExact ? output.byteLength : output.weight
    if (bytes > LIMITS.maxOutputBytes) {
      return refuse(`an output of at most ${LIMITS.maxOutputBytes} bytes of JSON`, bytes)
    }
    if (this.#spentBytes + bytes > LIMITS.maxExecutionOutputBytes) {
      const total = this.#spentBytes + bytes
      return refuse(`the outputs of an execution to be at most ${LIMITS.maxExecutionOutputBytes} bytes of JSON`, total)
    }
    this.#spentBytes += bytes
    return report
  }
}

function describeExcess(expected: string, bytes: number): ToolFailure {
  const message = `Expected ${expected}, got ${bytes} bytes`
  return { status: 'error', code: 'OUTPUT_TOO_LARGE', message, isRetryable: false }
}
