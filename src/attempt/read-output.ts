import { JsonValue } from '../events/json-value.ts'
import { NotSerializableError } from '../events/serialize.ts'
import type { AttemptOutcome } from './attempt-outcome.ts'
import { warnOfHalf } from './half-characters.ts'
import { Places } from './places.ts'

/**
 * Converts the value that a tool returned to the outcome of its attempt.
 * @param warn receives a message for each part that readers may misread: `NaN` and the infinities, which are `null` in the
 * output,
 *   and lone surrogates
 */
export function readOutput(value: unknown, warn: (message: string) => void): AttemptOutcome {
  let notFinite: Places | undefined
  try {
    const output = JsonValue.from(value, path => (notFinite ??= new Places()).add(path))
    if (notFinite !== undefined) {
      warn(`NaN and the infinities are not JSON: the output has null in their place${notFinite.describe()}`)
    }
    const half = warnOfHalf(output)
    if (half !== undefined) warn(half)
    return { status: 'success', output }
  } catch (error) {
    if (!(error instanceof NotSerializableError)) throw error
    const message = `Expected the output to be JSON: ${error.message}`
    return { status: 'error', code: 'OUTPUT_NOT_SERIALIZABLE', message, isRetryable: false }
  }
}
