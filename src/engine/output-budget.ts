import type { JsonValue } from '../events/json-value.ts'
import { LIMITS } from '../workflow/document.ts'
import type { AttemptReport, ToolFailure } from '../attempt/attempt-outcome.ts'

/** Holds the outputs of one execution against the bounds on one and on all of them. */
export class OutputBudget {
  #spentBytes = 0

  /** Counts an output from a process before this one. */
  restore(output: JsonValue): void {
    this.#spentBytes += output.weight
  }

  /** The same report, or the failure that it becomes because its output is too large. */
  admit(report: AttemptReport): AttemptReport {
    if (report.status !== 'success') return report
    const { output, executionTimeMs, metrics } = report
    const refuse = (expected: string, bytes: number): AttemptReport => {
      return { ...describeExcess(expected, bytes), executionTimeMs, metrics }
    }
    // A weight is never more than the size. Of what is small, the exact size is not worth the text of it; of what is far too
    // large, the text may be more than a string can hold.
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
