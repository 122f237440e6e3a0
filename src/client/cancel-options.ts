import { expectObject, invalidOption } from '../errors.ts'
import { expectSignal } from './reconnection-options.ts'

/** How long a cancellation is tried. */
export interface CancelOptions {
  /** Ends the waiting and the retries, with its reason; the server may have taken it on all the same. */
  readonly signal?: AbortSignal
}

/** @returns the signal @throws `INVALID_OPTION` */
export function resolveCancelOptions(options: CancelOptions): AbortSignal | undefined {
  const { signal, ...unknown } = expectObject('options', options)
  refuseUnknown(unknown)
  expectSignal(signal)
  return signal
}

/** A misspelt option would do nothing, silently. @throws `INVALID_OPTION` */
export function refuseUnknown(unknown: object): void {
  for (const [name, value] of Object.entries(unknown)) throw invalidOption(name, 'absent: it is not an option', value)
}
