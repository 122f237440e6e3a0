import { expectObject, invalidOption } from '../errors.ts'
import { expectSignal } from './reconnection-options.ts'

/** Options of a cancellation. */
export interface CancelOptions {
  /** Ends the waiting and the retries, with its reason. The server may have accepted the cancellation nevertheless. */
  readonly signal?: AbortSignal
}

/** @returns the signal @throws `INVALID_OPTION` */
export function resolveCancelOptions(options: CancelOptions): AbortSignal | undefined {
  const { signal, ...unknown } = expectObject('options', options)
  refuseUnknown(unknown)
  expectSignal(signal)
  return signal
}

/** Rejects unknown options: a misspelt one would be ignored silently. @throws `INVALID_OPTION` */
export function refuseUnknown(unknown: object): void {
  for (const [name, value] of Object.entries(unknown)) throw invalidOption(name, 'absent: it is not an option', value)
}
