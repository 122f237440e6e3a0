import { expectMethods } from '../errors.ts'

/** Where debug lines and warnings go. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** For whoever gave none. */
export const SILENT_LOGGER: Logger = { debug() {}, warn() {} }

/**
 * A logger that never throws: a fault of it is nobody's execution's, and there is nowhere to log it.
 * @throws `INVALID_OPTION` for what is no logger
 */
export function guardLogger(logger: Logger): Logger {
  expectMethods('logger', logger, ['debug', 'warn'])
  const guard = (log: () => unknown): void => {
    try {
      // One that logs later may fail later.
      Promise.resolve(log()).catch(() => {})
    } catch {}
  }
  return {
    debug: (message, fields) => guard(() => logger.debug(message, fields)),
    warn: (message, fields) => guard(() => logger.warn(message, fields)),
  }
}
