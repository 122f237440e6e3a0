import { expectMethods } from '../errors.ts'

/** Receiver of debug lines and warnings. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** The default logger: discards everything. */
export const SILENT_LOGGER: Logger = { debug() {}, warn() {} }

/**
 * A logger that never throws. Faults of the wrapped logger are dropped: they must not fail an execution.
 * @throws `INVALID_OPTION` if `logger` lacks a method
 */
export function guardLogger(logger: Logger): Logger {
  expectMethods('logger', logger, ['debug', 'warn'])
  const guard = (log: () => unknown): void => {
    try {
      // An asynchronous logger may reject later.
      Promise.resolve(log()).catch(() => {})
    } catch {}
  }
  return {
    debug: (message, fields) => guard(() => logger.debug(message, fields)),
    warn: (message, fields) => guard(() => logger.warn(message, fields)),
  }
}
